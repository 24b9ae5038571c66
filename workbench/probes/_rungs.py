"""Descent in one arithmetic after another, each rung by itself and with no error beside its numbers.

Every rung runs the same code over a backend of its own; only the enclosure knows what is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import backends
from workbench.backends import Array, Backend
from workbench.backends.float64 import Float64, nearest
from workbench.backends.torch import Torch
from workbench.errors import InputError
from workbench.exact import Exact
from workbench.networks import Built, build
from workbench.probes.base import TimeLimit
from workbench.problem import Problem
from workbench.trajectory import Method

FLOATS = ("bfloat16", "tf32", "float32", "float64")

# Bits of the factors of a product on a tensor core in the mode TF32; sums are in single precision.
_TF32_BITS = 11


class Float32(Float64):
    """Single precision on the CPU."""

    name = "float32"
    precision_bits = 24
    roundoff = Fraction(1, 2**24)

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded."""
        return super().matrix(rows).astype(np.float32)

    def identity(self, size: int) -> Array:
        """Return the identity."""
        return np.eye(size, dtype=np.float32)

    def scale(self, factor: Exact, a: Array) -> Array:
        """Return the product with a number."""
        return np.float32(nearest(factor)) * a


class TF32(Float32):
    """Single precision whose matrix products round their factors to eleven bits first, as tensor cores do."""

    name = "tf32"
    precision_bits = _TF32_BITS
    roundoff = Fraction(1, 2**_TF32_BITS)

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product of the rounded factors, summed in single precision."""
        return _rounded(a) @ _rounded(b)


def _rounded(a: np.ndarray) -> np.ndarray:
    """Return an array of singles with the last thirteen bits rounded away, ties to even."""
    bits = np.ascontiguousarray(a).view(np.uint32)
    half = np.uint32(0xFFF) + ((bits >> np.uint32(13)) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFFE000)).view(np.float32)


class BFloat16(Torch):
    """Brain floating point, eight bits, through torch on the CPU."""

    name = "bfloat16"
    precision_bits = 8
    roundoff = Fraction(1, 2**8)

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry rounded."""
        return super().matrix(rows).to(self._torch.bfloat16)

    def identity(self, size: int) -> Array:
        """Return the identity."""
        return super().identity(size).to(self._torch.bfloat16)

    def shadow(self, a: Array) -> np.ndarray:
        """Return the tensor as a float64 array."""
        return np.asarray(a.double().numpy())


_CLASSES: dict[str, type[Any]] = {"bfloat16": BFloat16, "tf32": TF32, "float32": Float32, "float64": Float64}


def backend(rung: str) -> Backend:
    """Return the arithmetic of a rung: one of `FLOATS`, or a number of decimal digits."""
    if rung in _CLASSES:
        found: Backend = _CLASSES[rung]()
        return found
    return backends.load("mp", bits=backends.bits_of(int(rung)))


def checked(text: str) -> list[str]:
    """Return the rungs of a text such as `float32,float64,30`."""
    found = [part.strip() for part in text.split(",")]
    for rung in found:
        if rung not in FLOATS and not (rung.isdecimal() and 5 <= int(rung) <= 10_000):
            raise InputError(f"no rung is called {rung!r}; give {', '.join(FLOATS)} or digits from 5 to 10000")
    if len(set(found)) != len(found):
        raise InputError(f"the rungs {text} name one twice")
    return found


@dataclass(frozen=True)
class Walk:
    """What one rung saw: at each step its loss, and how far its layers are from equal and from symmetric.

    Parameters
    ----------
    rung : str
    loss, spread, skew : list of float
        The last two are empty where the layers are not square of one size.
    end : ndarray
        The last end-to-end matrix.
    """

    rung: str
    loss: list[float]
    spread: list[float]
    skew: list[float]
    end: np.ndarray


def walk(rung: str, problem: Problem, method: Method, steps: int, limit: TimeLimit) -> Walk | None:
    """Return the descent of one rung, None where the time was up."""
    chosen, size = backend(rung), Fraction(method.step_size or 0)
    alike = len(set(problem.network.shapes)) == 1 and problem.network.shapes[0][0] == problem.network.shapes[0][1]
    loss: list[float] = []
    spread: list[float] = []
    skew: list[float] = []
    with chosen.session():
        network = build(problem, chosen)
        layers = network.parameters
        for step in range(steps + 1):
            if step % 64 == 0 and limit.over:
                return None
            value, gradients = network.loss_and_gradients(layers)
            loss.append(float(chosen.shadow(value)[0, 0]))
            if alike:
                spread.append(_spread(chosen, layers))
                skew.append(_norm(chosen, chosen.subtract(layers[0], chosen.transpose(layers[0]))))
            if step < steps:
                layers = _descended(network, layers, gradients, size)
        end = np.asarray(chosen.shadow(network.end_to_end(layers)), dtype=float)
    return Walk(rung, loss, spread, skew, end)


def _descended(network: Built, layers: tuple[Array, ...], gradients: tuple[Array, ...], size: Fraction) -> Any:
    chosen = network.backend
    pairs = zip(layers, gradients, strict=True)
    return tuple(chosen.subtract(layer, chosen.scale(size, gradient)) for layer, gradient in pairs)


def _spread(chosen: Backend, layers: tuple[Array, ...]) -> float:
    return max((_norm(chosen, chosen.subtract(layer, layers[0])) for layer in layers[1:]), default=0.0)


def _norm(chosen: Backend, a: Array) -> float:
    # Of a difference that was taken in the rung's own arithmetic: a spread of 10^-40 has a float.
    return float(np.linalg.norm(chosen.shadow(a)))
