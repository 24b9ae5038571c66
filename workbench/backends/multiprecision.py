"""Any precision through mpmath, each backend with a context of its own; gmpy2 speeds it up where installed.

Matrices are numpy arrays of mpmath numbers. A product sums exact integer products and rounds once an entry:
faster than mpmath's own matrices by a factor of about three at 50 digits, and never less accurate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.base import Array, ShadowedScalars
from workbench.errors import MissingPackageError, UnsupportedError
from workbench.exact import UNKNOWN, Exact, Measured, Power


class Multiprecision(ShadowedScalars):
    """Floating point with a significand of any length.

    Parameters
    ----------
    bits : int
        Bits of the significand.
    """

    name = "mp"
    encloses = False

    def __init__(self, bits: int) -> None:
        try:
            import mpmath
        except ImportError as error:
            raise MissingPackageError("mpmath", "the backend mp") from error
        self._from_rational: Any = mpmath.libmp.from_rational
        self.context: Any = mpmath.MPContext()
        self.context.prec = bits
        self.precision_bits = bits

    @property
    def roundoff(self) -> Fraction:
        """Bound of the relative error of one rounding to nearest."""
        return Fraction(1, 2**self.precision_bits)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Do nothing global: the precision lives in this backend's own context."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            yield

    def _convert(self, value: Exact) -> Any:
        mp = self.context
        if isinstance(value, Power):
            # Guard bits for the rounding of the exponent, which the logarithm of the power amplifies; one rounding.
            with mp.extraprec(64):
                power = mp.power(self._convert(value.base), self._convert(value.exponent))
            return +power
        # In one rounding: a numerator of more bits than the significand would be rounded before the division.
        return mp.make_mpf(self._from_rational(int(value.numerator), int(value.denominator), mp.prec, "n"))

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded once."""
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
        """Return the matrix product, one rounding an entry."""
        dot, columns = self.context.fdot, b.T.tolist()
        return np.array([[dot(row, column) for column in columns] for row in a.tolist()], dtype=object)

    def add(self, a: Array, b: Array) -> Array:
        """Return the sum."""
        return a + b

    def subtract(self, a: Array, b: Array) -> Array:
        """Return the difference."""
        return a - b

    def multiply(self, a: Array, b: Array) -> Array:
        """Return the entrywise product."""
        return a * b

    def scale(self, factor: Exact, a: Array) -> Array:
        """Return the product with a number."""
        return a * self._convert(factor)

    def transpose(self, a: Array) -> Array:
        """Return the transpose."""
        return a.T

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""
        flat = a.ravel().tolist()
        return np.array([[self.context.fdot(flat, flat)]], dtype=object)

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return an activation, or its first derivative, entry by entry."""
        if activation == "identity":
            return a if order == 0 else a * 0 + self.context.one
        if activation == "tanh":
            value = np.array([[self.context.tanh(x) for x in row] for row in a.tolist()], dtype=object)
            return value if order == 0 else self.context.one - value * value
        if activation in ("arctan", "softplus", "relu"):
            rule = self._rule(activation, order)
            return np.array([[rule(x) for x in row] for row in a.tolist()], dtype=object)
        raise UnsupportedError(f"the backend {self.name} has no activation {activation!r}")

    def _rule(self, activation: str, order: int) -> Any:
        """Return arctan, the shifted softplus or relu, or its derivative, of one number."""
        mp = self.context
        if activation == "relu":
            return (lambda x: x if not x < 0 else mp.zero) if order == 0 else (lambda x: mp.one if x > 0 else mp.zero)
        if activation == "arctan":
            return mp.atan if order == 0 else lambda x: 1 / (1 + x * x)
        return (lambda x: mp.log1p(mp.exp(x)) - mp.ln2) if order == 0 else (lambda x: 1 / (1 + mp.exp(-x)))

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Return the Frobenius-nearest matrix of spectral norm at most `radius`."""
        mp = self.context
        left, values, right = mp.svd_r(mp.matrix(a.tolist()))
        clipped = mp.diag([min(v, self._convert(radius)) for v in values])
        return np.array((left * clipped * right).tolist(), dtype=object)

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Return the Frobenius-nearest matrix with u^T A u >= floor |u|^2 for every u."""
        bottom = self._convert(floor)
        values, vectors = self._eigh((a + a.T) / 2)
        if not any(v < bottom for v in values):
            return a
        return _assembled(vectors, [max(v, bottom) for v in values]) + (a - a.T) / 2

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Return R and P^(1/degree) of A = R P, R orthogonal, P positive definite."""
        mp = self.context
        left, values, right = (np.array(x.tolist(), dtype=object) for x in mp.svd_r(mp.matrix(a.tolist())))
        roots = [mp.root(v, degree) if v > 0 else mp.zero for v in values.ravel()]
        return left @ right, _assembled(right.T, roots)

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Return the principal root, from the cosines of the angles (see `ball_algebra.orthogonal_root`)."""
        mp = self.context
        cosines, vectors = self._eigh((a + a.T) / 2)
        angles = [mp.acos(max(-mp.one, min(mp.one, c))) for c in cosines]
        even = [mp.cos(t / degree) for t in angles]
        ratio = [mp.sin(t / degree) / mp.sin(t) if mp.sin(t) > 0 else mp.one / degree for t in angles]
        return _assembled(vectors, even) + (a - a.T) / 2 @ _assembled(vectors, ratio)

    def _eigh(self, a: Array) -> tuple[list[Any], Array]:
        """Return eigenvalues and eigenvectors of a symmetric matrix."""
        values, vectors = self.context.eigsy(self.context.matrix(a.tolist()))
        return list(values), np.array(vectors.tolist(), dtype=object)

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""
        return int(a.shape[0]), int(a.shape[1])

    def shadow(self, a: Array) -> np.ndarray:
        """Return the nearest floats; an overflow becomes infinity."""
        return np.array([[_float(x) for x in row] for row in a.tolist()])

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry as the dyadic it is."""
        return [[_measured(x) for x in row] for row in a.tolist()]


def _assembled(vectors: Array, values: Sequence[Any]) -> Array:
    """Return V diag(values) V^T."""
    return (vectors * np.array(values, dtype=object)) @ vectors.T


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _measured(value: Any) -> Measured:
    sign, mantissa, exponent, _ = value._mpf_
    if mantissa == 0 and exponent != 0:  # mpmath's infinities and NaN
        return UNKNOWN
    magnitude = int(mantissa) * Fraction(2) ** exponent
    return Measured(-magnitude if sign else magnitude)
