"""Gradient descent with a constant step, all layers at once: W_i <- W_i - eta dl/dW_i."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from workbench.backends import Backend
from workbench.backends.float64 import nearest
from workbench.dynamics._iteration import Memory, descend
from workbench.networks import Parameters
from workbench.problem import Problem
from workbench.trajectory import Method, Trajectory

LABEL = "gradient descent"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {}


class Step:
    """One step of size eta."""

    def __init__(self, step_size: Fraction) -> None:
        self.step_size = step_size

    def memory(self, backend: Backend, parameters: Parameters) -> Memory:
        """Return nothing: the step has no memory."""
        return ()

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the weights after a step."""
        pairs = zip(parameters, gradients, strict=True)
        return tuple(backend.subtract(w, backend.scale(self.step_size, g)) for w, g in pairs), memory

    def growth(self, low: float, high: float) -> float:
        """Return ||I - eta H||_2."""
        eta = nearest(self.step_size)
        return max(abs(1 - eta * low), abs(1 - eta * high))


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run gradient descent."""
    return descend(problem, base, method, Step(method.step_size or Fraction(0)), observes, keep_weights, digits)
