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
        if not any(name in given for name in self.symbols):
            return self
        found: list[tuple[Monomial, Fraction]] = []
        for monomial, coefficient in self.terms.items():
            product = Polynomial({tuple((name, e) for name, e in monomial if name not in given): coefficient})
            for name, exponent in monomial:
                product = product * given[name] ** exponent if name in given else product
            found += product.terms.items()
        return collect(found)

    def substitute_ratio(self, symbol: str, numerator: Polynomial, denominator: Polynomial) -> Polynomial:
        """Replace a symbol by a quotient and multiply by its denominator to the symbol's degree.

        Where the denominator is positive the result has the sign of this polynomial.
        """
        degree = self.degree(symbol)
        powers = [numerator**power * denominator ** (degree - power) for power in range(degree + 1)]
        found: list[tuple[Monomial, Fraction]] = []
        for monomial, coefficient in self.terms.items():
            rest = Polynomial({tuple((name, e) for name, e in monomial if name != symbol): coefficient})
            found += (rest * powers[dict(monomial).get(symbol, 0)]).terms.items()
        return collect(found)

    def evaluate(self, values: Mapping[str, Number]) -> Fraction:
        """Return the exact value at rational values of all symbols."""
        missing = [name for name in self.symbols if name not in values]
        if missing:
            raise InputError(f"no value is given for {', '.join(missing)}; give one for each symbol")
        total = Fraction(0)
        for monomial, coefficient in self.terms.items():
            for name, exponent in monomial:
                coefficient *= Fraction(values[name]) ** exponent
            total += coefficient
        return total


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
