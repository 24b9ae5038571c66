"""Descent on the loss plus (kappa/2) sum_i ||W_i - I||_F^2: a penalty toward the identity in each layer."""

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

LABEL = "gradient descent with a penalty toward the identity"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"penalty": None}


class PenalisedStep(Step):
    """One step of size eta on the penalised loss."""

    def __init__(self, step_size: Fraction, penalty: Fraction) -> None:
        super().__init__(step_size)
        self.penalty = penalty

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the weights after a step."""
        pulled = []
        for weight, gradient in zip(parameters, gradients, strict=True):
            offset = backend.subtract(weight, backend.identity(backend.shape(weight)[0]))
            pulled.append(backend.add(gradient, backend.scale(self.penalty, offset)))
        return super().advance(backend, parameters, tuple(pulled), memory)

    def growth(self, low: float, high: float) -> float:
        """Return ||I - eta (H + kappa I)||_2."""
        return super().growth(low + nearest(self.penalty), high + nearest(self.penalty))


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run penalised gradient descent; square layers only."""
    require_square(problem, "a penalty toward the identity")
    rule = PenalisedStep(method.step_size or Fraction(0), method.parameter("penalty"))
    return descend(problem, base, method, rule, observes, keep_weights, digits)


def require_square(problem: Problem, what: str) -> None:
    """Raise where a layer is not square."""
    from workbench.errors import ShapeError

    for number, (rows, columns) in enumerate(problem.network.shapes, start=1):
        if rows != columns:
            raise ShapeError(f"{what} needs square layers, but layer {number} is {rows} x {columns}")
