"""Exact commuting polynomials over the rationals: coefficients of words, eigenvalues, entries.

They are kept apart from SymPy's on purpose: the proofs rest on a few lines that can be read, and SymPy and FLINT
serve as independent witnesses in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from workbench.errors import InputError

Monomial = tuple[tuple[str, int], ...]
Number = int | Fraction


@dataclass(frozen=True, eq=True)
class Polynomial:
    """A polynomial in named commuting symbols with rational coefficients, in normal form.

    Parameters
    ----------
    terms : mapping from monomial to Fraction
        A monomial is the sorted tuple of (symbol, positive exponent); no coefficient is zero.
    """

    terms: Mapping[Monomial, Fraction]

    @staticmethod
    def constant(value: Number) -> Polynomial:
        """Return the constant polynomial."""
        return collect([((), Fraction(value))])

    @staticmethod
    def symbol(name: str) -> Polynomial:
        """Return the polynomial that is one symbol."""
        return Polynomial({((name, 1),): Fraction(1)})

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Polynomial | Number) -> Polynomial:
        return collect([*self.terms.items(), *as_polynomial(other).terms.items()])

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -coefficient for monomial, coefficient in self.terms.items()})

    def __sub__(self, other: Polynomial | Number) -> Polynomial:
        return self + -as_polynomial(other)

    def __rsub__(self, other: Number) -> Polynomial:
        return as_polynomial(other) - self

    def __mul__(self, other: Polynomial | Number) -> Polynomial:
        if not isinstance(other, Polynomial | int | Fraction):
            return NotImplemented
        right = as_polynomial(other).terms.items()
        return collect([(_times(m, n), a * b) for m, a in self.terms.items() for n, b in right])

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Polynomial:
        if exponent < 0:
            raise InputError(f"a polynomial has no power {exponent}; give an exponent that is at least 0")
        result = Polynomial.constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names that occur, sorted."""
        return tuple(sorted({name for monomial in self.terms for name, _ in monomial}))

    def degree(self, symbol: str) -> int:
        """Return the highest exponent of a symbol."""
        return max((dict(monomial).get(symbol, 0) for monomial in self.terms), default=0)

    def substitute(self, values: Mapping[str, Polynomial | Number]) -> Polynomial:
        """Replace symbols by polynomials, all at once."""
        given = {name: as_polynomial(value) for name, value in values.items()}
        total = Polynomial({})
        for monomial, coefficient in self.terms.items():
            product = Polynomial.constant(coefficient)
            for name, exponent in monomial:
                product = product * given.get(name, Polynomial.symbol(name)) ** exponent
            total = total + product
        return total

    def substitute_ratios(self, ratios: Mapping[str, tuple[Polynomial, Polynomial]]) -> Polynomial:
        """Replace symbols by quotients and multiply by each denominator to the symbol's degree.

        Where the denominators are positive the result has the sign of this polynomial.
        """
        total = Polynomial({})
        degrees = {name: self.degree(name) for name in ratios}
        for monomial, coefficient in self.terms.items():
            exponents = dict(monomial)
            product = Polynomial({tuple((n, e) for n, e in monomial if n not in ratios): coefficient})
            for name, (numerator, denominator) in ratios.items():
                power = exponents.get(name, 0)
                product = product * numerator**power * denominator ** (degrees[name] - power)
            total = total + product
        return total

    def evaluate(self, values: Mapping[str, Number]) -> Fraction:
        """Return the exact value at rational values of all symbols."""
        missing = [name for name in self.symbols if name not in values]
        if missing:
            raise InputError(f"no value is given for {', '.join(missing)}; give one for each symbol")
        return self.substitute(values).terms.get((), Fraction(0))


def as_polynomial(value: Polynomial | Number) -> Polynomial:
    """Return the value as a polynomial."""
    return value if isinstance(value, Polynomial) else Polynomial.constant(value)


def collect(terms: Iterator[tuple[Monomial, Fraction]] | list[tuple[Monomial, Fraction]]) -> Polynomial:
    """Add up terms and drop those that cancel."""
    total: dict[Monomial, Fraction] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, Fraction(0)) + coefficient
    return Polynomial({monomial: coefficient for monomial, coefficient in total.items() if coefficient})


def _times(left: Monomial, right: Monomial) -> Monomial:
    exponents = dict(left)
    for name, exponent in right:
        exponents[name] = exponents.get(name, 0) + exponent
    return tuple(sorted(exponents.items()))
