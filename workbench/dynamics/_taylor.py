r"""The gradient flow by a validated Taylor method: every number is an enclosure.

Lemma (one step).
    Let x' = F(x) = -grad l(x), l = c ||f(X) - Y||_F^2, ||x(0) - p(0)|| <= e, p a polynomial on [0, h] with defect
    d(t) = p'(t) - F(p(t)), ||d(t)|| <= sum_k d_k t^k, D = sum_k d_k h^(k+1) / (k+1). Let lam(t) >= 0 bound the largest
    eigenvalue of -Hess l on the ball of radius r around p(t), and G = int_0^h lam. If exp(G) (e + D) < r, the flow
    exists on [0, h] and ||x(t) - p(t)|| <= exp(G) (e + D) there.
Proof.
    x exists for ever: l does not increase, so ||x'|| is square integrable and x bounded on bounded intervals. While
    u = x - p has norm at most r, u' = F(x) - F(p) - d = -(int_0^1 Hess l(p + s u) ds) u - d, and the points p + s u
    lie in the ball; so the norm's upper right derivative obeys ||u||' <= lam ||u|| + ||d||, and Gronwall's inequality
    gives ||u(t)|| <= exp(G) (e + int_0^t ||d||) <= exp(G) (e + D) < r. By continuity r is never reached.

Each network has its ingredients (expansion, defect, growth): linear ones `_flow_fixed` and `_flow_fixed_bound`, or, in
balls, where integers cannot be had, `_flow_series` and `_flow_bound`; residual ones `_flow_tape`. This module steps,
records, and looks for events.

Rejected: boxes with Lohner's frames. The Jacobian is symmetric, its logarithmic norm its largest eigenvalue, and that
tends to zero with the loss or (`_hessian_balls`) at any minimum: its integral costs a few digits once.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb, precision
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._error_bounds import radius_norm, spread_evenly
from workbench.dynamics._flow_bound import BOUND_BITS, StepBound, enclosed_error
from workbench.dynamics._flow_events import Sentry, sentence
from workbench.dynamics._flow_fixed import FixedSeries, applies
from workbench.dynamics._flow_fixed_bound import FixedBound
from workbench.dynamics._flow_path import DenseOutput, Piece
from workbench.dynamics._flow_rest import starts_at_rest, trapped
from workbench.dynamics._flow_series import Expansion, FlowSeries
from workbench.dynamics._flow_tape import TapeBound, TapeSeries
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.networks import Parameters, build
from workbench.problem import LinearNetwork, Problem
from workbench.trajectory import Arithmetic, Event, Method, Status, Trajectory, Watch

# Bits of the working precision that the steps' own error leaves to rounding.
_SPARE_BITS = 36

_RECORDS = 40
_MOST_STEPS = 5_000

# Step lengths are dyadic, so that times are exact. A step shorter than 2^-_STEP_BITS is not taken.
_STEP_BITS = 48

# Times that the unit of fixed point is made finer for one step.
_MOST_REFINEMENTS = 4

# Bits that the time of an event leaves to the uncertainty of the weights.
_EVENT_SPARE = 24

# Times are printed as rationals, and Python writes no integer of more than 4300 digits.
_MOST_EVENT_BITS = 10_000

# Where the flow can move no farther than this many times its error it is at rest.
_REST = 64

_SHORT = "no step was short enough at this precision: the flow is too stiff there, and was not followed farther"


def integrate(
    problem: Problem, backend: Any, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Integrate the flow, every recorded number enclosed."""
    return _Flow(problem, backend, method, observes, keep_weights, digits).run()


def accuracy_of(backend: Any) -> int:
    """Return the bits to which a step is to be accurate."""
    return max(32, int(backend.precision_bits) - _SPARE_BITS)


def order_of(accuracy: int) -> int:
    """Return N such that order and length balance: h^N / rho^N = 2^-accuracy at h = rho / e^2."""
    return max(8, round(accuracy * 0.34657) + 2)


def ingredients(problem: Problem, backend: Any, *, fixed: bool = True) -> tuple[Any, Any]:
    """Return the recursion and the bounds that suit a problem's network; in balls if not in fixed point."""
    accuracy = accuracy_of(backend)
    if fixed and applies(problem, order_of(accuracy)):
        return FixedSeries(problem, accuracy), FixedBound(problem, backend)
    if not isinstance(problem.network, LinearNetwork):
        tape = TapeSeries(problem, backend)
        return tape, TapeBound(problem, backend, tape)
    inputs = problem.loss.inputs
    series = FlowSeries(
        backend._flint,
        arb(2 * problem.loss.factor),
        backend.matrix(problem.loss.target.rows),
        None if inputs is None else backend.matrix(inputs.rows),
        precision,
    )
    return series, StepBound(problem, backend)


