"""Torch tensors in float64, on the CPU or a CUDA device; leading axes are a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.base import Array, ShadowedScalars
from workbench.backends.float64 import measured_float, nearest
from workbench.errors import DeviceError, MissingPackageError, UnsupportedError
from workbench.exact import Exact, Measured


class Torch(ShadowedScalars):
    """Double precision through torch.

    Parameters
    ----------
    device : str
        "cpu", "cuda" or "cuda:N".
    """

    name = "torch"
    precision_bits: int | None = 53
    encloses = False
    roundoff = Fraction(1, 2**53)

    def __init__(self, device: str = "cpu") -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingPackageError("torch", "the backend torch") from error
        self._torch: Any = torch
        self.device = checked_device(torch, device)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Switch gradient tracking off and TF32 away while a computation runs."""
        allowed = self._torch.backends.cuda.matmul.allow_tf32
        self._torch.backends.cuda.matmul.allow_tf32 = False
        try:
            with self._torch.no_grad(), np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
                yield
        finally:
            self._torch.backends.cuda.matmul.allow_tf32 = allowed

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded once."""
        values = [[nearest(x) for x in row] for row in rows]
        return self._torch.tensor(values, dtype=self._torch.float64, device=self.device)

    def identity(self, size: int) -> Array:
        """Return the identity."""
        return self._torch.eye(size, dtype=self._torch.float64, device=self.device)

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
        return a.mT

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""
        return (a * a).sum(dim=(-1, -2), keepdim=True)

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return an activation, or its first derivative, entry by entry."""
        if activation == "identity":
            return a if order == 0 else self._torch.ones_like(a)
        if activation == "tanh":
            value = self._torch.tanh(a)
            return value if order == 0 else 1 - value * value
        if activation == "arctan":
            return self._torch.atan(a) if order == 0 else 1 / (1 + a * a)
        if activation == "softplus":
            # torch's own softplus is the identity from 20 on.
            zero = self._torch.zeros_like(a)
            return self._torch.logaddexp(zero, a) - math.log(2) if order == 0 else self._torch.sigmoid(a)
        if activation == "relu":
            return a.clamp(min=0) if order == 0 else (a > 0).to(a.dtype)
        raise UnsupportedError(f"the backend {self.name} has no activation {activation!r}")

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Return the Frobenius-nearest matrix of spectral norm at most `radius`."""
        if not self._torch.isfinite(a).all():
            return a
        left, values, right = self._torch.linalg.svd(a, full_matrices=False)
        return (left * values.clamp(max=float(radius))[..., None, :]) @ right

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Return the Frobenius-nearest matrix with u^T A u >= floor |u|^2 for every u."""
        if not self._torch.isfinite(a).all():
            return a
        values, vectors = self._torch.linalg.eigh((a + a.mT) / 2)
        if not (values < nearest(floor)).any():
            return a
        return (vectors * values.clamp(min=nearest(floor))[..., None, :]) @ vectors.mT + (a - a.mT) / 2

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Return R and P^(1/degree) of A = R P, R orthogonal, P positive definite."""
        if not self._torch.isfinite(a).all():
            return a, a
        left, values, right = self._torch.linalg.svd(a)
        return left @ right, (right.mT * (values ** (1 / degree))[..., None, :]) @ right

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Return the principal root, from the cosines of the angles (see `ball_algebra.orthogonal_root`)."""
        if not self._torch.isfinite(a).all():
            return a
        cosines, vectors = self._torch.linalg.eigh((a + a.mT) / 2)
        angles = self._torch.arccos(cosines.clamp(-1, 1))
        ratio = self._torch.sin(angles / degree) / self._torch.sin(angles)
        ratio = self._torch.where(angles > 0, ratio, 1 / degree)
        even = (vectors * self._torch.cos(angles / degree)[..., None, :]) @ vectors.mT
        return even + (a - a.mT) / 2 @ ((vectors * ratio[..., None, :]) @ vectors.mT)

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""
        return int(a.shape[-2]), int(a.shape[-1])

    def shadow(self, a: Array) -> np.ndarray:
        """Return the tensor as a float64 array on the CPU."""
        return np.asarray(a.detach().cpu().numpy())

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry; a float that is not finite is unknown."""
        return [[measured_float(x) for x in row] for row in a.tolist()]


def checked_device(torch: Any, device: str) -> Any:
    """Return the device of a name, if this machine has it."""
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"no device is called {device!r}; use cpu or cuda") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"the device {device} is not on this machine; use --device cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"the device {device} is not on this machine: it has {torch.cuda.device_count()}")
    if chosen.type not in ("cpu", "cuda"):
        raise DeviceError(f"the device {device!r} is not supported: float64 runs on cpu or cuda")
    return chosen
