"""Entries of matrices as exact polynomials, for widths that are numbers.

This is the witness against the words: the loss is multiplied out entry by entry and differentiated one entry at a
time, in FLINT's polynomials where python-flint is installed and in SymPy's ring where it is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, Literal

from workbench.errors import InputError, ShapeError
from workbench.symbolic.networks import NetworkWords
from workbench.symbolic.polynomials import Polynomial, collect
from workbench.symbolic.words import Factor, Letter, MatrixPolynomial, TracePolynomial

Engine = Literal["flint", "sympy"]
Rows = list[list[Any]]

# Terms of a loss that are multiplied out: seconds of work, and far below what fills a memory.
_MOST_TERMS = 20_000


class Entries:
    """The polynomial ring in all entries of some letters.

    Parameters
    ----------
    letters : sequence of Letter
        Their widths are numbers. The entry in row r, column c of W_1 is the symbol `W_1[r,c]`, counted from 1; a
        symmetric letter has one symbol for two mirrored entries.
    engine : {"flint", "sympy"}, optional
        By default FLINT where it is installed.
    """

    def __init__(self, letters: Sequence[Letter], engine: Engine | None = None) -> None:
        self.letters = tuple(letters)
        self.names = tuple(dict.fromkeys(name for m in letters for row in entry_names(m) for name in row))
        self._places = {name: place for place, name in enumerate(self.names)}
        self.engine: Engine = engine or ("flint" if find_spec("flint") else "sympy")
        build = {"flint": _flint_ring, "sympy": _sympy_ring}
        if self.engine not in build:
            raise InputError(f"no engine for entries is called {engine!r}; known: flint, sympy")
        self.number, generators = build[self.engine](len(self.names))
        self.generators: dict[str, Any] = dict(zip(self.names, generators, strict=True))

    def matrix(self, letter: Letter) -> Rows:
        """Return the matrix of entries of a letter."""
        return [[self.generators[name] for name in row] for row in entry_names(letter)]

    def expand(self, expression: MatrixPolynomial) -> list[list[Polynomial]]:
        """Return the entries of a matrix polynomial without scalar symbols, as polynomials."""
        matrices = {letter: self.matrix(letter) for letter in self.letters}
        rows = evaluate(expression, matrices, {}, self.number)
        return [[self.polynomial(entry) for entry in row] for row in rows]

    def square_loss(self, network: NetworkWords) -> Any:
        """Return half the squared Frobenius norm of W - Phi, multiplied out entry by entry.

        Raises
        ------
        InputError
            If it has too many terms to be written out: they grow exponentially with the depth.
        """
        _refuse_too_many_terms([numeric(network.layers[0].columns), *(numeric(m.rows) for m in network.layers)])
        return self.doubled_square_loss(network) * self.number(Fraction(1, 2))

    def doubled_square_loss(self, network: NetworkWords) -> Any:
        """Return the squared Frobenius norm of W - Phi, multiplied out entry by entry."""
        product = self.matrix(network.layers[0])
        for layer in network.layers[1:]:
            product = multiply_rows(self.matrix(layer), product)
        target = self.matrix(network.target)
        total = self.zero
        for row, wanted in zip(product, target, strict=True):
            for entry, goal in zip(row, wanted, strict=True):
                total = total + (entry - goal) * (entry - goal)
        return total

    @property
    def zero(self) -> Any:
        """The ring's zero."""
        return self.number(Fraction(0))

    def derivative(self, element: Any, name: str) -> Any:
        """Return the partial derivative of a ring element in one symbol."""
        if self.engine == "flint":
            return element.derivative(self._places[name])
        return element.diff(self.generators[name])

    def used(self, element: Any) -> list[str]:
        """Return the symbols that occur in a ring element."""
        return [name for name, degree in zip(self.names, element.degrees(), strict=True) if degree > 0]

    def gradient(self, loss: Any, letter: Letter) -> list[list[Polynomial]]:
        """Return the partial derivative of a ring element in every entry of a letter."""
        return [[self.polynomial(self.derivative(loss, name)) for name in row] for row in entry_names(letter)]

    def polynomial(self, element: Any) -> Polynomial:
        """Return a ring element as a polynomial in the entries' symbols."""
        items = element.to_dict().items() if self.engine == "flint" else element.terms()
        return collect([(self._monomial(exponents), _fraction(value)) for exponents, value in items])

    def _monomial(self, exponents: Sequence[int]) -> tuple[tuple[str, int], ...]:
        named = zip(self.names, exponents, strict=True)
        return tuple(sorted((name, int(exponent)) for name, exponent in named if exponent))


def _refuse_too_many_terms(widths: Sequence[int]) -> None:
    # Each entry of the product is a sum over the paths through the inner widths; the loss squares it.
    terms = widths[0] * widths[-1] * math.prod(widths[1:-1]) ** 2
    if terms > _MOST_TERMS:
        raise InputError(
            f"entry by entry, the loss of depth {len(widths) - 1} has more than {_MOST_TERMS} terms at these widths; "
            f"give fewer layers or smaller widths"
        )


