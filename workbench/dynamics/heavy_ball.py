"""Heavy ball: V_i <- beta V_i - eta dl/dW_i, W_i <- W_i + V_i, starting at rest."""

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

LABEL = "gradient descent with momentum (heavy ball)"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"momentum": None}


class HeavyBall:
    """One step with velocity."""

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
        velocities = tuple(
            backend.subtract(backend.scale(self.momentum, v), backend.scale(self.step_size, g))
            for v, g in zip(memory, gradients, strict=True)
        )
        return tuple(backend.add(w, v) for w, v in zip(parameters, velocities, strict=True)), velocities

    def growth(self, low: float, high: float) -> float:
        """Return the norm of the joint map of weights and velocities.

        On an eigenvector of the Hessian it is [[1 - eta h, beta], [-eta h, beta]]; its norm is convex in h, so the
        extremes bound it. Above 1 whatever the run does: a floating run with momentum is soon undecided, a ball is not.
        """
        return max(self._norm(low), self._norm(high))

    def _norm(self, curvature: float) -> float:
        if not np.isfinite(curvature):
            return float("inf")
        pull, beta = nearest(self.step_size) * curvature, nearest(self.momentum)
        if not np.isfinite(pull + beta):
            return float("inf")
        return float(np.linalg.norm(np.array([[1 - pull, beta], [-pull, beta]]), 2))


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run heavy ball."""
    rule = HeavyBall(method.step_size or Fraction(0), method.parameter("momentum"))
    return descend(problem, base, method, rule, observes, keep_weights, digits)
