"""Activations in place, and their slopes from the values that they took: so only the values are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

Tensor = Any
# Turns arguments into values, in place.
Forward = Callable[[Tensor], Tensor]
# Of the adjoint M and the values s, writes M . sigma'(z) over s.
Backward = Callable[[Tensor, Tensor], Tensor]


def _tanh_back(adjoint: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward.grad_input(adjoint, value, grad_input=value)


def _relu_back(adjoint: Tensor, value: Tensor) -> Tensor:
    # The slope is 1 where the value is positive, 0 at zero and below.
    return torch.ops.aten.threshold_backward.grad_input(adjoint, value, 0, grad_input=value)


def _arctan_back(adjoint: Tensor, value: Tensor) -> Tensor:
    # 1 / (1 + tan^2 s) = cos^2 s.
    return value.cos_().square_().mul_(adjoint)


def _softplus_back(adjoint: Tensor, value: Tensor) -> Tensor:
    # With s = ln((1 + e^z) / 2) the slope e^z / (1 + e^z) is 1 - e^-s / 2.
    return value.neg_().exp_().mul_(-0.5).add_(1).mul_(adjoint)


def _softplus(argument: Tensor) -> Tensor:
    torch.logaddexp(argument, torch.zeros((), dtype=argument.dtype, device=argument.device), out=argument)
    return argument.sub_(math.log(2))


PAIRS: dict[str, tuple[Forward, Backward]] = {
    "identity": (lambda z: z, lambda adjoint, value: value.copy_(adjoint)),
    "tanh": (torch.tanh_, _tanh_back),
    "relu": (torch.relu_, _relu_back),
    "arctan": (torch.atan_, _arctan_back),
    "softplus": (_softplus, _softplus_back),
}
