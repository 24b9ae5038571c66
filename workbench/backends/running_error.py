"""A floating backend whose arrays carry a running bound of their own error.

Rigour costs an exponent range that doubles do not have, and a directed rounding that numpy does not offer, so
the bounds are first-order-safe *estimates*: they are kept as float64 arrays in units of the base's roundoff u, hold
the standard model of rounding (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 3.13) with its
constants, and take the products of two errors along. The midpoints are bit for bit what the base computes. Where a
product is too small for a double, or a radius is, the smallest subnormal is added: what vanished was not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.base import Array, Backend, ShadowedScalars
from workbench.backends.float64 import nearest
from workbench.exact import UNKNOWN, Exact, Measured

# In units of the roundoff, the most that a product loses to underflow, 2^-1074 in doubles; below the other bound a
# radius is small enough for that to count.
_LOST, _SMALL = 2.0**-1021, 2.0**-960


@dataclass
class Bounded:
    """A base array with an entrywise bound of its error, in units of the roundoff."""

    middle: Array
    radius: np.ndarray
    size: np.ndarray


class RunningError(ShadowedScalars):
    """Any floating backend, with error bounds beside its numbers.

    Parameters
    ----------
    base : Backend
        One that does not enclose by itself.
    """

    encloses = True

    def __init__(self, base: Backend) -> None:
        self.base = base
        self.name = base.name
        self.precision_bits = base.precision_bits
        self._unit = float(base.roundoff)

    @property
    def roundoff(self) -> Fraction:
        """The base's roundoff."""
        return self.base.roundoff

    def session(self) -> Any:
        """Return the base's session."""
        return self.base.session()

    def _bounded(self, middle: Array, radius: np.ndarray) -> Bounded:
        return Bounded(middle, radius, np.abs(self.base.shadow(middle)))

    def wrap(self, middle: Array, error: float = 0.0) -> Bounded:
        """Return a base array with one absolute error, in units of the roundoff, for every entry."""
        size = np.abs(self.base.shadow(middle))
        return Bounded(middle, np.full(size.shape, error), size)

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Bounded:
        """Return a matrix, each entry rounded once."""
        middle = self.base.matrix(rows)
        size = np.abs(self.base.shadow(middle))
        given = np.array([[x != 0 for x in row] for row in rows], dtype=float)
        return Bounded(middle, size + _LOST * given * (size < _SMALL), size)

    def identity(self, size: int) -> Bounded:
        """Return the identity, which has no error."""
        return self.wrap(self.base.identity(size))

    def matmul(self, a: Bounded, b: Bounded) -> Bounded:
        """Return the matrix product; an inner product of n terms errs by n roundings at most."""
        terms = a.size.shape[-1]
        radius = (a.size + self._unit * a.radius) @ b.radius + (a.radius + terms * a.size) @ b.size
        if (radius < _SMALL).any():
            radius = radius + _LOST * (_present(a) @ _present(b))
        return self._bounded(self.base.matmul(a.middle, b.middle), radius)

    def add(self, a: Bounded, b: Bounded) -> Bounded:
        """Return the sum."""
        result = self._bounded(self.base.add(a.middle, b.middle), a.radius + b.radius)
        result.radius = result.radius + result.size
        return result

    def subtract(self, a: Bounded, b: Bounded) -> Bounded:
        """Return the difference."""
        result = self._bounded(self.base.subtract(a.middle, b.middle), a.radius + b.radius)
        result.radius = result.radius + result.size
        return result

    def multiply(self, a: Bounded, b: Bounded) -> Bounded:
        """Return the entrywise product."""
        radius = a.radius * (b.size + self._unit * b.radius) + a.size * b.radius + a.size * b.size
        radius = radius + _LOST * (radius < _SMALL) * _present(a) * _present(b)
        return self._bounded(self.base.multiply(a.middle, b.middle), radius)

    def scale(self, factor: Exact, a: Bounded) -> Bounded:
        """Return the product with a number, rounded in the number and in the product."""
        result = self._bounded(self.base.scale(factor, a.middle), abs(nearest(factor)) * a.radius)
        result.radius = result.radius + 2 * result.size
        if factor != 0:
            result.radius = result.radius + _LOST * (result.radius < _SMALL) * _present(a)
        return result

    def transpose(self, a: Bounded) -> Bounded:
        """Return the transpose."""
        return Bounded(self.base.transpose(a.middle), a.radius.swapaxes(-1, -2), a.size.swapaxes(-1, -2))

    def frobenius_squared(self, a: Bounded) -> Bounded:
        """Return the sum of the squared entries, 1 x 1."""
        terms = a.size.shape[-1] * a.size.shape[-2]
        spread = a.radius * (2 * a.size + self._unit * a.radius) + terms * a.size * a.size
        spread = spread + _LOST * (spread < _SMALL) * _present(a)
        return self._bounded(self.base.frobenius_squared(a.middle), spread.sum(axis=(-1, -2), keepdims=True))

    def activate(self, activation: str, a: Bounded, order: int = 0) -> Bounded:
        """Return an activation of slope and curvature at most one, or its derivative."""
        middle = self.base.activate(activation, a.middle, order)
        if activation == "identity":
            return self._bounded(middle, a.radius if order == 0 else np.zeros_like(a.radius))
        if activation == "relu":
            # Exact but for the slope, where the error leaves the sign open: then 0 or 1, wrong by one at most.
            open_sign = (a.size <= self._unit * a.radius) & (a.radius > 0)
            return self._bounded(middle, a.radius if order == 0 else np.where(open_sign, 1 / self._unit, 0.0))
        # The supported activations have |sigma'| <= 1 and |sigma''| <= 1; libraries round them within two ulps, the
        # softplus before it is shifted to zero.
        result = self._bounded(middle, a.radius)
        result.radius = result.radius + 4 * np.maximum(result.size, 1.0 if order or activation == "softplus" else 0.0)
        return result

    def clip_spectrum(self, a: Bounded, radius: Fraction) -> Bounded:
        """Return the projection onto a spectral ball, which expands no error in the Frobenius norm."""
        middle = self.base.clip_spectrum(a.middle, radius)
        spread = np.sqrt((a.radius**2).sum()) + _svd_roundings(a.size)
        return self._bounded(middle, np.full(a.radius.shape, spread))

    def raise_symmetric_part(self, a: Bounded, floor: Fraction) -> Bounded:
        """Return the projection onto a convex set, which expands no error in the Frobenius norm."""
        middle = self.base.raise_symmetric_part(a.middle, floor)
        spread = np.sqrt((a.radius**2).sum()) + _svd_roundings(a.size)
        return self._bounded(middle, np.full(a.radius.shape, spread))

    def polar_root(self, a: Bounded, degree: int) -> tuple[Bounded, Bounded]:
        """Return the polar form: ||dR||_F <= ||dA||_F / s, ||dP||_F <= sqrt(2) ||dA||_F, s the least singular value.

        A power 1/L has the slope s^(1/L - 1) / L at most on the spectrum. First order in dA: an estimate.
        """
        rotation, root = self.base.polar_root(a.middle, degree)
        moved = float(np.sqrt((a.radius**2).sum()) + _svd_roundings(a.size))
        low = _least_singular_value(self.base.shadow(a.middle)) - moved * self._unit
        if not low > 0:
            return self.wrap(rotation, np.inf), self.wrap(root, np.inf)
        turn = moved / low + _svd_roundings(np.eye(a.size.shape[-1]))
        stretch = np.sqrt(2) * moved * low ** (1 / degree - 1) / degree
        return self.wrap(rotation, turn), self.wrap(root, stretch + _svd_roundings(np.abs(self.base.shadow(root))))

    def orthogonal_root(self, a: Bounded, degree: int) -> Bounded:
        """Return the principal root: its slope on rotations by angles up to t is sin(t/L) / sin(t) where t > pi/2."""
        middle = self.base.orthogonal_root(a.middle, degree)
        moved = float(np.sqrt((a.radius**2).sum()) + _svd_roundings(a.size))
        turned = self.base.shadow(a.middle)
        cosine = float(np.linalg.eigvalsh((turned + turned.T) / 2)[0]) if np.isfinite(turned).all() else np.nan
        cosine -= moved * self._unit
        if not cosine > -1:
            return self.wrap(middle, np.inf)
        angle = float(np.arccos(min(cosine, 1.0)))
        slope = np.sin(angle / degree) / np.sin(angle) if angle > np.pi / 2 else 1.0
        return self.wrap(middle, slope * moved + _svd_roundings(np.abs(self.base.shadow(middle))))

    def shape(self, a: Bounded) -> tuple[int, int]:
        """Return rows and columns."""
        return self.base.shape(a.middle)

    def shadow(self, a: Bounded) -> np.ndarray:
        """Return the floats nearest to the midpoints."""
        return self.base.shadow(a.middle)

    def entries(self, a: Bounded) -> list[list[Measured]]:
        """Return every entry with its running error."""
        unit = self.base.roundoff
        middles = self.base.entries(a.middle)
        return [
            [self._entry(m, r, unit) for m, r in zip(row, radii, strict=True)]
            for row, radii in zip(middles, a.radius.tolist(), strict=True)
        ]

    @staticmethod
    def _entry(middle: Measured, radius: float, unit: Fraction) -> Measured:
        if middle.value is None or not np.isfinite(radius):
            return Measured(middle.value, None) if middle.value is not None else UNKNOWN
        return Measured(middle.value, Fraction(radius) * unit)


def _present(a: Bounded) -> np.ndarray:
    """Return 1 where an entry may differ from zero: only a product of such entries can underflow."""
    return ((a.size > 0) | (a.radius > 0)).astype(float)


def _svd_roundings(size: np.ndarray) -> float:
    """Return a bound, in roundings, of an SVD and its reassembly: backward stable with a modest constant."""
    dimension = max(size.shape[-1], size.shape[-2])
    return float(20 * dimension * np.sqrt((size**2).sum()))


def _least_singular_value(a: np.ndarray) -> float:
    """Return the smallest singular value, NaN where the matrix is not finite."""
    return float(np.linalg.svd(a, compute_uv=False)[-1]) if np.isfinite(a).all() else float("nan")


def enclosing(base: Backend) -> Backend:
    """Return a backend that carries errors: the base itself where it encloses, else its running-error form."""
    return base if base.encloses else RunningError(base)
