r"""Gradient flow dW_i/dt = -dl/dW_i: enclosed in balls, else extrapolated with an estimate.

The backend chooses the method. Balls integrate by a validated Taylor method (`_taylor`), and every number is an
enclosure. Everything else goes through Gragg, Bulirsch and Stoer's extrapolation, any order in any arithmetic.

The modified midpoint rule with n_j = 2j substeps, j = 1 ... K, has an error expansion in even powers; K values give
order 2K. The local error is estimated by the difference to the column before (order 2K - 2, so pessimistic), and
propagated by exp(-h lambda_min) with the Hessian's smallest eigenvalue along the path: an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod

import numpy as np

from workbench.backends import Backend
from workbench.backends.float64 import nearest
from workbench.backends.running_error import RunningError, enclosing
from workbench.dynamics._error_bounds import norm
from workbench.dynamics._recorder import Recorder
from workbench.dynamics._taylor import integrate
from workbench.errors import UnsupportedError
from workbench.exact import to_float
from workbench.networks import Built, Parameters, build
from workbench.networks.curvature import Curvature
from workbench.problem import Problem, ResidualNetwork
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

LABEL = "gradient flow"
FLOW = True
PARAMETERS: Mapping[str, Fraction | None] = {}

_FLOAT_DIGITS = 14
_DIVERGED = 1e100
_LEAST_RECORDS = 40
_MOST_STEPS = 20_000

# The error is carried in doubles, so it cannot be followed to more digits than their exponents reach.
_MOST_DIGITS = 280
_SMALLEST_ERROR = 1e-290

# Steps are dyadic, so that times are exact in every arithmetic.
_STEP_BITS = 40

# A flow time may lie beyond the floats; the length of a step may not.
_LONGEST_STEP = 1e12


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Integrate the flow."""
    if base.name == "exact":
        raise UnsupportedError("the exact backend runs a few steps of descent, not a flow; use --backend ball or mp")
    if isinstance(problem.network, ResidualNetwork) and problem.network.activation == "relu":
        raise UnsupportedError("the flow of a network with relu has no smooth right-hand side; use --dynamics descent")
    if method.stop.time is None and method.stop.until_loss is None:
        raise UnsupportedError("a flow needs a time or a loss to stop at; give --time 5 or --until-loss 1e-10")
    stop, validated = method.stop, base.name == "ball"
    if (stop.until or stop.watch or stop.at) and not validated:
        raise UnsupportedError(
            f"events and times of a flow are proved in balls, not in {base.name}; use --backend ball"
        )
    if digits is not None and digits > _MOST_DIGITS and not validated:
        raise UnsupportedError(f"the error of a flow is estimated to {_MOST_DIGITS} digits at most, not {digits}")
    with base.session():
        if validated:
            return integrate(problem, base, method, observes, keep_weights, digits)
        return _Flow(problem, base, method, observes, keep_weights, digits).run()


def extrapolation_weights(columns: int, first: int = 1) -> list[Fraction]:
    """Return the weights that combine the results with n_j = 2j, j = first ... columns, to the limit h -> 0."""
    numbers = [2 * j for j in range(first, columns + 1)]
    return [prod((Fraction(n * n, n * n - m * m) for m in numbers if m != n), start=Fraction(1)) for n in numbers]


