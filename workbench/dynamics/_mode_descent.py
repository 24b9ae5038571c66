"""Certified descent mode by mode: some steps of one mode after the other, then their losses together.

`_modes` says when, `_mode_step` what a step is and how far off it is. Integers are Python's below some hundred bits and
FLINT's above, whichever multiplies faster.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from workbench.backends import Array
from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import symmetric_eigenvalues
from workbench.backends.float64 import nearest
from workbench.dynamics._fixed_point import cut
from workbench.dynamics._fixed_point_descent import tether_of
from workbench.dynamics._hessian_bound import INFLATE, TINY, float_of
from workbench.dynamics._loss_series import LossSeries
from workbench.dynamics._mode_step import Mode, Recursion, Stretch, advance
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.dynamics._stopping import DIVERGED, number_of_steps, proved_divergence, unproved_divergence
from workbench.errors import UnsupportedError
from workbench.networks import build
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

# Steps of one mode at a time.
_STRETCH = 64

# Bits from which FLINT's integers multiply faster than Python's.
_LARGE = 500


class ModeDescent:
    """The state of one run: for each mode an integer and its error.

    Parameters
    ----------
    eigenvalues : tuple of Fraction or None
        Of the target; None where they are to be certified.
    basis : list of list of Fraction or None
        Their exact orthogonal basis, None for the standard one.
    problem : Problem
    base : Backend
        Balls, at the working precision.
    method : Method
    observes : tuple of str
        Nothing but the loss.
    keep_weights : bool
    digits : int or None
        None where the precision is not to be raised any more.
    """

    def __init__(
        self,
        eigenvalues: tuple[Fraction, ...] | None,
        basis: list[list[Fraction]] | None,
        problem: Problem,
        base: Any,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
    ) -> None:
        if method.step_size is None:
            raise UnsupportedError(f"the dynamics {method.name} needs a step size")
        self.base, self.method, self.digits, self.problem = base, method, digits, problem
        self.step_size, self.depth, self._known = method.step_size, problem.depth, eigenvalues is not None
        tether, anchor = tether_of(problem, method)
        factor = problem.loss.factor
        self._factor = float_of(factor)
        self.basis = None if basis is None else base.matrix(basis)
        self.modes = [self._mode(*x) for x in self._targets(eigenvalues)]
        largest = max(int(abs(mode.target)).bit_length() for mode in self.modes) - base.precision_bits
        self.recursion = Recursion(
            problem.depth,
            base.precision_bits,
            2 * factor * method.step_size,
            tether.strength * method.step_size,
            anchor,
            _limit(self._factor, largest, problem.depth),
        )
        self._unit = self.recursion.unit
        self.recorder = Recorder(build(problem, base), observes, keep_weights, method.step_size, digits)
        self._losses = LossSeries(self.recorder, factor, base.precision_bits, method.step_size)
        self._keep = keep_weights
        # The error, in units, that leaves the digits asked for to modes of size one.
        self._allowed = math.inf if digits is None else float_of(Fraction(2**base.precision_bits, 10**digits)) / INFLATE
        self.notes: list[str] = []

    def _targets(self, eigenvalues: tuple[Fraction, ...] | None) -> list[tuple[int, float]]:
        """Return each eigenvalue in units and a bound of its error in units."""
        bits = self.base.precision_bits
        if eigenvalues is not None:
            return [cut(x, bits) for x in eigenvalues]
        found = []
        for ball in symmetric_eigenvalues(self.base.matrix(self.problem.loss.target.rows)):
            value = measured(ball)
            if value.value is None or value.error is None:
                raise PrecisionShort(0)
            whole, error = cut(value.value, bits)
            found.append((whole, error + math.ceil(value.error * 2**bits)))
        return found

    def _mode(self, target: int, radius: float) -> Mode:
        bits = self.base.precision_bits
        number = int if bits < _LARGE else flint().fmpz
        return Mode(number(1 << bits), number(target), radius, 0.0)

    def run(self) -> Trajectory:
        """Iterate until the stop."""
        steps, start = number_of_steps(self.method), 0
        while True:
            stretches = [advance(mode, self.recursion, min(_STRETCH, steps - start + 1)) for mode in self.modes]
            done = min(len(stretch.places) for stretch in stretches)
            safe = max(max(stretch.errors[:done]) for stretch in stretches) <= self._allowed
            squares = zip(*(stretch.squares for stretch in stretches), strict=False)
            gaps = zip(*(stretch.gaps for stretch in stretches), strict=False)
            for offset, (square, gap) in enumerate(zip(squares, gaps, strict=False)):
                status = self._judge(stretches, offset, start + offset, sum(square), math.hypot(*gap), safe, steps)
                if status is not None:
                    self._losses.flush()
                    return self._trajectory(status)
            start += done

    def _judge(
        self, stretches: list[Stretch], offset: int, step: int, square: Any, gap: float, safe: bool, steps: int
    ) -> Status | None:
        """Record a step and return the status that the run ends with there, or None."""
        norm = _root(square, self.base.precision_bits) * INFLATE + TINY
        error = self._factor * (2 * norm + gap * self._unit) * gap * INFLATE
        status = self._status(stretches, offset, step, square, norm, error)
        if status is None and step == steps:
            status = Status.FINISHED
        if status is not None or self.recorder.wants(step):
            if not safe:
                self._hold_precision(stretches, offset, step)
            if self._keep:
                values = {"loss": self._losses.measured(int(square), error)}
                named = {name: values[name] for name in self.recorder.series}
                self.recorder.append(step, step * self.step_size, named, self._weights(stretches, offset))
            else:
                self._losses.append(step, int(square), error)
        return status

    def _status(
        self, stretches: list[Stretch], offset: int, step: int, square: Any, norm: float, error: float
    ) -> Status | None:
        loss = self._factor * norm * norm
        if not loss <= DIVERGED:
            if self._loss_ball(stretches, offset) > DIVERGED:
                self.notes.append(proved_divergence(step))
            elif self.digits is not None:
                raise PrecisionShort(step)
            else:
                self.notes.append(unproved_divergence(step))
            return Status.DIVERGED
        level = self.method.stop.until_loss
        if level is not None and loss <= 2 * nearest(level):
            low, high = self._losses.measured(int(square), error).bounds() or (Fraction(0), level + 1)
            if high <= level:
                return Status.CONVERGED
            if low <= level and self.digits is not None:
                raise PrecisionShort(step)
        return None

    def _ball(self, stretch: Stretch, offset: int) -> Any:
        """Return a mode in a ball that contains the exact one."""
        module, error = flint(), stretch.errors[offset]
        if not math.isfinite(error):
            return module.arb("nan")
        unit = module.arb(2) ** -self.base.precision_bits
        return (module.arb(int(stretch.places[offset])) + module.arb(0, module.arb(error))) * unit

    def _loss_ball(self, stretches: list[Stretch], offset: int) -> Any:
        """Return the loss in a ball, whose exponents have no end."""
        module = flint()
        total, unit = module.arb(0), module.arb(2) ** -self.base.precision_bits
        for mode, stretch in zip(self.modes, stretches, strict=True):
            value = (module.arb(int(mode.target)) + module.arb(0, module.arb(mode.radius))) * unit
            gap = _power(self._ball(stretch, offset), self.depth) - value
            total += gap * gap
        return arb(self.problem.loss.factor) * total

    def _weights(self, stretches: list[Stretch], offset: int) -> tuple[Array, ...]:
        """Return the layers U diag(x) U^T, all equal."""
        balls = [self._ball(stretch, offset) for stretch in stretches]
        size = len(balls)
        layer = flint().arb_mat([[balls[i] if i == j else 0 for j in range(size)] for i in range(size)])
        if self.basis is not None:
            layer = self.basis * layer * self.basis.transpose()
        return (layer,) * self.depth

    def _hold_precision(self, stretches: list[Stretch], offset: int, step: int) -> None:
        """Raise where a mode has fewer digits than were asked for: no entry of a layer errs by more than its modes."""
        bits = self.base.precision_bits
        size = max(1.0, *(float_of(Fraction(int(abs(s.places[offset])), 2**bits)) for s in stretches))
        worst = max(stretch.errors[offset] for stretch in stretches)
        if self.digits is not None and math.isfinite(size) and not worst <= self._allowed * size / INFLATE:
            raise PrecisionShort(step)

    def _trajectory(self, status: Status) -> Trajectory:
        count, kept = len(self.modes), self.recorder.weights
        spectrum = "spectrum known exactly" if self._known else "spectrum certified in balls"
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
            notes=(
                f"structure used: identity start, symmetric target, {spectrum}, so that "
                f"{count} scalar {'recursion replaces' if count == 1 else 'recursions replace'} the matrices",
                *self.notes,
            ),
        )


def _limit(factor: float, largest: int, depth: int) -> float:
    """Return a size of a mode from which on the loss is past the bound, for eigenvalues below 2^largest.

    x^L >= 2 sqrt(bound / c) + 2 |lambda| is enough. Past 1e300 the start's own loss has ended the run.
    """
    logarithm = max(math.log(4 * math.sqrt(DIVERGED / factor)), (largest + 2) * math.log(2)) / depth
    return math.exp(min(logarithm, 690.0))


def _root(square: Any, bits: int) -> float:
    """Return the square root of an integer in units of 4^-bits, to within a few roundings; infinite past the floats."""
    shift = max(square.bit_length() - 60, 0)
    shift += shift % 2
    exponent = shift // 2 - bits
    return math.ldexp(math.sqrt(int(square >> shift)), exponent) if exponent < 900 else math.inf


def _power(x: Any, exponent: int) -> Any:
    """Return x^n by squarings: Arb's own power goes through the logarithm, and is NaN on a ball around zero."""
    result = x
    for bit in bin(exponent)[3:]:
        result = result * result
        if bit == "1":
            result = result * x
    return result
