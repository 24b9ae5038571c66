"""Exact noncommutative polynomials over matrix letters with transposes and symbolic widths.

A *word* is a product of letters and transposed letters; a matrix polynomial is a sum of words of one shape with
commuting coefficients. Equal words are equal tuples, so a polynomial has one normal form and a zero difference is
a proof for all matrices of all widths. SymPy's matrix expressions do neither (they know no tr(AB) = tr(BA), and
differentiate sums of traces wrongly), which is why they are not used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.errors import InputError, ShapeError
from workbench.symbolic.letters import Factor, Letter, Width, Word, canonical_cycle, transpose, word_key
from workbench.symbolic.polynomials import Number, Polynomial, as_polynomial

__all__ = [
    "Factor",
    "Letter",
    "MatrixPolynomial",
    "TracePolynomial",
    "Width",
    "Word",
    "canonical_cycle",
    "frobenius_inner",
    "identity",
    "letters",
    "matrix",
    "multiply",
    "squared_frobenius_norm",
    "trace",
    "trace_constant",
    "transpose",
    "word_key",
    "word_polynomial",
    "zero",
]


@dataclass(frozen=True)
class MatrixPolynomial:
    """A sum of words of one shape with commuting coefficients, in normal form.

    Parameters
    ----------
    rows, columns : Width
        The shape.
    terms : mapping from word to Polynomial
        No coefficient is zero; the empty word is the identity.
    """

    rows: Width
    columns: Width
    terms: Mapping[Word, Polynomial]

    def __add__(self, other: MatrixPolynomial) -> MatrixPolynomial:
        if (self.rows, self.columns) != (other.rows, other.columns):
            raise ShapeError(
                f"a {self.rows} x {self.columns} matrix and a {other.rows} x {other.columns} matrix have no sum"
            )
        return _collect(self.rows, self.columns, [*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> MatrixPolynomial:
        return self * -1

    def __sub__(self, other: MatrixPolynomial) -> MatrixPolynomial:
        return self + -other

    def __mul__(self, scalar: Polynomial | Number) -> MatrixPolynomial:
        factor = as_polynomial(scalar)
        return _collect(self.rows, self.columns, [(word, c * factor) for word, c in self.terms.items()])

    __rmul__ = __mul__

    def __matmul__(self, other: MatrixPolynomial) -> MatrixPolynomial:
        if self.columns != other.rows:
            raise ShapeError(
                f"the left factor has {self.columns} columns but the right one has {other.rows} rows; "
                "transpose one of them or give the widths that match"
            )
        pairs = [(v + w, a * b) for v, a in self.terms.items() for w, b in other.terms.items()]
        return _collect(self.rows, other.columns, pairs)

    def __pow__(self, exponent: int) -> MatrixPolynomial:
        if exponent < 0:
            raise InputError(f"a word has no power {exponent}; give an exponent that is at least 0")
        result = identity(self.rows)
        for _ in range(exponent):
            result = result @ self
        return result

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def T(self) -> MatrixPolynomial:
        """The transpose."""
        return _collect(self.columns, self.rows, [(transpose(word), c) for word, c in self.terms.items()])

    def substitute(self, values: Mapping[Letter, MatrixPolynomial]) -> MatrixPolynomial:
        """Replace letters by matrix polynomials of the same shape, all at once; a symmetric one by a symmetric one."""
        _check_shapes(values)
        _check_symmetry(values)
        total = zero(self.rows, self.columns)
        for word, coefficient in self.terms.items():
            product = [_factor(factor, values) for factor in word]
            total = total + multiply(product, self.rows) * coefficient
        return total

    def derivative(self, velocities: Mapping[Letter, MatrixPolynomial]) -> MatrixPolynomial:
        """Return the derivative when each letter given moves with its velocity (Leibniz's rule)."""
        _check_shapes(velocities)
        total = zero(self.rows, self.columns)
        for word, coefficient in self.terms.items():
            for place, factor in enumerate(word):
                if factor.letter in velocities:
                    parts = [_single(word[:place]), _factor(factor, velocities), _single(word[place + 1 :])]
                    total = total + multiply([p for p in parts if p is not None], self.rows) * coefficient
        return total


@dataclass(frozen=True)
class TracePolynomial:
    """A sum of traces of words with commuting coefficients, in normal form.

    Parameters
    ----------
    terms : mapping from word to Polynomial
        Words are canonical under cyclic shifts and transposition; the empty word carries the constant.
    """

    terms: Mapping[Word, Polynomial]

    def __add__(self, other: TracePolynomial) -> TracePolynomial:
        return _collect_traces([*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> TracePolynomial:
        return self * -1

    def __sub__(self, other: TracePolynomial) -> TracePolynomial:
        return self + -other

    def __mul__(self, scalar: Polynomial | Number) -> TracePolynomial:
        factor = as_polynomial(scalar)
        return _collect_traces([(word, c * factor) for word, c in self.terms.items()])

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return bool(self.terms)

    def substitute(self, values: Mapping[Letter, MatrixPolynomial]) -> TracePolynomial:
        """Replace letters by matrix polynomials of the same shape, all at once."""
        total = TracePolynomial({})
        for word, coefficient in self.terms.items():
            part = trace(word_polynomial(word).substitute(values)) if word else trace_constant(1)
            total = total + part * coefficient
        return total

    def derivative(self, velocities: Mapping[Letter, MatrixPolynomial]) -> TracePolynomial:
        """Return the derivative when each letter given moves with its velocity."""
        total = TracePolynomial({})
        for word, coefficient in self.terms.items():
            if word:
                total = total + trace(word_polynomial(word).derivative(velocities)) * coefficient
        return total


def matrix(letter: Letter) -> MatrixPolynomial:
    """Return the polynomial that is one letter."""
    return MatrixPolynomial(letter.rows, letter.columns, {(Factor(letter),): Polynomial.constant(1)})


def identity(width: Width) -> MatrixPolynomial:
    """Return the identity matrix of a width."""
    return MatrixPolynomial(width, width, {(): Polynomial.constant(1)})


def zero(rows: Width, columns: Width) -> MatrixPolynomial:
    """Return the zero matrix of a shape."""
    return MatrixPolynomial(rows, columns, {})


def word_polynomial(word: Word) -> MatrixPolynomial:
    """Return the polynomial that is one word, which must not be empty."""
    for left, right in pairwise(word):
        if left.columns != right.rows:
            raise ShapeError(
                f"{left.letter.name} gives {left.columns} columns but {right.letter.name} takes {right.rows} rows"
            )
    return MatrixPolynomial(word[0].rows, word[-1].columns, {word: Polynomial.constant(1)})


def multiply(factors: Sequence[MatrixPolynomial], width: Width) -> MatrixPolynomial:
    """Return the product in the order given; with no factors the identity of this width."""
    if not factors:
        return identity(width)
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor
    return result


def trace(polynomial: MatrixPolynomial) -> TracePolynomial:
    """Return the trace of a square matrix polynomial; the identity's is its width."""
    if polynomial.rows != polynomial.columns:
        raise ShapeError(f"a {polynomial.rows} x {polynomial.columns} matrix has no trace; it must be square")
    width = polynomial.rows
    size = Polynomial.symbol(width) if isinstance(width, str) else Polynomial.constant(width)
    return _collect_traces((w, c if w else c * size) for w, c in polynomial.terms.items())


def trace_constant(value: Polynomial | Number) -> TracePolynomial:
    """Return a scalar as a trace polynomial."""
    return _collect_traces([((), as_polynomial(value))])


def frobenius_inner(left: MatrixPolynomial, right: MatrixPolynomial) -> TracePolynomial:
    """Return the Frobenius product tr(A^T B)."""
    return trace(left.T @ right)


def squared_frobenius_norm(polynomial: MatrixPolynomial) -> TracePolynomial:
    """Return the squared Frobenius norm tr(A^T A)."""
    return frobenius_inner(polynomial, polynomial)


def letters(expression: MatrixPolynomial | TracePolynomial) -> tuple[Letter, ...]:
    """Return the letters that occur, sorted by name."""
    found = {factor.letter for word in expression.terms for factor in word}
    return tuple(sorted(found, key=lambda letter: (letter.name, str(letter.rows), str(letter.columns))))


def _collect(rows: Width, columns: Width, terms: Iterable[tuple[Word, Polynomial]]) -> MatrixPolynomial:
    return MatrixPolynomial(rows, columns, _sum(terms))


def _collect_traces(terms: Iterable[tuple[Word, Polynomial]]) -> TracePolynomial:
    return TracePolynomial(_sum((canonical_cycle(word), c) for word, c in terms))


def _sum(terms: Iterable[tuple[Word, Polynomial]]) -> dict[Word, Polynomial]:
    total: dict[Word, Polynomial] = {}
    for word, coefficient in terms:
        total[word] = total[word] + coefficient if word in total else coefficient
    return {word: coefficient for word, coefficient in total.items() if coefficient}


def _single(word: Word) -> MatrixPolynomial | None:
    return word_polynomial(word) if word else None


def _factor(factor: Factor, values: Mapping[Letter, MatrixPolynomial]) -> MatrixPolynomial:
    if factor.letter not in values:
        return word_polynomial((factor,))
    value = values[factor.letter]
    return value.T if factor.transposed else value


def _check_shapes(values: Mapping[Letter, MatrixPolynomial]) -> None:
    for letter, value in values.items():
        if (letter.rows, letter.columns) != (value.rows, value.columns):
            raise ShapeError(
                f"{letter.name} is {letter.rows} x {letter.columns} but what replaces it is "
                f"{value.rows} x {value.columns}"
            )


def _check_symmetry(values: Mapping[Letter, MatrixPolynomial]) -> None:
    # A symmetric letter is its own transpose in every word: what replaces it must be.
    for letter, value in values.items():
        if letter.symmetric and value != value.T:
            raise ShapeError(f"{letter.name} is symmetric but what replaces it is not; give a symmetric matrix")
