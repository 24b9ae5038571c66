"""Exact rationals, for a few steps: the digits of an iterate grow by the factor 2L-1 a step.

python-flint's `fmpq` carries them where it is installed, `fractions.Fraction` elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.base import Array, ShadowedScalars
from workbench.errors import UnsupportedError
from workbench.exact import Exact as ExactNumber
from workbench.exact import Measured, Power, to_float


def _rational_type() -> Callable[[int, int], Any]:
    try:
        from flint import fmpq
    except ImportError:
        return Fraction
    return fmpq  # type: ignore[no-any-return]


class Exact(ShadowedScalars):
    """Rational arithmetic: no rounding, so every result is an enclosure of radius zero."""

    name = "exact"
    precision_bits: int | None = None
    encloses = True
    roundoff = Fraction(0)

    def __init__(self) -> None:
        self._rational = _rational_type()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Do nothing: rationals have no global state."""
        yield

    def _convert(self, value: ExactNumber) -> Any:
        if isinstance(value, Power):
            root = _exact_power(value)
            if root is None:
                raise UnsupportedError(f"{value} is irrational: the exact backend has rationals only; use ball")
            value = root
        return self._rational(value.numerator, value.denominator)

    def matrix(self, rows: Sequence[Sequence[ExactNumber]]) -> Array:
        """Return a matrix of rationals."""
        result = np.empty((len(rows), len(rows[0])), dtype=object)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                result[i, j] = self._convert(value)
        return result

    def identity(self, size: int) -> Array:
        """Return the identity."""
        one, zero = Fraction(1), Fraction(0)
        return self.matrix([[one if i == j else zero for j in range(size)] for i in range(size)])

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product."""
        return a @ b

    def add(self, a: Array, b: Array) -> Array:
        """Return the sum."""
        return a + b

    def subtract(self, a: Array, b: Array) -> Array:
        """Return the difference."""
        return a - b

    def multiply(self, a: Array, b: Array) -> Array:
        """Return the entrywise product."""
        return a * b

    def scale(self, factor: ExactNumber, a: Array) -> Array:
        """Return the product with a number."""
        return a * self._convert(factor)

    def transpose(self, a: Array) -> Array:
        """Return the transpose."""
        return a.T

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""
        return (a * a).sum(axis=(-1, -2), keepdims=True)

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return the identity or relu, or its derivative; others leave the rationals."""
        if activation == "relu":
            zero, one = self._rational(0, 1), self._rational(1, 1)
            rectified = [[(x if order == 0 else one) if x > 0 else zero for x in row] for row in a]
            return np.array(rectified, dtype=object)
        if activation != "identity":
            raise UnsupportedError(f"{activation} leaves the rationals: the exact backend cannot run it; use ball")
        return a if order == 0 else self.matrix([[Fraction(1)] * a.shape[1]] * a.shape[0])

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Refuse: singular values leave the rationals."""
        raise UnsupportedError("a spectral projection leaves the rationals: use --backend float64, torch or mp")

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Refuse: eigenvalues leave the rationals."""
        raise UnsupportedError("a projection of eigenvalues leaves the rationals: use --backend ball, mp or float64")

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Refuse: singular values leave the rationals."""
        raise UnsupportedError("a balanced factorisation leaves the rationals: use --backend ball, mp or float64")

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Refuse: roots leave the rationals."""
        raise UnsupportedError("a root of a rotation leaves the rationals: use --backend ball, mp or float64")

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""
        return int(a.shape[0]), int(a.shape[1])

    def shadow(self, a: Array) -> np.ndarray:
        """Return the nearest floats, infinities where the rationals are too large."""
        return np.array([[_float(x) for x in row] for row in a])

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry; its error is zero."""
        return [[Measured(_fraction(x)) for x in row] for row in a]


def _fraction(value: Any) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(int(value.p), int(value.q))


def _float(value: Any) -> float:
    number = to_float(_fraction(value))
    return float("inf") if number is None else number


def _exact_power(value: Power) -> Fraction | None:
    """Return the rational that a power is, or None."""
    base = value.base**value.exponent.numerator
    degree = value.exponent.denominator
    top, bottom = (_integer_root(n, degree) for n in (base.numerator, base.denominator))
    return None if top is None or bottom is None else Fraction(top, bottom)


def _integer_root(value: int, degree: int) -> int | None:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low if low**degree == value else None