class _Flow:
    """The state of one integration: an exact point, and how far the flow is from it."""

    def __init__(
        self,
        problem: Problem,
        backend: Any,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
    ) -> None:
        self.backend, self.method, self.digits = backend, method, digits
        self.flint = backend._flint
        self.network = build(problem, backend)
        self.recorder = Recorder(self.network, observes, keep_weights, None, digits)
        self.series, self.bound = ingredients(problem, backend)
        self.accuracy = accuracy_of(backend)
        self.order = order_of(self.accuracy)
        self.initial = self.network.parameters
        self.point, self.error = self._centre(self.initial, self.flint.arb(0))
        self.time = Fraction(0)
        self.records = 0
        self.pieces: list[Piece] | None = [] if keep_weights else None
        self.notes: list[str] = []
        bits = min(_MOST_EVENT_BITS, max(16, self.accuracy - _EVENT_SPARE))
        stop = method.stop
        self.sentries = [Sentry(watch, self.network, bits) for watch in stop.watch]
        ending = stop.until if stop.until_loss is None else Watch("loss", stop.until_loss)
        self.ending = None if ending is None else Sentry(ending, self.network, bits)

    def run(self) -> Trajectory:
        """Step until the end, or until the quantity that ends the run has crossed its level for certain."""
        end, start = self.method.stop.time, self._widened(self.point, self.error)
        self._record(Fraction(0), start)
        for sentry in self._all_sentries():
            sentry.start(start)
        if self.method.stop.until_loss is not None and self._below(start, self.method.stop.until_loss):
            return self._trajectory(Status.CONVERGED)
        resting = starts_at_rest(self.network.problem)
        for _ in range(_MOST_STEPS):
            piece = self._rest(end, self.error) if resting and end is not None else self._accepted(end)
            if piece is None:
                self.notes.append(_SHORT)
                break
            for sentry in self._all_sentries():
                sentry.follow(piece)
            self.time = piece.end
            if self.pieces is not None:
                self.pieces.append(piece)
            if self.ending is not None and self.ending.event is not None:
                self._record_crossing(piece, self.ending.event)
                loss = self.method.stop.until_loss is not None
                return self._trajectory(Status.CONVERGED if loss else Status.FINISHED)
            self._record_between(piece)
            if self._surely_below(piece):
                return self._trajectory(Status.CONVERGED)
            self.point, self.error = self._centre(piece.expansion.at(arb(piece.length)), piece.error)
            if end is not None and self.time >= end:
                return self._trajectory(Status.FINISHED)
        return self._trajectory(Status.STALLED)

    def _centre(self, ball: Parameters, error: Any) -> tuple[Parameters, Any]:
        """Return an exact point in a ball where an expansion can start, and how far the flow may be from it."""
        point, moved = self.series.on_grid(tuple(p.mid() for p in ball), self.order)
        return point, (error + radius_norm(self.flint, ball) + moved).upper()

    def _all_sentries(self) -> list[Sentry]:
        return self.sentries if self.ending is None else [*self.sentries, self.ending]

    def _accepted(self, end: Fraction | None) -> Piece | None:
        """Return a step whose local error is small; None where none is short enough and no digits are asked for."""
        remaining = None if end is None else end - self.time
        expansion, norms, length = self._expanded(remaining)
        if end is not None and remaining is not None and length < remaining:
            rest = self._settled(norms)
            if rest is not None:
                return self._rest(end, rest)
        bits = self.backend.precision_bits
        while length >= Fraction(1, 2**_STEP_BITS) or length == remaining:
            with precision(BOUND_BITS):
                defect = self.bound.defect(expansion, norms, arb(length))
                small = defect <= self._allowed(norms)
            after = enclosed_error(self.bound, expansion, norms, length, self.error, bits, defect) if small else None
            if after is not None:
                with precision(BOUND_BITS):
                    return Piece(self.time, length, expansion, after, norms.speeds(arb(length)))
            if length < Fraction(1, 2**_STEP_BITS):
                break
            length = _dyadic(float(length) * 0.85)
        # No step is short enough at this precision.
        if self.digits is not None:
            raise PrecisionShort(len(self.recorder.steps))
        return None

    def _expanded(self, remaining: Fraction | None) -> tuple[Any, Any, Fraction]:
        """Return an expansion whose own rounding is small enough, its norms, and a length to try."""
        for _ in range(_MOST_REFINEMENTS):
            expansion = self.series.expand(self.point, self.order)
            norms = self.bound.majorants(expansion)
            length = self._guess(norms)
            length = length if remaining is None else min(length, remaining)
            with precision(BOUND_BITS):
                missing = self.bound.missing_bits(expansion, norms, arb(length), self._allowed(norms))
            if not missing:
                break
            self.series.refine(missing)
        return expansion, norms, length

    def _allowed(self, norms: Any) -> Any:
        """Return how large a step's own error may be."""
        return self.flint.arb(2) ** -self.accuracy * norms.size()

    def _settled(self, norms: Any) -> Any | None:
        """Return how far the flow ever gets from the point, where that is of the order of the error; None elsewhere."""
        rounding = self._allowed(norms)
        if not frobenius(self.network.residual(self.point)) <= _REST * (self.error + rounding):
            return None
        reach = trapped(self.network, self.point, self.error)
        if reach is None or not reach <= _REST * _REST * (self.error + rounding):
            return None
        if self.ending is not None and self.method.stop.until_loss is not None and self.digits is not None:
            # The level lies below what this precision tells of a loss of zero.
            raise PrecisionShort(len(self.recorder.steps))
        return reach

    def _rest(self, end: Fraction, error: Any) -> Piece:
        """Return the piece of a flow that stays within a distance of its point to the end."""
        layers = [[point] for point in self.point]
        return Piece(self.time, end - self.time, Expansion(layers, [], []), error, [self.flint.arb(0)] * len(layers))

    def _guess(self, norms: Any) -> Fraction:
        return _dyadic(min(float(self.method.stop.time or 1), norms.guess(self.accuracy)))

    def _widened(self, balls: Parameters, error: Any) -> Parameters:
        return tuple(spread_evenly(self.flint, ball, error) for ball in balls)

    def _record(self, time: Fraction, parameters: Parameters) -> None:
        self.recorder.record(self.records, time, parameters, self.initial, None)
        self.records += 1

    def _record_between(self, piece: Piece, until: Fraction | None = None) -> None:
        """Record the grid and the times asked for inside the step; a run without an end records its steps."""
        stop, last = self.method.stop, piece.end if until is None else until
        asked = {t for t in stop.at if piece.start < t <= last}
        if stop.time is None or self.ending is not None:
            times = asked | ({piece.end} if until is None else set())
        else:
            first, final = (int(t * _RECORDS / stop.time) for t in (piece.start, last))
            times = asked | {number * stop.time / _RECORDS for number in range(first + 1, final + 1)}
        for time in sorted(times):
            self._record(time, piece.at(time))

    def _surely_below(self, piece: Piece) -> bool:
        """Say whether a loss that started within its error of the level is below it: no crossing tells that."""
        level = self.method.stop.until_loss
        return level is not None and self._below(piece.at(piece.end), level)

    def _below(self, parameters: Parameters, level: Fraction) -> bool:
        bounds = self.backend.measure(self.network.loss(parameters)).bounds()
        return bounds is not None and bounds[1] <= level

    def _record_crossing(self, piece: Piece, event: Event) -> None:
        """Record both ends of the time in which the run's last event lies."""
        low, high = event.low, event.high
        if low is None or high is None:
            return
        self._record_between(piece, low)
        if piece.start < low and low not in self.method.stop.at:
            self._record(low, piece.at(low))
        self._record(high, piece.at(high))

    def _trajectory(self, status: Status) -> Trajectory:
        weights = self.recorder.weights
        end, ending = (self.time, []) if self.ending is None else (self.recorder.times[-1], [self.ending])
        events = tuple(sentry.report(end) for sentry in ending + self.sentries)
        pieces = [self._rest(self.time, self.error)] if self.pieces == [] else self.pieces
        return Trajectory(
            problem=self.network.problem,
            method=self.method,
            arithmetic=Arithmetic(self.backend.name),
            steps=tuple(self.recorder.steps),
            times=tuple(self.recorder.times),
            observables={name: tuple(values) for name, values in self.recorder.series.items()},
            grade="enclosure",
            status=status,
            weights=None if weights is None else tuple(weights),
            notes=(*self.recorder.unmeasured.values(), *self.notes, *map(sentence, events)),
            events=events,
            dense=None if pieces is None else DenseOutput(self.backend, pieces),
        )


def _dyadic(length: float) -> Fraction:
    return Fraction(max(0, int(length * 2**_STEP_BITS)), 2**_STEP_BITS)
