"""The loop that every descent shares: step, propagate the error, record, stop.

The error of an iterate is propagated, not assumed: `_error_bounds` says how.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

import numpy as np

from workbench.backends import Array, Backend
from workbench.backends.float64 import nearest
from workbench.backends.running_error import RunningError, enclosing
from workbench.dynamics._error_bounds import Errors, Growth, error_bound
from workbench.dynamics._fixed_point_descent import BeyondFloats, FixedPointDescent, applies
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.dynamics._stopping import DIVERGED, number_of_steps, proved_divergence, unproved_divergence
from workbench.errors import UnsupportedError
from workbench.networks import Built, Parameters, build
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

# An exact iterate of more bits than this is not worth a run.
_MOST_EXACT_BITS = 2**24

# Steps over which balls themselves may prove that a run diverged.
_MOST_CARRIED = 100

Memory = tuple[Array, ...]


class Oracle(Protocol):
    """Where a step's gradients come from, if not from the loss itself."""

    def gradients(self, network: Built, parameters: Parameters, step: int) -> Parameters:
        """Return the gradients that a step takes."""

    def error_bound(self, problem: Problem, backend: Backend, growth: Growth) -> Errors:
        """Return how the error of the iterates is known."""


class Rule(Protocol):
    """One step of a descent, over any backend."""

    def memory(self, backend: Backend, parameters: Parameters) -> Memory:
        """Return what the rule carries from step to step, at the start."""

    def advance(
        self, backend: Backend, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        """Return the next weights and memory."""

    def growth(self, low: float, high: float) -> float:
        """Return a bound of the step map's Jacobian norm, from the Hessian's extreme eigenvalues."""


def descend(
    problem: Problem,
    base: Backend,
    method: Method,
    rule: Rule,
    observes: tuple[str, ...],
    keep_weights: bool,
    digits: int | None,
    oracle: Oracle | None = None,
) -> Trajectory:
    """Iterate a rule until the method's stop and return the trajectory."""
    if base.name == "exact":
        _refuse_many_exact_steps(problem, method)
    with base.session():
        if base.name == "ball" and applies(problem, method):
            # Where errors grow past the floats, balls, whose exponents have no end, carry on from the start.
            with suppress(BeyondFloats):
                carried = partial(carried_past, problem, base, rule)
                return FixedPointDescent(problem, base, method, observes, keep_weights, digits, carried).run()
        return _Descent(problem, base, method, rule, observes, keep_weights, digits, oracle).run()


class _Descent:
    """The state of one run."""

    def __init__(
        self,
        problem: Problem,
        base: Backend,
        method: Method,
        rule: Rule,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
        oracle: Oracle | None,
    ) -> None:
        if method.step_size is None:
            raise UnsupportedError(f"the dynamics {method.name} needs a step size")
        self.backend = enclosing(base)
        self.network = build(problem, self.backend)
        self.method, self.rule, self.step_size = method, rule, method.step_size
        self.initial = self.network.parameters
        self.recorder = Recorder(
            self.network, observes, keep_weights, method.step_size, digits, dict(method.parameters)
        )
        self.oracle = oracle
        known = error_bound if oracle is None else oracle.error_bound
        self.errors: Errors = known(problem, self.backend, rule.growth)
        self.digits = digits
        self.notes: list[str] = []
        self.steps = number_of_steps(method)

    def run(self) -> Trajectory:
        """Iterate until the stop."""
        parameters = self.errors.start(self.initial)
        memory = self.rule.memory(self.backend, parameters)
        previous: Parameters | None = None
        step = 0
        while True:
            loss, gradients = self.network.loss_and_gradients(parameters)
            status = self._status(loss, parameters, step)
            if status is None:
                if self.oracle is not None:
                    gradients = self.oracle.gradients(self.network, parameters, step)
                after, memory_after = self.rule.advance(self.backend, parameters, gradients, memory)
                # Noise may move what one draw of it does not.
                if self.oracle is None and self._same((*parameters, *memory), (*after, *memory_after)):
                    status = Status.STALLED
            if status is not None or self.recorder.wants(step):
                self._record(step, parameters, previous)
            if status is not None:
                return self._trajectory(status)
            previous = parameters
            parameters, memory = self.errors.advance(parameters, after, memory_after)
            step += 1

    def _same(self, before: Parameters, after: Parameters) -> bool:
        """Say whether a floating step moved nothing at all."""
        if not isinstance(self.backend, RunningError):
            return False
        base = self.backend.base
        return not any(
            np.any(base.shadow(base.subtract(a.middle, b.middle)) != 0) for a, b in zip(before, after, strict=True)
        )

    def _status(self, loss: Array, parameters: Parameters, step: int) -> Status | None:
        """Return the status that the run ends with at this step, or None."""
        shadow = float(self.backend.shadow(loss)[0, 0])
        if not np.isfinite(shadow) or shadow > DIVERGED:
            return self._diverged(parameters, step)
        level = self.method.stop.until_loss
        if level is not None and shadow <= 2 * nearest(level) and self._reached(loss, parameters, level, step):
            return Status.CONVERGED
        return Status.FINISHED if step == self.steps else None

    def _diverged(self, parameters: Parameters, step: int) -> Status:
        """Say that the run diverged; an enclosure proves it, or asks for more precision."""
        if not self.errors.rigorous:
            return Status.DIVERGED
        bounds = self.backend.measure(self.network.loss(self.errors.widen(parameters))).bounds()
        past = bounds is not None and bounds[0] > DIVERGED
        # An oracle's gradients are not the loss's.
        plain = self.backend.name == "ball" and self.oracle is None
        if past or (plain and carried_past(self.network.problem, self.backend, self.rule, step)):
            self.notes.append(proved_divergence(step))
        elif self.digits is not None:
            raise PrecisionShort(step)
        else:
            self.notes.append(unproved_divergence(step))
        return Status.DIVERGED

    def _reached(self, loss: Array, parameters: Parameters, level: Fraction, step: int) -> bool:
        """Decide whether the loss is at most the level; an enclosure that straddles it asks for more precision."""
        if not self.errors.rigorous:
            value = self.backend.measure(loss).value
            return value is not None and value <= level
        bounds = self.backend.measure(self.network.loss(self.errors.widen(parameters))).bounds()
        if bounds is None or (bounds[0] <= level < bounds[1]):
            if self.digits is not None:
                raise PrecisionShort(step)
            return False
        return bounds[1] <= level

    def _record(self, step: int, parameters: Parameters, previous: Parameters | None) -> None:
        before = None if previous is None else self.errors.widen(previous, previous=True)
        self.recorder.record(step, step * self.step_size, self.errors.widen(parameters), self.initial, before)

    def _trajectory(self, status: Status) -> Trajectory:
        weights = self.recorder.weights
        return Trajectory(
            problem=self.network.problem,
            method=self.method,
            arithmetic=Arithmetic(self.backend.name),
            steps=tuple(self.recorder.steps),
            times=tuple(self.recorder.times),
            observables={name: tuple(values) for name, values in self.recorder.series.items()},
            grade="enclosure" if self.errors.rigorous else "estimate",
            status=status,
            weights=None if weights is None else tuple(weights),
            notes=(*self.recorder.unmeasured.values(), *self.notes),
        )


def carried_past(problem: Problem, base: Any, rule: Rule, step: int) -> bool:
    """Say whether balls, iterated from the start, have a loss past the bound at a step for certain.

    They lose digits at every step, but their exponents have no end where the floats of a bound do: a step of 1e400.
    """
    if step > _MOST_CARRIED:
        return False
    network = build(problem, base)
    parameters, memory = network.parameters, rule.memory(base, network.parameters)
    for _ in range(step):
        _, gradients = network.loss_and_gradients(parameters)
        parameters, memory = rule.advance(base, parameters, gradients, memory)
    return bool(network.loss(parameters)[0, 0] > DIVERGED)


def _refuse_many_exact_steps(problem: Problem, method: Method) -> None:
    """Refuse an exact run whose digits would not fit: they grow by 2L - 1 a step."""
    start = [x for row in problem.loss.target.rows for x in row] + [method.step_size or Fraction(1)]
    bits = max(8, *(x.denominator.bit_length() + x.numerator.bit_length() for x in start))
    factor = max(2 * problem.depth - 1, 1)
    affordable = 0
    while bits * factor ** (affordable + 1) <= _MOST_EXACT_BITS and affordable < 10_000:
        affordable += 1
    steps = number_of_steps(method)
    if steps > affordable:
        raise UnsupportedError(
            f"{steps} exact steps are too many: the digits grow by the factor {factor} a step; "
            f"at most {affordable} here, or use --backend ball, which encloses"
        )
