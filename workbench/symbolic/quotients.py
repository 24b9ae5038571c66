"""Quotients of polynomials, and how to differentiate logarithms and arctangents of them.

A quotient is never cancelled: two are equal when their cross products have the same normal form, so no common
divisor is needed. A symbol moves with a velocity of its own, which makes an exponential u = e^(ct) the symbol with
the velocity c u, and a function known by its differential equation a symbol with the velocity that this gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.symbolic.identities import Identity
from workbench.symbolic.polynomials import Number, Polynomial, as_polynomial, collect

_ONE = Polynomial.constant(1)


@dataclass(frozen=True)
class Quotient:
    """A quotient of polynomials whose denominator is not the zero polynomial.

    Parameters
    ----------
    numerator, denominator : Polynomial
    """

    numerator: Polynomial
    denominator: Polynomial = _ONE

    def __post_init__(self) -> None:
        if not self.denominator:
            raise InputError("a quotient's denominator is zero")

    def __add__(self, other: Quotient | Polynomial | Number) -> Quotient:
        right = as_quotient(other)
        above = self.numerator * right.denominator + right.numerator * self.denominator
        return Quotient(above, self.denominator * right.denominator)

    __radd__ = __add__

    def __neg__(self) -> Quotient:
        return Quotient(-self.numerator, self.denominator)

    def __sub__(self, other: Quotient | Polynomial | Number) -> Quotient:
        return self + -as_quotient(other)

    def __rsub__(self, other: Polynomial | Number) -> Quotient:
        return as_quotient(other) - self

    def __mul__(self, other: Quotient | Polynomial | Number) -> Quotient:
        right = as_quotient(other)
        return Quotient(self.numerator * right.numerator, self.denominator * right.denominator)

    __rmul__ = __mul__

    def __truediv__(self, other: Quotient | Polynomial | Number) -> Quotient:
        right = as_quotient(other)
        return Quotient(self.numerator * right.denominator, self.denominator * right.numerator)

    def __rtruediv__(self, other: Polynomial | Number) -> Quotient:
        return as_quotient(other) / self

    def __pow__(self, exponent: int) -> Quotient:
        return Quotient(self.numerator**exponent, self.denominator**exponent)

    def derivative(self, velocities: Mapping[str, Quotient]) -> Quotient:
        """Return the derivative when each symbol given moves with its velocity (the quotient rule)."""
        above = _derivative(self.numerator, velocities) * self.denominator
        above = above - _derivative(self.denominator, velocities) * self.numerator
        return above / self.denominator**2

    def substitute(self, values: Mapping[str, Quotient]) -> Quotient:
        """Replace symbols by quotients, all at once."""
        return _substitute(self.numerator, values) / _substitute(self.denominator, values)


@dataclass(frozen=True)
class Logarithm:
    """The function ln f, known by its derivative f'/f."""

    argument: Quotient

    def derivative(self, velocities: Mapping[str, Quotient]) -> Quotient:
        """Return f'/f."""
        return self.argument.derivative(velocities) / self.argument


@dataclass(frozen=True)
class Arctangent:
    """The function arctan(f / sqrt(m)) / sqrt(m) with a constant m, known by its derivative f'/(m + f^2)."""

    argument: Quotient
    square: Polynomial

    def derivative(self, velocities: Mapping[str, Quotient]) -> Quotient:
        """Return f'/(m + f^2)."""
        if set(self.square.symbols) & set(velocities):
            raise InputError("the arctangent's constant m moves; give one whose symbols have no velocity")
        return self.argument.derivative(velocities) / (self.argument**2 + self.square)


def symbol(name: str) -> Quotient:
    """Return the quotient that is one symbol."""
    return Quotient(Polynomial.symbol(name))


def as_quotient(value: Quotient | Polynomial | Number) -> Quotient:
    """Return the value as a quotient."""
    return value if isinstance(value, Quotient) else Quotient(as_polynomial(value))


def partial(polynomial: Polynomial, name: str) -> Polynomial:
    """Return the partial derivative of a polynomial in one symbol."""
    terms = []
    for monomial, coefficient in polynomial.terms.items():
        exponents = dict(monomial)
        exponent = exponents.pop(name, 0)
        if exponent > 1:
            exponents[name] = exponent - 1
        terms.append((tuple(sorted(exponents.items())), coefficient * exponent))
    return collect(terms)


def equal_quotients(name: str, left: Quotient, right: Quotient) -> Identity:
    """Return the claim that two quotients are equal, as the equality of their cross products."""
    return Identity(name, left.numerator * right.denominator, right.numerator * left.denominator)


def _derivative(polynomial: Polynomial, velocities: Mapping[str, Quotient]) -> Quotient:
    total = Quotient(Polynomial.constant(0))
    for name, velocity in velocities.items():
        slope = partial(polynomial, name)
        if slope:
            total = total + velocity * slope
    return total


def _substitute(polynomial: Polynomial, values: Mapping[str, Quotient]) -> Quotient:
    total = Quotient(Polynomial.constant(0))
    for monomial, coefficient in polynomial.terms.items():
        product = Quotient(Polynomial.constant(coefficient))
        for name, exponent in monomial:
            product = product * values.get(name, symbol(name)) ** exponent
        total = total + product
    return total
