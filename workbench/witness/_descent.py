"""The iterates of a descent in mpmath, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from workbench.trajectory import Method, Trajectory
from workbench.witness._networks import Linear, network

NAMES = (
    "gradient_descent",
    "penalised_descent",
    "heavy_ball",
    "nesterov",
    "projected_descent",
    "power_projection",
)


class Descent:
    """A descent, recomputed.

    Parameters
    ----------
    trajectory : Trajectory
    digits : int
    """

    def __init__(self, trajectory: Trajectory, digits: int) -> None:
        self.network = network(trajectory.problem, digits)
        self._mp = self.network.mp
        self._method: Method = trajectory.method
        self._layers = list(self.network.start)
        if self._method.name == "power_projection":
            self._layers = self._balanced(self._layers)
        self._velocities = [0 * layer for layer in self._layers]
        self._step = 0

    def at(self, step: int, time: Fraction) -> list[Any]:
        """Return the layers at a step no earlier than the one before."""
        while self._step < step:
            self._advance()
            self._step += 1
        return self._layers

    def _advance(self) -> None:
        number = self.network.number
        eta = number(self._method.step_size or Fraction(0))
        gradients = self.network.gradients(self._layers)
        name = self._method.name
        if name == "heavy_ball":
            momentum = number(self._method.parameter("momentum"))
            pairs = zip(self._velocities, gradients, strict=True)
            self._velocities = [momentum * v - eta * g for v, g in pairs]
            self._layers = [w + v for w, v in zip(self._layers, self._velocities, strict=True)]
            return
        if name == "nesterov":
            self._look_ahead(eta, gradients)
            return
        if name == "penalised_descent":
            penalty = number(self._method.parameter("penalty"))
            pairs = zip(gradients, self._layers, strict=True)
            gradients = [g + penalty * (w - self._mp.eye(w.rows)) for g, w in pairs]
        self._layers = [w - eta * g for w, g in zip(self._layers, gradients, strict=True)]
        if name == "power_projection":
            self._layers = self._balanced(self._layers, self._raised)
        if name == "projected_descent":
            self._layers = [self._projected(w) for w in self._layers]

    def _look_ahead(self, eta: Any, gradients: list[Any]) -> None:
        """Advance by the two sequences: x' = y - eta g(y), y' = x' + beta (x' - x); a layer is y = x + beta v."""
        momentum = self.network.number(self._method.parameter("momentum"))
        before = [y - momentum * v for y, v in zip(self._layers, self._velocities, strict=True)]
        after = [y - eta * g for y, g in zip(self._layers, gradients, strict=True)]
        self._velocities = [a - b for a, b in zip(after, before, strict=True)]
        self._layers = [a + momentum * v for a, v in zip(after, self._velocities, strict=True)]

    def _balanced(self, layers: list[Any], change: Callable[[Any], Any] = lambda matrix: matrix) -> list[Any]:
        if not isinstance(self.network, Linear):
            raise TypeError("power projection is of linear networks")
        return self.network.factored(change(self.network.product(layers)), len(layers))

    def _raised(self, matrix: Any) -> Any:
        """Return the matrix with the eigenvalues of its symmetric part raised to the floor."""
        floor = self.network.number(self._method.parameter("floor"))
        values, vectors = self._mp.eigsy((matrix + matrix.T) / 2)
        return vectors * self._mp.diag([max(v, floor) for v in values]) * vectors.T + (matrix - matrix.T) / 2

    def _projected(self, layer: Any) -> Any:
        radius, unit = self.network.number(self._method.parameter("radius")), self._mp.eye(layer.rows)
        left, values, right = self._mp.svd_r(layer - unit)
        return unit + left * self._mp.diag([min(v, radius) for v in values]) * right
