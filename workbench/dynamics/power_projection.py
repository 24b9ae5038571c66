r"""Power projection: a gradient step on balanced layers, then the product projected and factored anew.

Given W = W_L ... W_1, take its balanced factorisation W_i = R^(i/L) P^(1/L) R^(-(i-1)/L), W = R P; one gradient step on
all layers; project the product onto {u^T W u >= gamma |u|^2} in the Frobenius norm, which raises the eigenvalues of the
symmetric part to gamma and keeps the skew part. What is recorded at a step are the balanced layers of W.

The state is the end-to-end matrix (`_end_to_end_step`): the roots of R are taken only where layers are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from workbench.backends import Array, Backend
from workbench.backends.factorisation import balanced_layers
from workbench.backends.float64 import nearest
from workbench.backends.running_error import RunningError, enclosing
from workbench.dynamics._end_to_end_step import State, error_of
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.dynamics._stopping import number_of_steps
from workbench.dynamics.penalised_descent import require_square
from workbench.errors import UnsupportedError
from workbench.initialization import BalancedLayer, weights
from workbench.networks import Parameters, build
from workbench.networks.linear import Linear
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

LABEL = "power projection: descent on balanced layers, the product projected"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"floor": None}

# A loss past this is a run that diverged, in every arithmetic alike.
_DIVERGED = 1e100


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run power projection; linear networks with square layers only."""
    if base.name == "exact":
        raise UnsupportedError("power projection takes roots of matrices: the exact backend cannot run it; use ball")
    require_square(problem, "power projection")
    if not problem.whitened:
        raise UnsupportedError("power projection is for whitened inputs: give a target and no inputs")
    with base.session():
        return _PowerProjection(problem, base, method, observes, keep_weights, digits).run()


class _PowerProjection:
    """The state of one run."""

    def __init__(
        self,
        problem: Problem,
        base: Backend,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
    ) -> None:
        if method.step_size is None:
            raise UnsupportedError(f"the dynamics {method.name} needs a step size")
        network = build(problem, enclosing(base))
        if not isinstance(network, Linear):
            raise UnsupportedError("power projection needs a linear network")
        self.network, self.backend, self.method, self.digits = network, network.backend, method, digits
        self.step_size, self.floor = method.step_size, method.parameter("floor")
        self.initial = network.parameters
        self.recorder = Recorder(network, observes, keep_weights, self.step_size, digits, dict(method.parameters))
        self.about_the_loss = set(observes) <= {"loss"} and not keep_weights
        self.errors = error_of(network, self.step_size)
        self.steps = number_of_steps(method)

    def run(self) -> Trajectory:
        """Iterate until the stop."""
        state = self.errors.start(self._initial_product())
        step, previous = 0, None
        while True:
            matrix = self.errors.widen(state)
            loss = self.network.loss((matrix,))
            status, after = self._status(loss, step), state
            if status is None:
                after = self.errors.advance(state, self._project)
                status = Status.STALLED if self._same(state, after) else None
            if status is not None or self.recorder.wants(step):
                previous = self._record(step, matrix, loss, previous)
            if status is not None:
                return self._trajectory(status)
            state, step = after, step + 1

    def _project(self, matrix: Array) -> Array:
        return self.backend.raise_symmetric_part(matrix, self.floor)

    def _initial_product(self) -> Array:
        """Return the end-to-end matrix of the start; that of a balanced start is known by name."""
        first = weights(self.network.problem.network, self.network.problem.start)[0]
        if isinstance(first, BalancedLayer):
            return self.backend.matrix(first.matrix.rows)
        return self.network.end_to_end(self.initial)

    def _same(self, before: State, after: State) -> bool:
        """Say whether a floating step moved nothing at all."""
        if not isinstance(self.backend, RunningError):
            return False
        return not np.any(self.backend.shadow(before.matrix) - self.backend.shadow(after.matrix))

    def _status(self, loss: Array, step: int) -> Status | None:
        """Return the status that the run ends with at this step, or None."""
        shadow, value = float(self.backend.shadow(loss)[0, 0]), self.backend.measure(loss)
        if value.bounds() is None and self.digits is not None:
            raise PrecisionShort(step)
        if not np.isfinite(shadow) or shadow > _DIVERGED:
            return Status.DIVERGED
        level = self.method.stop.until_loss
        if level is not None and shadow <= 2 * nearest(level):
            low, high = value.bounds() or (Fraction(0), level + 1)
            if (high if self.errors.rigorous else value.value or Fraction(0)) <= level:
                return Status.CONVERGED
            if self.errors.rigorous and low <= level and self.digits is not None:
                raise PrecisionShort(step)
        return Status.FINISHED if step == self.steps else None

    def _record(self, step: int, matrix: Array, loss: Array, previous: Parameters | None) -> Parameters | None:
        """Record a step, and return the layers where they were needed."""
        time = step * self.step_size
        if not self.about_the_loss:
            layers = balanced_layers(self.backend, matrix, self.network.problem.depth)
            self.recorder.record(step, time, layers, self.initial, previous)
            return layers
        self.recorder.hold_precision((matrix,), step)
        self.recorder.append(step, time, {"loss": self.backend.measure(loss)} if self.recorder.series else {})
        return None

    def _trajectory(self, status: Status) -> Trajectory:
        kept = self.recorder.weights
        return Trajectory(
            problem=self.network.problem,
            method=self.method,
            arithmetic=Arithmetic(self.backend.name),
            steps=tuple(self.recorder.steps),
            times=tuple(self.recorder.times),
            observables={name: tuple(values) for name, values in self.recorder.series.items()},
            grade="enclosure" if self.errors.rigorous else "estimate",
            status=status,
            weights=None if kept is None else tuple(kept),
            notes=tuple(self.recorder.unmeasured.values()),
        )