def entry_names(letter: Letter) -> list[list[str]]:
    """Return the symbols of a letter's entries.

    Raises
    ------
    ShapeError
        If a width is a name: entries need numbers.
    """
    rows, columns = numeric(letter.rows), numeric(letter.columns)

    def name(r: int, c: int) -> str:
        if letter.symmetric:
            r, c = min(r, c), max(r, c)
        return f"{letter.name}[{r},{c}]"

    return [[name(r, c) for c in range(1, columns + 1)] for r in range(1, rows + 1)]


def numeric(width: int | str) -> int:
    """Return a width that must be a number."""
    if isinstance(width, str):
        raise ShapeError(f"the width {width} is a name, and entries need numbers: give the widths, such as 2,3,2")
    return width


def evaluate(
    expression: MatrixPolynomial,
    matrices: Mapping[Letter, Rows],
    scalars: Mapping[str, Fraction],
    number: Callable[[Fraction], Any] = Fraction,
    sizes: Mapping[str, int] | None = None,
) -> Rows:
    """Return the matrix that an expression is at given matrices, exactly, in any commutative ring.

    Parameters
    ----------
    matrices : mapping from Letter to list of rows
    scalars : mapping from symbol to Fraction
        Values of the scalar symbols, such as the step size.
    number : callable
        Takes a fraction into the ring.
    sizes : mapping from width to int, optional
        Of the widths that no matrix tells.
    """
    rows, columns = _shape(expression, matrices, sizes or {})
    total = [[number(Fraction(0)) for _ in range(columns)] for _ in range(rows)]
    for word, coefficient in expression.terms.items():
        scale = number(coefficient.evaluate(scalars))
        product = _evaluate_word(word, matrices, rows, number)
        total = [[t + scale * p for t, p in zip(u, v, strict=True)] for u, v in zip(total, product, strict=True)]
    return total


def evaluate_trace(
    expression: TracePolynomial, matrices: Mapping[Letter, Rows], scalars: Mapping[str, Fraction]
) -> Fraction:
    """Return the value of a sum of traces at given rational matrices, exactly.

    The names of widths are scalars too: they occur in the traces of identities.
    """
    total = Fraction(0)
    for word, coefficient in expression.terms.items():
        value = coefficient.evaluate(scalars)
        if word:
            rows = _evaluate_word(word, matrices, 0, Fraction)
            value *= sum((rows[i][i] for i in range(len(rows))), Fraction(0))
        total += value
    return total


def multiply_rows(left: Rows, right: Rows) -> Rows:
    """Return the product of two matrices given as rows."""
    if len(left[0]) != len(right):
        raise ShapeError(f"the left matrix has {len(left[0])} columns but the right one has {len(right)} rows")
    columns = list(zip(*right, strict=True))
    return [[_dot(row, column) for column in columns] for row in left]


def _dot(row: Sequence[Any], column: Sequence[Any]) -> Any:
    total = row[0] * column[0]
    for a, b in zip(row[1:], column[1:], strict=True):
        total = total + a * b
    return total


def _evaluate_word(
    word: Sequence[Factor], matrices: Mapping[Letter, Rows], size: int, number: Callable[[Fraction], Any]
) -> Rows:
    if not word:
        return [[number(Fraction(int(i == j))) for j in range(size)] for i in range(size)]
    product = _evaluate_factor(word[0], matrices)
    for factor in word[1:]:
        product = multiply_rows(product, _evaluate_factor(factor, matrices))
    return product


def _evaluate_factor(factor: Factor, matrices: Mapping[Letter, Rows]) -> Rows:
    if factor.letter not in matrices:
        raise InputError(f"no matrix is given for {factor.letter.name}; give one for each letter")
    rows = matrices[factor.letter]
    return [list(column) for column in zip(*rows, strict=True)] if factor.transposed else rows


def _shape(expression: MatrixPolynomial, matrices: Mapping[Letter, Rows], given: Mapping[str, int]) -> tuple[int, int]:
    sizes: dict[int | str, int] = dict(given.items())
    for letter, rows in matrices.items():
        sizes |= {letter.rows: len(rows), letter.columns: len(rows[0])}
    found = [sizes.get(width, width) for width in (expression.rows, expression.columns)]
    return numeric(found[0]), numeric(found[1])


def _fraction(value: Any) -> Fraction:
    # FLINT's rationals carry p and q, SymPy's (gmpy2 or its own) numerator and denominator.
    if hasattr(value, "p"):
        return Fraction(int(value.p), int(value.q))
    return Fraction(int(value.numerator), int(value.denominator))


def _flint_ring(count: int) -> tuple[Callable[[Fraction], Any], Sequence[Any]]:
    import flint

    context = flint.fmpq_mpoly_ctx.get([f"v{i}" for i in range(count)], flint.Ordering.lex)
    return lambda value: context.constant(flint.fmpq(value.numerator, value.denominator)), context.gens()


def _sympy_ring(count: int) -> tuple[Callable[[Fraction], Any], Sequence[Any]]:
    from sympy import QQ, ring

    polynomials, *generators = ring([f"v{i}" for i in range(count)], QQ)
    return lambda value: polynomials.ground_new(QQ(value.numerator, value.denominator)), generators
