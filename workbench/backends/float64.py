"""IEEE double precision through numpy; leading axes are a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from workbench.backends.base import Array, ShadowedScalars
from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Exact, Measured


class Float64(ShadowedScalars):
    """Double precision on the CPU."""

    name = "float64"
    precision_bits: int | None = 53
    encloses = False
    roundoff = Fraction(1, 2**53)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Let overflow become infinity: divergence is a status, not a warning."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            yield

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded once."""
        return np.array([[nearest(x) for x in row] for row in rows])

    def identity(self, size: int) -> Array:
        """Return the identity."""
        return np.eye(size)

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

    def scale(self, factor: Exact, a: Array) -> Array:
        """Return the product with a number."""
        return nearest(factor) * a

    def transpose(self, a: Array) -> Array:
        """Return the transpose of the last two axes."""
        return a.swapaxes(-1, -2)

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""
        return (a * a).sum(axis=(-1, -2), keepdims=True)

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return an activation, or its first derivative, entry by entry."""
        if activation == "identity":
            return a if order == 0 else np.ones_like(a)
        if activation == "tanh":
            value = np.tanh(a)
            return value if order == 0 else 1 - value * value
        if activation == "arctan":
            return np.arctan(a) if order == 0 else 1 / (1 + a * a)
        if activation == "softplus":
            return np.logaddexp(0, a) - np.log(2) if order == 0 else (1 + np.tanh(a / 2)) / 2
        if activation == "relu":
            return np.maximum(a, 0) if order == 0 else (a > 0).astype(float)
        raise UnsupportedError(f"the backend {self.name} has no activation {activation!r}")

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Return the Frobenius-nearest matrix of spectral norm at most `radius`."""
        if not np.isfinite(a).all():
            return a
        left, values, right = np.linalg.svd(a, full_matrices=False)
        return (left * np.minimum(values, float(radius))[..., None, :]) @ right

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Return the Frobenius-nearest matrix with u^T A u >= floor |u|^2 for every u."""
        mirrored = a.swapaxes(-1, -2)
        values, vectors = _eigh((a + mirrored) / 2)
        if not (values < nearest(floor)).any():
            return a
        raised = np.maximum(values, nearest(floor))
        return (vectors * raised[..., None, :]) @ vectors.swapaxes(-1, -2) + (a - mirrored) / 2

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Return R and P^(1/degree) of A = R P, R orthogonal, P positive definite."""
        if not np.isfinite(a).all():
            return a, a
        left, values, right = np.linalg.svd(a)
        roots = values ** (1 / degree)
        return left @ right, (right.swapaxes(-1, -2) * roots[..., None, :]) @ right

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Return the principal root, from the cosines of the angles (see `ball_algebra.orthogonal_root`)."""
        mirrored = a.swapaxes(-1, -2)
        cosines, vectors = _eigh((a + mirrored) / 2)
        angles = np.arccos(np.clip(cosines, -1, 1))
        ratio = np.where(angles > 0, np.sin(angles / degree) / np.sin(angles), 1 / degree)
        turned = vectors.swapaxes(-1, -2)
        even = (vectors * np.cos(angles / degree)[..., None, :]) @ turned
        return even + (a - mirrored) / 2 @ ((vectors * ratio[..., None, :]) @ turned)

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""
        return int(a.shape[-2]), int(a.shape[-1])

    def shadow(self, a: Array) -> np.ndarray:
        """Return the array itself."""
        return np.asarray(a)

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry; a float that is not finite is unknown."""
        return [[measured_float(x) for x in row] for row in self.shadow(a).tolist()]


def _eigh(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues and eigenvectors of a symmetric matrix, NaN where it is not finite."""
    if not np.isfinite(a).all():
        return np.full(a.shape[:-1], np.nan), np.full(a.shape, np.nan)
    found = np.linalg.eigh(a)
    return found.eigenvalues, found.eigenvectors


def nearest(value: Exact) -> float:
    """Return the float nearest to an exact number, an infinity where it is too large."""
    try:
        return float(value)
    except OverflowError:
        # A power is positive: its base is.
        return -math.inf if isinstance(value, Fraction) and value < 0 else math.inf


def measured_float(value: float) -> Measured:
    """Return the dyadic that a float is, or unknown."""
    return Measured(Fraction(value)) if math.isfinite(value) else UNKNOWN