class _Flow:
    """The state of one integration."""

    def __init__(
        self,
        problem: Problem,
        base: Backend,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
    ) -> None:
        self.base, self.method, self.digits = base, method, digits
        self.network = build(problem, base)
        self.judge = enclosing(base)
        self.recorder = Recorder(build(problem, self.judge), observes, keep_weights, None, digits)
        self.curvature = Curvature(problem)
        accuracy = digits if digits is not None else self._digits_of(base)
        self.tolerance = 10.0 ** -min(accuracy + 3, 290) if digits is not None else 10.0**-_FLOAT_DIGITS
        # At order 2K the work of a step grows like K^2 and its length with K: about 0.6 K a digit is the flat optimum.
        self.columns = max(6, min(int(0.6 * accuracy), 64))
        self.weights = extrapolation_weights(self.columns)
        self.lower = extrapolation_weights(self.columns, 2)
        self.amplification = float(sum(abs(w) for w in self.weights))
        self.error = 0.0

    @staticmethod
    def _digits_of(base: Backend) -> int:
        return int((base.precision_bits or 53) * 0.30103) - 1

    def run(self) -> Trajectory:
        parameters = self.network.parameters
        initial = self.recorder.network.parameters
        end = self.method.stop.time
        time, step = Fraction(0), 0
        length = self._dyadic(nearest(end or Fraction(10)) / _LEAST_RECORDS)
        while True:
            self.recorder.record(step, time, self._widen(parameters), initial, None)
            status = self._status(parameters, time, end, step)
            if status is not None:
                return self._trajectory(status)
            length = min(length, self._dyadic(nearest(end) / _LEAST_RECORDS)) if end is not None else length
            if end is not None and time + length > end:
                length = end - time
            parameters, taken, length = self._accepted_step(parameters, length)
            time, step = time + taken, step + 1

    def _status(self, parameters: Parameters, time: Fraction, end: Fraction | None, step: int) -> Status | None:
        loss = float(self.base.shadow(self.network.loss(parameters))[0, 0])
        if not np.isfinite(loss) or loss > _DIVERGED:
            return Status.DIVERGED
        level = self.method.stop.until_loss
        if level is not None and loss <= nearest(level):
            return Status.CONVERGED
        if end is not None and time >= end:
            return Status.FINISHED
        return Status.STALLED if step >= _MOST_STEPS else None

    @staticmethod
    def _dyadic(length: float) -> Fraction:
        return Fraction(max(1, int(min(length, _LONGEST_STEP) * 2**_STEP_BITS)), 2**_STEP_BITS)

    def _accepted_step(self, parameters: Parameters, length: Fraction) -> tuple[Parameters, Fraction, Fraction]:
        """Return the state after a step whose local error is below the tolerance, its length and the next one's."""
        while True:
            after, local = self._step(parameters, length)
            shadows = [self.base.shadow(p) for p in parameters]
            size = max(1.0, norm(shadows))
            # No step is short enough to beat the rounding of its own combination.
            floor = 4 * self.amplification * float(self.base.roundoff) * size
            allowed = max(self.tolerance * size * float(length), floor)
            if np.isfinite(local) and (local <= allowed or length <= Fraction(8, 2**_STEP_BITS)):
                self._propagate(shadows, [self.base.shadow(p) for p in after], float(length), local)
                ratio = 0.9 * (allowed / max(local, 1e-300)) ** (1 / (2 * self.columns - 1))
                return after, length, self._dyadic(float(length) * min(3.0, max(0.3, ratio)))
            length = self._dyadic(float(length) / 2)

    def _propagate(self, before: list[np.ndarray], after: list[np.ndarray], length: float, local: float) -> None:
        """Carry the global error over a step: growth by the flow's Jacobian, then the step's own errors."""
        low = min(self.curvature.extremes(before)[0], self.curvature.extremes(after)[0])
        # The base rounds each of the combined results; the weights amplify that.
        rounding = 4 * self.amplification * float(self.base.roundoff) * norm(after) * len(before)
        with np.errstate(over="ignore"):
            self.error = float(np.exp(-length * low) * self.error + local + rounding)

    def _step(self, parameters: Parameters, length: Fraction) -> tuple[Parameters, float]:
        """Return the extrapolated state and the estimated local error, a Frobenius norm."""
        results = [self._midpoint(parameters, length, 2 * j) for j in range(1, self.columns + 1)]
        best = self._combine(results, self.weights)
        other = self._combine(results[1:], self.lower)
        gap = [self.base.shadow(self.base.subtract(a, b)) for a, b in zip(best, other, strict=True)]
        return best, max(norm(gap), _SMALLEST_ERROR)

    def _combine(self, results: list[Parameters], weights: list[Fraction]) -> Parameters:
        combined = []
        for layer in range(len(results[0])):
            total = self.base.scale(weights[0], results[0][layer])
            for weight, result in zip(weights[1:], results[1:], strict=True):
                total = self.base.add(total, self.base.scale(weight, result[layer]))
            combined.append(total)
        return tuple(combined)

    def _midpoint(self, start: Parameters, length: Fraction, substeps: int) -> Parameters:
        """Return Gragg's modified midpoint result with an even number of substeps."""
        small = length / substeps
        before, now = start, self._move(start, start, small)
        for _ in range(substeps - 1):
            before, now = now, self._move(before, now, 2 * small)
        # Smoothing is not needed for the even expansion at even n; the last value is x(t + h) itself.
        return now

    def _move(self, origin: Parameters, at: Parameters, length: Fraction) -> Parameters:
        """Return origin + length * (-gradient at `at`)."""
        gradients = self.network.loss_and_gradients(at)[1]
        pairs = zip(origin, gradients, strict=True)
        return tuple(self.base.subtract(o, self.base.scale(length, g)) for o, g in pairs)

    def _widen(self, parameters: Parameters) -> Parameters:
        """Return weights over the judging arithmetic, with the global error in every entry."""
        if isinstance(self.judge, RunningError):
            units = to_float(Fraction(self.error) / self.base.roundoff) if np.isfinite(self.error) else None
            return tuple(self.judge.wrap(p, np.inf if units is None else units) for p in parameters)
        return parameters

    def _trajectory(self, status: Status) -> Trajectory:
        weights = self.recorder.weights
        network: Built = self.network
        return Trajectory(
            problem=network.problem,
            method=self.method,
            arithmetic=Arithmetic(self.base.name),
            steps=tuple(self.recorder.steps),
            times=tuple(self.recorder.times),
            observables={name: tuple(values) for name, values in self.recorder.series.items()},
            grade="estimate",
            status=status,
            weights=None if weights is None else tuple(weights),
            notes=tuple(self.recorder.unmeasured.values()),
        )
