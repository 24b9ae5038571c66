"""Nesterov's accelerated descent, starting at rest, written of the point at which the gradient is taken.

V_i <- beta V_i - eta dl/dY_i, Y_i <- Y_i + beta V_i - eta dl/dY_i with the new V_i: the weights recorded are the Y_i,
as in the optimisers in use. In the form that looks ahead, V' = beta V - eta G(W + beta V), W' = W + V', the weights are
W = Y - beta V; the two agree by that change of variable (`derivations/momentum_stability.py`), from rest at one start.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from workbench.backends import Backend
from workbench.backends.float64 import nearest
from workbench.dynamics._iteration import Memory, descend
from workbench.networks import Parameters
from workbench.problem import Problem
from workbench.trajectory import Method, Trajectory

LABEL = "gradient descent with Nesterov's momentum"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"momentum": None}


class Nesterov:
    """One step with velocity, whose gradient is taken ahead."""

    def __init__(self, step_size: Fraction, momentum: Fraction) -> None:
        self.step_size = step_size
        self.momentum = momentum

    def memory(self, backend: Backend, parameters: Parameters) -> Memory:
        """Return zero velocities."""
        return tuple(backend.subtract(p, p) for p in parameters)

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the weights and velocities after a step."""
        pulls = tuple(backend.scale(self.step_size, g) for g in gradients)
        velocities = tuple(
            backend.subtract(backend.scale(self.momentum, v), pull) for v, pull in zip(memory, pulls, strict=True)
        )
        steps = zip(parameters, velocities, pulls, strict=True)
        after = (backend.add(y, backend.subtract(backend.scale(self.momentum, v), pull)) for y, v, pull in steps)
        return tuple(after), velocities

    def growth(self, low: float, high: float) -> float:
        """Return the norm of the joint map of weights and velocities.

        On an eigenvector of the Hessian it is [[1 - (1 + beta) eta h, beta^2], [-eta h, beta]]; its norm is convex in
        h, so the extremes bound it.
        """
        return max(self._norm(low), self._norm(high))

    def _norm(self, curvature: float) -> float:
        if not np.isfinite(curvature):
            return float("inf")
        pull, beta = nearest(self.step_size) * curvature, nearest(self.momentum)
        if not np.isfinite((1 + beta) * pull + beta**2):
            return float("inf")
        return float(np.linalg.norm(np.array([[1 - (1 + beta) * pull, beta**2], [-pull, beta]]), 2))


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run Nesterov's descent."""
    rule = Nesterov(method.step_size or Fraction(0), method.parameter("momentum"))
    return descend(problem, base, method, rule, observes, keep_weights, digits)
