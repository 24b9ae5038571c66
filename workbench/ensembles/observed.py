"""Observables of a whole batch where it lies: matrix products on the device, one number and its error a member.

The error is that of measuring the computed iterate in double precision: rounding by the standard model, and the width
of a bracket where there is an iteration. How far the iterate is from the exact one is `EnsembleRun.errors`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from workbench.ensembles.extremes import largest_singular_value, smallest_singular_value
from workbench.errors import UnknownNameError, UnsupportedError

Layers = list[Any]
Observable = Callable[[Layers, Any, float], tuple[Any, Any]]

_UNIT = 2.0**-53

# What underflow may take from a square or a product, many times over.
_TINY = 2.0**-500

# Covers the rounding of the norms behind an error.
_INFLATE = 1 + 1e-9


def catalogue() -> list[str]:
    """Return the names of the observables of a batch."""
    return sorted(_OBSERVABLES)


def checked(names: list[str]) -> list[str]:
    """Return the names, each of which must be known."""
    for name in names:
        if name not in _OBSERVABLES:
            raise UnknownNameError("observable of an ensemble", name, catalogue())
    return names


def measure(name: str, layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Measure a batch.

    Parameters
    ----------
    name : str
        One of `catalogue()`.
    layers : list of tensors, shapes (B, d_j, d_{j-1})
    target : tensor, shape (B, d_L, d_0)
    factor : float
        c of the loss c ||W - Phi||_F^2.

    Returns
    -------
    values, errors : tensors of float64, shape (B,)
    """
    return _OBSERVABLES[name]([w.double() for w in layers], target.double(), factor)


def loss(layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Return c ||W_L ... W_1 - Phi||_F^2."""
    product, error = _end_to_end(layers)
    gap = _frobenius(product - target)
    shift = error + _UNIT * gap + _TINY
    values = factor * gap.square()
    return values, (factor * (2 * gap * shift + shift.square()) + target[0].numel() * _UNIT * values) * _INFLATE


def balancedness_defect(layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Return max_j ||W_{j+1}^T W_{j+1} - W_j W_j^T||_F, zero for one layer."""
    if len(layers) == 1:
        return torch.zeros_like(target[:, 0, 0]), torch.zeros_like(target[:, 0, 0])
    values, errors = [], []
    for lower, upper in pairwise(layers):
        values.append(_frobenius(upper.mT @ upper - lower @ lower.mT))
        inner = max(upper.shape[1], lower.shape[2]) + lower.shape[1] * lower.shape[1] + 2
        errors.append(inner * _UNIT * (_frobenius(upper).square() + _frobenius(lower).square()) + _TINY)
    return torch.stack(values).amax(0), torch.stack(errors).amax(0) * _INFLATE


def distance_to_identity(layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Return max_j ||W_j - 1||_2; square layers only."""
    for layer in layers:
        if layer.shape[1] != layer.shape[2]:
            raise UnsupportedError(f"a {layer.shape[1]} x {layer.shape[2]} layer has no distance to the identity")
    eye = torch.eye(layers[0].shape[1], dtype=torch.float64, device=target.device)
    brackets = [largest_singular_value(layer - eye) for layer in layers]
    lower, upper = (torch.stack(ends).amax(0) for ends in zip(*brackets, strict=True))
    # The subtraction rounds each entry of the diagonal once.
    return _middle(lower, upper, _UNIT * (torch.stack([_frobenius(w) for w in layers]).amax(0) + len(eye)))


def largest_mode(layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Return the largest singular value of the end-to-end matrix."""
    product, error = _end_to_end(layers)
    return _middle(*largest_singular_value(product), error)


def smallest_mode(layers: Layers, target: Any, factor: float) -> tuple[Any, Any]:
    """Return the smallest singular value of the end-to-end matrix, the last of min(d_0, d_L)."""
    product, error = _end_to_end(layers)
    lower, upper = smallest_singular_value(product)
    return _middle(lower, upper, error)


_OBSERVABLES: dict[str, Observable] = {
    "loss": loss,
    "balancedness_defect": balancedness_defect,
    "distance_to_identity": distance_to_identity,
    "largest_mode": largest_mode,
    "smallest_mode": smallest_mode,
}


def _end_to_end(layers: Layers) -> tuple[Any, Any]:
    """Return W_L ... W_1 and a bound of its rounding in the Frobenius norm, shape (B,)."""
    product, error = layers[0], torch.zeros_like(layers[0][:, 0, 0])
    for layer in layers[1:]:
        norm, inner = _frobenius(layer), layer.shape[2]
        error = norm * error + (inner + 1) * _UNIT * norm * (_frobenius(product) + error) + _TINY
        product = layer @ product
    return product, error * _INFLATE


def _middle(lower: Any, upper: Any, error: Any) -> tuple[Any, Any]:
    values = (lower + upper) / 2
    return values, ((upper - lower) / 2 + error + 4 * _UNIT * upper + _TINY) * _INFLATE


def _frobenius(a: Any) -> Any:
    return a.square().sum(dim=(1, 2)).sqrt()
