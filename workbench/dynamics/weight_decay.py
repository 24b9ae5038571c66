"""Gradient descent with weight decay: W_i <- (1 - eta lambda) W_i - eta dl/dW_i, all layers at once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from workbench.backends import Backend
from workbench.backends.float64 import nearest
from workbench.dynamics._iteration import Memory, descend
from workbench.dynamics.gradient_descent import Step
from workbench.networks import Parameters
from workbench.problem import Problem
from workbench.trajectory import Method, Trajectory

LABEL = "gradient descent with weight decay"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"decay": None}


class DecayedStep(Step):
    """One step of size eta on the loss plus (lambda/2) sum_i ||W_i||_F^2."""

    def __init__(self, step_size: Fraction, decay: Fraction) -> None:
        super().__init__(step_size)
        self.decay = decay

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the weights after a step."""
        pairs = zip(parameters, gradients, strict=True)
        pulled = tuple(backend.add(g, backend.scale(self.decay, w)) for w, g in pairs)
        return super().advance(backend, parameters, pulled, memory)

    def growth(self, low: float, high: float) -> float:
        """Return ||I - eta (H + lambda I)||_2."""
        return super().growth(low + nearest(self.decay), high + nearest(self.decay))


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run gradient descent with weight decay."""
    rule = DecayedStep(method.step_size or Fraction(0), method.parameter("decay"))
    return descend(problem, base, method, rule, observes, keep_weights, digits)
