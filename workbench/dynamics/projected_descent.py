"""Step and project: after each gradient step every layer is projected onto ||W_i - I||_2 <= r (Frobenius-nearest)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from workbench.backends import Backend
from workbench.dynamics._iteration import Memory, descend
from workbench.dynamics.gradient_descent import Step
from workbench.dynamics.penalised_descent import require_square
from workbench.networks import Parameters
from workbench.problem import Problem
from workbench.trajectory import Method, Trajectory

LABEL = "gradient descent projected onto a ball around the identity"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"radius": None}


class ProjectedStep(Step):
    """One step of size eta, then the projection; a projection onto a convex set expands no error."""

    def __init__(self, step_size: Fraction, radius: Fraction) -> None:
        super().__init__(step_size)
        self.radius = radius

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the weights after a step and a projection."""
        stepped, memory = super().advance(backend, parameters, gradients, memory)
        projected = []
        for weight in stepped:
            identity = backend.identity(backend.shape(weight)[0])
            offset = backend.clip_spectrum(backend.subtract(weight, identity), self.radius)
            projected.append(backend.add(identity, offset))
        return tuple(projected), memory


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run projected gradient descent; square layers only."""
    require_square(problem, "a ball around the identity")
    rule = ProjectedStep(method.step_size or Fraction(0), method.parameter("radius"))
    return descend(problem, base, method, rule, observes, keep_weights, digits)
