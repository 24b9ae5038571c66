"""A second witness of a certified run: the same descent in mpmath alone, at more digits.

The formulas are written here once more, from the definition, over `mpmath.matrix`; nothing of the networks, the
backends or the dynamics is used. What is compared is every recorded loss and every recorded weight, and the result is
the largest disagreement in units of the radius that was claimed: at most 1 where the enclosure tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath

from workbench.exact import Exact, Measured, Power
from workbench.experiment import Experiment
from workbench.initialization import BalancedLayer, weights
from workbench.problem import LinearNetwork
from workbench.trajectory import Method, Trajectory

# Decimal digits beyond the run's own working precision.
_MORE_DIGITS = 30

DYNAMICS = (
    "gradient_descent",
    "penalised_descent",
    "heavy_ball",
    "nesterov",
    "projected_descent",
    "power_projection",
)


@dataclass(frozen=True)
class Testimony:
    """What the witness found.

    Parameters
    ----------
    disagreement : float
        Largest distance between a printed number and the recomputed one, in units of the claimed radius.
    numbers : int
        How many were compared.
    digits : int
        Decimal digits of the recomputation.
    """

    disagreement: float
    numbers: int
    digits: int


def applies(experiment: Experiment) -> bool:
    """Say whether a run is a certified descent of a deep linear network, which the witness can recompute."""
    linear = isinstance(experiment.problem.network, LinearNetwork)
    return linear and experiment.arithmetic.name == "ball" and experiment.method.name in DYNAMICS


def recompute(experiment: Experiment) -> Testimony:
    """Recompute a certified descent in mpmath and return the largest disagreement."""
    return examine(experiment.trajectory(keep_weights=True))


def examine(trajectory: Trajectory) -> Testimony:
    """Recompute the recorded numbers of a trajectory that kept its weights."""
    digits = int((trajectory.arithmetic.precision_bits or 53) * 0.30103) + _MORE_DIGITS
    descent = _Descent(trajectory, digits)
    worst, count = 0.0, 0
    layers_at = trajectory.weights or ((),) * len(trajectory.steps)
    for step, loss, layers in zip(trajectory.steps, trajectory.observables["loss"], layers_at, strict=True):
        mine_loss, mine = descent.at(step)
        pairs = [(loss, mine_loss), *(zip(_entries(layers), mine, strict=True) if layers else ())]
        worst = max(worst, *(descent.disagreement(claimed, value) for claimed, value in pairs))
        count += len(pairs)
    return Testimony(worst, count, digits)


def _entries(layers: Any) -> Iterator[Measured]:
    return (x for layer in layers for row in layer for x in row)


class _Descent:
    """The iterates, one after the other."""

    def __init__(self, trajectory: Trajectory, digits: int) -> None:
        self._mp: Any = mpmath.MPContext()
        self._mp.dps = digits
        problem = trajectory.problem
        self._method: Method = trajectory.method
        self._factor = self._number(problem.loss.factor)
        self._target = self._matrix(problem.loss.target.rows)
        inputs = problem.loss.inputs
        self._inputs = self._mp.eye(problem.network.widths[0]) if inputs is None else self._matrix(inputs.rows)
        self._layers = self._start([*weights(problem.network, problem.start)])
        if self._method.name == "power_projection":
            self._layers = self._factored(self._product(self._layers))
        self._velocities = [0 * layer for layer in self._layers]
        self._step = 0

    def _number(self, value: Exact) -> Any:
        if isinstance(value, Power):
            return self._mp.power(self._number(value.base), self._number(value.exponent))
        return self._mp.mpf(value.numerator) / value.denominator

    def _matrix(self, rows: Any) -> Any:
        return self._mp.matrix([[self._number(x) for x in row] for row in rows])

    def _start(self, layers: list[Any]) -> list[Any]:
        first = layers[0]
        if isinstance(first, BalancedLayer):
            return self._factored(self._matrix(first.matrix.rows), first.depth)
        return [self._matrix(layer) for layer in layers]

    def _factored(self, matrix: Any, depth: int | None = None) -> list[Any]:
        """Return the balanced factorisation R^(i/L) P^(1/L) R^(-(i-1)/L), the root by the matrix logarithm."""
        mp, count = self._mp, depth or len(self._layers)
        left, values, right = mp.svd_r(matrix)
        stretch = right.T * mp.diag([mp.root(v, count) for v in values]) * right
        turn = mp.expm(mp.logm(left * right) / count).apply(mp.re)
        return [turn**i * stretch * (turn.T) ** (i - 1) for i in range(1, count + 1)]

    def at(self, step: int) -> tuple[Any, list[Any]]:
        """Return the loss and the weights, a flat list, at a step no earlier than the one before."""
        while self._step < step:
            self._advance()
            self._step += 1
        residual = self._product(self._layers) * self._inputs - self._target
        return self._factor * sum((x * x for x in residual), self._mp.zero), [x for w in self._layers for x in w]

    def _product(self, layers: list[Any]) -> Any:
        result = layers[0]
        for layer in layers[1:]:
            result = layer * result
        return result

    def _gradient(self, index: int) -> Any:
        """Return dl/dW_i as the definition has it: 2c A_i^T (W X - Y) X^T B_i^T."""
        residual = (self._product(self._layers) * self._inputs - self._target) * self._inputs.T
        above, below = self._layers[index + 1 :], self._layers[:index]
        left = self._product(above).T * residual if above else residual
        return 2 * self._factor * (left * self._product(below).T if below else left)

    def _advance(self) -> None:
        eta = self._number(self._method.step_size or Fraction(0))
        gradients = [self._gradient(k) for k in range(len(self._layers))]
        name = self._method.name
        if name == "heavy_ball":
            momentum = self._number(self._method.parameter("momentum"))
            pairs = zip(self._velocities, gradients, strict=True)
            self._velocities = [momentum * v - eta * g for v, g in pairs]
            self._layers = [w + v for w, v in zip(self._layers, self._velocities, strict=True)]
            return
        if name == "nesterov":
            self._look_ahead(eta, gradients)
            return
        if name == "penalised_descent":
            penalty = self._number(self._method.parameter("penalty"))
            pairs = zip(gradients, self._layers, strict=True)
            gradients = [g + penalty * (w - self._mp.eye(w.rows)) for g, w in pairs]
        self._layers = [w - eta * g for w, g in zip(self._layers, gradients, strict=True)]
        if name == "power_projection":
            self._layers = self._factored(self._raised(self._product(self._layers)))
        if name == "projected_descent":
            self._layers = [self._projected(w) for w in self._layers]

    def _look_ahead(self, eta: Any, gradients: list[Any]) -> None:
        """Advance by the two sequences: x' = y - eta g(y), y' = x' + beta (x' - x); a layer is y = x + beta v."""
        momentum = self._number(self._method.parameter("momentum"))
        before = [y - momentum * v for y, v in zip(self._layers, self._velocities, strict=True)]
        after = [y - eta * g for y, g in zip(self._layers, gradients, strict=True)]
        self._velocities = [a - b for a, b in zip(after, before, strict=True)]
        self._layers = [a + momentum * v for a, v in zip(after, self._velocities, strict=True)]

    def _projected(self, layer: Any) -> Any:
        radius, unit = self._number(self._method.parameter("radius")), self._mp.eye(layer.rows)
        left, values, right = self._mp.svd_r(layer - unit)
        return unit + left * self._mp.diag([min(v, radius) for v in values]) * right

    def _raised(self, matrix: Any) -> Any:
        """Return the matrix with the eigenvalues of its symmetric part raised to the floor."""
        floor = self._number(self._method.parameter("floor"))
        values, vectors = self._mp.eigsy((matrix + matrix.T) / 2)
        return vectors * self._mp.diag([max(v, floor) for v in values]) * vectors.T + (matrix - matrix.T) / 2

    def disagreement(self, claimed: Measured, value: Any) -> float:
        """Return the distance in units of the claimed radius; an unknown number claims nothing."""
        if claimed.value is None or claimed.error is None:
            return 0.0
        distance = abs(self._number(claimed.value) - value)
        # The recomputation rounds too, far below any radius but that of a number claimed to be exact.
        rounding = self._mp.mpf(10) ** (_MORE_DIGITS // 2 - self._mp.dps) * (1 + abs(value))
        if distance <= rounding and claimed.error == 0:
            return 0.0
        return float(distance / self._number(claimed.error)) if claimed.error else float("inf")
