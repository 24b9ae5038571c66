"""The protocol that every number system keeps.

Arrays are opaque to the callers: matrices, and 1 x 1 matrices for scalars, so that one set of operations serves
both. `session()` owns whatever global state the arithmetic has while a computation runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from workbench.exact import Exact, Measured

Array = Any


class Backend(Protocol):
    """An arithmetic of real matrices.

    Attributes
    ----------
    name : str
    precision_bits : int or None
        Bits of the significand; None for exact rationals.
    encloses : bool
        Whether every array carries a bound of its own error: then results are enclosures of what was asked.
    """

    name: str
    precision_bits: int | None
    encloses: bool

    @property
    def roundoff(self) -> Fraction:
        """Bound of the relative error of one rounding; zero for exact rationals."""

    def session(self) -> AbstractContextManager[None]:
        """Return the context in which this arithmetic may be used."""

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded once (or enclosed)."""

    def number(self, value: Exact) -> Array:
        """Return a 1 x 1 matrix."""

    def identity(self, size: int) -> Array:
        """Return the identity."""

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product."""

    def add(self, a: Array, b: Array) -> Array:
        """Return the sum."""

    def subtract(self, a: Array, b: Array) -> Array:
        """Return the difference."""

    def multiply(self, a: Array, b: Array) -> Array:
        """Return the entrywise product."""

    def scale(self, factor: Exact, a: Array) -> Array:
        """Return the product with a number."""

    def transpose(self, a: Array) -> Array:
        """Return the transpose."""

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return an activation, or its derivative of an order up to 1, entry by entry."""

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Return the Frobenius-nearest matrix of spectral norm at most `radius`."""

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Return the Frobenius-nearest matrix with u^T A u >= floor |u|^2 for every u."""

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Return R and P^(1/degree) of A = R P, R orthogonal, P positive definite; A is square and invertible."""

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Return the principal root A^(1/degree) of an orthogonal matrix without the eigenvalue -1."""

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""

    def shadow(self, a: Array) -> np.ndarray:
        """Return the float64 matrix nearest to the midpoints."""

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry with the error that the array itself carries (zero unless the backend encloses)."""

    def measure(self, a: Array) -> Measured:
        """Return the number in a 1 x 1 matrix with the error that it carries."""


class ShadowedScalars:
    """What array backends share: a scalar is a 1 x 1 matrix."""

    def number(self: Any, value: Exact) -> Array:
        """Return a 1 x 1 matrix."""
        return self.matrix([[value]])

    def measure(self: Any, a: Array) -> Measured:
        """Return the number in a 1 x 1 matrix with the error that it carries."""
        result: Measured = self.entries(a)[0][0]
        return result
