"""Certified descent in fixed point: the loop that moves integers, carries the error and records what was asked.

The residual that a step needs gives the loss as well, an exact integer; its enclosure is made from norms, and fractions
only once the run is over. Weights and observables are turned into balls at the records that ask for them.
`_fixed_point_bounds` has the lemmas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends import bits_of
from workbench.backends.ball import flint
from workbench.backends.float64 import nearest
from workbench.backends.integer_matrices import library
from workbench.dynamics._fixed_point import FixedPoint
from workbench.dynamics._fixed_point_bounds import RegionBounds, likely_curvature
from workbench.dynamics._fixed_point_error import UP, Error
from workbench.dynamics._fixed_point_rules import Momentum, Pull
from workbench.dynamics._hessian_bound import INFLATE, TINY, float_of
from workbench.dynamics._loss_digits import LossDigits
from workbench.dynamics._loss_series import LossSeries
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.dynamics._stopping import DIVERGED, number_of_steps, proved_divergence, unproved_divergence
from workbench.errors import UnsupportedError
from workbench.networks import Parameters, build
from workbench.problem import LinearNetwork, Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

# Dynamics that are descent on the loss and a pull: the name of its strength, and what multiple of the identity pulls.
_TETHERS: dict[str, tuple[str, int]] = {
    "gradient_descent": ("", 0),
    "penalised_descent": ("penalty", 1),
    "weight_decay": ("decay", 0),
}

# Above this the rest 1 - b is left to balls.
_MOST_MOMENTUM = 1 - Fraction(1, 10**9)

# A path may bend more than its ends do; heuristic.
_PAST = 1.1

# Dynamics with momentum, and whether the gradient is taken ahead.
_MOMENTA = {"heavy_ball": False, "nesterov": True}

# Up to here an error past the floats is no small number: it is 2^100 at least, and no digit is left.
_FLOAT_BITS = 900


@dataclass(frozen=True)
class Tether:
    """A pull eta kappa (W - A), kappa the strength."""

    strength: Fraction = Fraction(0)


def applies(problem: Problem, method: Method) -> bool:
    """Say whether a run can be carried out in fixed point here."""
    known = method.name in _TETHERS or (method.name in _MOMENTA and method.parameter("momentum") < _MOST_MOMENTUM)
    return known and isinstance(problem.network, LinearNetwork) and library() is not None


def tether_of(problem: Problem, method: Method) -> tuple[Tether, int]:
    """Return what pulls the weights, and toward what multiple of the identity."""
    name, anchor = _TETHERS[method.name]
    return Tether(method.parameter(name) if name else Fraction(0)), anchor


def rule_of(problem: Problem, method: Method, layers: list[np.ndarray]) -> tuple[Pull | Momentum, int]:
    """Return how the weights move, and toward what multiple of the identity they are pulled if they are.

    Parameters
    ----------
    problem : Problem
    method : Method
    layers : list of Array
        Floats of the weights at the start: a norm for momentum is chosen by them.
    """
    if method.name in _MOMENTA:
        top = _PAST * float_of(method.step_size or Fraction(0)) * likely_curvature(problem, layers)
        return Momentum(method.parameter("momentum"), _MOMENTA[method.name], top), 0
    tether, anchor = tether_of(problem, method)
    return Pull((method.step_size or Fraction(0)) * tether.strength), anchor


class BeyondFloats(Exception):
    """The error, in units, is larger than any float: a run of this precision is left to balls."""


class FixedPointDescent:
    """The state of one run.

    Parameters
    ----------
    problem : Problem
    base : Backend
        Balls, at the working precision.
    method : Method
    observes : tuple of str
    keep_weights : bool
    digits : int or None
        None where the precision is not to be raised any more.
    carried : callable
        Whether balls iterated to a step have a loss past the bound for certain.
    """

    def __init__(
        self,
        problem: Problem,
        base: Any,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
        carried: Callable[[int], bool] = lambda step: False,
    ) -> None:
        if method.step_size is None:
            raise UnsupportedError(f"the dynamics {method.name} needs a step size")
        self.problem, self.base, self.method, self.digits = problem, base, method, digits
        self._carried = carried
        self.bits, self.step_size = base.precision_bits, method.step_size
        self.network = build(problem, base)
        self._rule, self._anchor = rule_of(problem, method, [base.shadow(p) for p in self.network.parameters])
        self.integers = FixedPoint(problem, self.bits, self.step_size, self._rule, self._anchor)
        unit: float = max(2.0 ** -min(self.bits, 1000), TINY)
        bounds = RegionBounds(problem, unit, self.step_size, self._rule)
        self.error = Error(bounds, unit, self.integers.initial_error)
        self._unit = unit
        self.recorder = Recorder(self.network, observes, keep_weights, self.step_size, digits, dict(method.parameters))
        self._plain = set(observes) <= {"loss"} and not keep_weights
        self._factor = float_of(problem.loss.factor)
        self._recorded_loss, self._factor_bits = "loss" in observes, math.log2(self._factor)
        self._fine = float_of(Fraction(2 ** (0 if digits is None else bits_of(digits) + 5))) * self._unit
        level = method.stop.until_loss
        logarithm = None if level is None else math.log(level.numerator) - math.log(level.denominator)
        self._loss_digits = LossDigits(digits, self.bits, number_of_steps(method), logarithm)
        self._losses = LossSeries(self.recorder, problem.loss.factor, self.bits, self.step_size)
        self._previous: Parameters | None = None
        self.notes: list[str] = []
        # The bound, in units, that leaves the digits asked for to weights of size one.
        self._allowed = math.inf if digits is None else float_of(Fraction(2**self.bits, 10**digits)) / INFLATE

    def run(self) -> Trajectory:
        """Iterate until the stop."""
        steps = number_of_steps(self.method)
        step, integers, error = 0, self.integers, self.error
        resting = self._rests()
        while True:
            norm = integers.forward() * UP + TINY
            residual = 0.0 if resting else error.look(integers.shadow, norm)
            status = self._status(norm, residual, step, steps)
            if status is not None or self.recorder.wants(step):
                self._record(step, norm, residual)
            elif not self._plain:
                self._previous = self._balls()
            if status is not None:
                self._losses.flush()
                return self._trajectory(status)
            if not resting:
                error.advance(norm, residual, integers.backward() * UP + TINY)
                self._hold_range()
            step += 1

    def _hold_range(self) -> None:
        """Raise where the bound of the error has left the floats though the precision may not be used up."""
        if self.bits > _FLOAT_BITS and not math.isfinite(self.error.bound):
            raise BeyondFloats

    def _rests(self) -> bool:
        """Say whether the start is its own next iterate, exactly: the loss is zero, and no tether pulls."""
        start = self.integers.initial_error == 0 and self.network.loss(self.network.parameters)[0, 0].is_zero()
        anchor = self._anchor << self.bits
        tied = all(
            x == (anchor if i == j else 0)
            for layer in self.integers.layers()
            for i, row in enumerate(layer)
            for j, x in enumerate(row)
        )
        return bool(start) and (tied or not (isinstance(self._rule, Pull) and self._rule.spring))

    def _status(self, norm: float, residual: float, step: int, steps: int) -> Status | None:
        """Return the status that the run ends with at this step, or None."""
        loss = self._factor * norm * norm
        if not loss <= DIVERGED:
            return self._diverged(norm, residual, step)
        level = self.method.stop.until_loss
        if level is not None and loss <= 2 * nearest(level):
            bounds = self._losses.measured(self.integers.residual_square(), self._loss_error(norm, residual)).bounds()
            if bounds is None or bounds[0] <= level < bounds[1]:
                if self.digits is not None:
                    raise PrecisionShort(step)
            elif bounds[1] <= level:
                return Status.CONVERGED
        return Status.FINISHED if step == steps else None

    def _diverged(self, norm: float, residual: float, step: int) -> Status:
        """Say that the run diverged: proved where the whole enclosure of the loss is past the bound."""
        least = norm / INFLATE - residual * self._unit
        past = least > 0 and math.isfinite(least) and self._factor * least * least > DIVERGED * INFLATE
        # Beyond the floats the proof takes balls, whose exponents have no end.
        if past or self._weights_diverged() or self._carried(step):
            self.notes.append(proved_divergence(step))
        elif self.digits is not None:
            raise PrecisionShort(step)
        else:
            self.notes.append(unproved_divergence(step))
        return Status.DIVERGED

    def _weights_diverged(self) -> bool:
        """Say whether the loss of every point of the enclosure is past the bound."""
        return bool(self.network.loss(self._balls())[0, 0] > DIVERGED)

    def _loss_error(self, norm: float, residual: float) -> float:
        """Return a bound of the error of c ||E~||^2, in units, by the lemma."""
        return self._factor * (2 * norm + residual * self._unit) * residual * INFLATE

    def _record(self, step: int, norm: float, residual: float) -> None:
        """Record a step: the loss alone as it is, anything else over weights in balls."""
        if not self.error.weights <= self._allowed:
            self._hold_precision(step)
        error = self._loss_error(norm, residual)
        # 2 delta / eps is about the relative error; where it is far below the digits there is nothing to hold.
        if self._recorded_loss and norm > TINY and (residual * self._fine > norm or step == 0):
            # The square is at least 2^(square_bits - 1), where it is not zero.
            self._loss_digits.hold(step, self.integers.square_bits - 1 - 2 * self.bits + self._factor_bits, error)
        if self._plain:
            self._losses.append(step, self.integers.residual_square(), error)
            return
        known = {"loss": self._losses.measured(self.integers.residual_square(), error)}
        balls = self._balls()
        values = self.recorder.measure(balls, self.network.parameters, self._previous, known)
        self.recorder.append(step, step * self.step_size, values, balls)
        self._previous = balls

    def _balls(self) -> Parameters:
        """Return the weights in balls that contain the exact ones."""
        module, bound = flint(), self.error.weights
        if not math.isfinite(bound):
            return tuple(
                module.arb_mat(rows, columns, [module.arb("nan")] * (rows * columns))
                for rows, columns in self.problem.network.shapes
            )
        unit = module.arb(2) ** -self.bits
        radius = module.arb(0, module.arb(bound)) * unit
        return tuple(
            module.arb_mat([[module.arb(x) * unit + radius for x in row] for row in layer])
            for layer in self.integers.layers()
        )

    def _hold_precision(self, step: int) -> None:
        """Raise where a weight has fewer digits than were asked for, relative to the largest entry or to 1."""
        size = max(1.0, *(float(np.abs(layer).max()) for layer in self.integers.shadow()))
        if self.digits is not None and np.isfinite(size) and not self.error.weights <= self._allowed * size / INFLATE:
            raise PrecisionShort(step)

    def _trajectory(self, status: Status) -> Trajectory:
        kept = self.recorder.weights
        return Trajectory(
            problem=self.problem,
            method=self.method,
            arithmetic=Arithmetic(self.base.name),
            steps=tuple(self.recorder.steps),
            times=tuple(self.recorder.times),
            observables={name: tuple(values) for name, values in self.recorder.series.items()},
            grade="enclosure",
            status=status,
            weights=None if kept is None else tuple(kept),
            notes=(*self.recorder.unmeasured.values(), *self.notes, *filter(None, [self._loss_digits.note])),
        )
