r"""The gradient flow of a deep linear network by a validated Taylor method: every number is an enclosure.

Lemma (one step).
    Let x' = F(x) = -grad l(x), l = c ||W X - Y||_F^2, ||x(0) - p(0)|| <= e, p a polynomial on [0, h] with defect
    d(t) = p'(t) - F(p(t)), ||d(t)|| <= sum_k d_k t^k, D = sum_k d_k h^(k+1) / (k+1). Let lam >= 0 bound the largest
    eigenvalue of -Hess l on every ball of radius r around p(t), t in [0, h]. If exp(lam h) (e + D) < r, the flow
    exists on [0, h] and ||x(t) - p(t)|| <= exp(lam h) (e + D) there.
Proof.
    x exists for ever: l does not increase, so ||x'|| is square integrable and x bounded on bounded intervals. While
    u = x - p has norm at most r, u' = F(x) - F(p) - d = -(int_0^1 Hess l(p + s u) ds) u - d, and the points p + s u
    lie in the ball; so the norm's upper right derivative obeys ||u||' <= lam ||u|| + ||d||, and Gronwall's inequality
    gives ||u(t)|| <= exp(lam t) (e + int_0^t ||d||) <= exp(lam h) (e + D) < r. By continuity r is never reached.

The defect. p is the Taylor polynomial of degree N around an exact point, each coefficient cut to its midpoint: for
    k < N, d_k bounds what was cut. For k >= N the coefficient is that of -F(p), and a product of matrix polynomials
    is majorised by the product of the scalar polynomials of their norms: with w_j = sum ||W_j^(k)|| t^k and
    v = sum_{k < N} ||E^(k)||_F t^k + (the coefficients k >= N of ||X|| prod w_j), layer i has at most
    2c ||X|| (v prod_{j != i} w_j)_k. Time is scaled by h, so that the coefficients are sizes.

The logarithmic norm. On the ball of radius r around p(t) the layers have norms at most m_j = w_j(h) + r, and lam =
    2c ||X|| ||E|| max_i sum_{j != i} prod_{k != i, j} m_k (see `_error_bounds`). As l does not increase along x,
    ||E(x(t))||_F <= ||E(x(0))||_F <= ||E(p(0))||_F + ||X|| (prod (w_j + r) - prod w_j), and the way from x(t) to the
    point adds ||X|| (prod (w_j + 2r) - prod (w_j + r)). Norms need few bits, but balls: 64, rounded outwards.

Rejected: boxes with Lohner's frames. lam tends to zero with the loss, so that its integral costs a few digits once.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, prod
from typing import Any

from workbench.backends.ball import arb, precision
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._error_bounds import radius_norm, spectral_norm_bound, spread_evenly
from workbench.dynamics._flow_series import Expansion, FlowSeries
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.exact import decimal_text
from workbench.networks import Parameters, build
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

# Bits of the bounds, and bits of the working precision that the steps' own error leaves to rounding.
_BOUND_BITS = 64
_SPARE_BITS = 36

_RECORDS = 40
_MOST_STEPS = 5_000

# Step lengths are dyadic, so that times are exact. A step shorter than 2^-_STEP_BITS is not taken.
_STEP_BITS = 48

# The crossing of a level is enclosed in a step's length over 2^_EVENT_HALVINGS.
_EVENT_HALVINGS = 40


def integrate(
    problem: Problem, backend: Any, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Integrate the flow of a deep linear network, every recorded number enclosed."""
    return _Flow(problem, backend, method, observes, keep_weights, digits).run()


class StepBound:
    """The lemma's ingredients, for a problem.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    backend : Ball
    """

    def __init__(self, problem: Problem, backend: Any) -> None:
        self._backend, self._flint = backend, backend._flint
        self._twice = arb(2 * problem.loss.factor)
        inputs = problem.loss.inputs
        self._inputs = self._flint.arb(1) if inputs is None else self._norm(backend.matrix(inputs.rows))

    def _norm(self, a: Any) -> Any:
        """Return an upper bound of the spectral norm of an exact matrix."""
        bound = self._flint.arb(spectral_norm_bound(self._backend.shadow(a)))
        # Floats near the end of their range do not bound: the Frobenius norm in balls does.
        return bound if bound.is_finite() and bound > 1e-200 else frobenius(a)

    def majorants(self, expansion: Expansion) -> tuple[list[list[Any]], list[Any]]:
        """Return the norms of the coefficients of each layer, and of the residual."""
        with precision(_BOUND_BITS):
            layers = [[self._norm(c[0]), *(frobenius(x) for x in c[1:])] for c in expansion.layers]
            return layers, [frobenius(x) for x in expansion.residuals]

    def defect(self, expansion: Expansion, norms: tuple[list[list[Any]], list[Any]], length: Any) -> Any:
        """Return D, an upper bound of the integral of the defect's norm over the step."""
        order = len(expansion.cut)
        powers = [self._flint.arb(1)]
        for _ in range(order):
            powers.append(powers[-1] * length)
        total = sum((d * powers[k] * length / (k + 1) for k, d in enumerate(expansion.cut)), start=self._flint.arb(0))
        layers = [self._poly(n, powers) for n in norms[0]]
        whole = prod(layers, start=self._flint.arb_poly([1])).coeffs()
        low = self._poly(norms[1], powers).coeffs()
        low += [self._flint.arb(0)] * (order - len(low))
        residual = self._flint.arb_poly(low[:order] + [self._inputs * x for x in whole[order:]])
        squares = self._flint.arb(0)
        for others in _all_but_one(layers, self._flint.arb_poly([1])):
            high = (residual * others).coeffs()[order:]
            tail = sum((x.abs_upper() / (order + k + 1) for k, x in enumerate(high)), start=self._flint.arb(0))
            squares += (self._twice * self._inputs * tail * length) ** 2
        return (total + squares.sqrt()).upper()

    def _poly(self, norms: list[Any], powers: list[Any]) -> Any:
        return self._flint.arb_poly([(x * p).upper() for x, p in zip(norms, powers, strict=False)])

    def logarithmic_norm(self, norms: tuple[list[list[Any]], list[Any]], length: Any, radius: Any) -> Any:
        """Return lam, an upper bound of -lambda_min(Hess l) on the tube of a radius around the step."""
        zero = self._flint.arb(0)
        # A larger norm is a norm's bound as well: no division by zero at a layer that vanishes.
        least = self._flint.arb(2) ** -_BOUND_BITS
        sizes = []
        for layer in norms[0]:
            value = zero
            for x in reversed(layer):
                value = value * length + x
            sizes.append(value.upper().max(least))
        tube = [m + radius for m in sizes]
        wider = prod((m + 2 * radius for m in sizes), start=self._flint.arb(1))
        residual = norms[1][0] + self._inputs * (wider - prod(sizes, start=self._flint.arb(1)))
        whole, inverse = prod(tube, start=self._flint.arb(1)), [1 / m for m in tube]
        pairs = zero
        for own in inverse:
            pairs = pairs.max(whole * own * sum((x for x in inverse if x is not own), start=zero))
        return (self._twice * self._inputs * residual * pairs).abs_upper()

    def error(
        self, expansion: Expansion, norms: tuple[list[list[Any]], list[Any]], length: Fraction, before: Any
    ) -> Any:
        """Return the lemma's bound of ||x - p|| over a step, or None where its hypothesis is not shown."""
        with precision(_BOUND_BITS):
            time = arb(length)
            defect = self.defect(expansion, norms, time)
            radius = 8 * (before + defect) + self._flint.arb(2) ** (-4 * self._backend.precision_bits)
            growth = (self.logarithmic_norm(norms, time, radius.upper()) * time).exp()
            bound = (growth * (before + defect)).upper()
            return bound if bound < radius else None


def _all_but_one(factors: list[Any], one: Any) -> list[Any]:
    """Return the products of all factors but each."""
    left, right = [one], [one]
    for factor in factors[:-1]:
        left.append(left[-1] * factor)
    for factor in reversed(factors[1:]):
        right.append(right[-1] * factor)
    return [a * b for a, b in zip(left, reversed(right), strict=True)]


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
        inputs = problem.loss.inputs
        self.series = FlowSeries(
            self.flint,
            arb(2 * problem.loss.factor),
            backend.matrix(problem.loss.target.rows),
            None if inputs is None else backend.matrix(inputs.rows),
            precision,
        )
        self.bound = StepBound(problem, backend)
        self.accuracy = max(32, backend.precision_bits - _SPARE_BITS)
        # h^N / rho^N = 2^-accuracy at h = rho / e^2: there order and length balance.
        self.order = max(8, round(self.accuracy * 0.34657) + 2)
        self.initial = self.network.parameters
        self.point = tuple(p.mid() for p in self.initial)
        self.error = radius_norm(self.flint, self.initial)
        self.records = 0
        self.notes: tuple[str, ...] = ()

    def run(self) -> Trajectory:
        """Step until the end, or until the loss is at most the level for certain."""
        end, level = self.method.stop.time, self.method.stop.until_loss
        time = Fraction(0)
        self._record(time, self._widened(self.point, self.error))
        if level is not None and self._below(self._widened(self.point, self.error), level):
            return self._trajectory(Status.CONVERGED)
        for _ in range(_MOST_STEPS):
            accepted = self._accepted(None if end is None else end - time)
            if accepted is None:
                break
            expansion, length, after = accepted
            if level is not None and self._below(self._at(expansion, length, after), level):
                self._record_crossing(expansion, time, length, after, level)
                return self._trajectory(Status.CONVERGED)
            self._record_between(expansion, time, length, after)
            ball = expansion.at(arb(length))
            self.point, self.error = tuple(p.mid() for p in ball), (after + radius_norm(self.flint, ball)).upper()
            time += length
            if end is not None and time >= end:
                return self._trajectory(Status.FINISHED)
        return self._trajectory(Status.STALLED)

    def _accepted(self, remaining: Fraction | None) -> tuple[Expansion, Fraction, Any] | None:
        """Return the expansion at the point, a step length whose local error is small, and the error over it.

        None where no step is short enough and no further digits are asked for.
        """
        expansion = self.series.expand(self.point, self.order)
        norms = self.bound.majorants(expansion)
        length = self._guess(expansion, norms)
        if remaining is not None:
            length = min(length, remaining)
        allowed = self.flint.arb(2) ** -self.accuracy
        while length >= Fraction(1, 2**_STEP_BITS) or length == remaining:
            with precision(_BOUND_BITS):
                small = self.bound.defect(expansion, norms, arb(length)) <= allowed * self._size(norms)
            after = self.bound.error(expansion, norms, length, self.error) if small else None
            if after is not None:
                return expansion, length, after
            if length < Fraction(1, 2**_STEP_BITS):
                break
            length = _dyadic(float(length) * 0.85)
        # No step is short enough at this precision.
        if self.digits is not None:
            raise PrecisionShort(len(self.recorder.steps))
        return None

    def _size(self, norms: tuple[list[list[Any]], list[Any]]) -> Any:
        """Return the size of the weights, at least 1."""
        return sum((layer[0] for layer in norms[0]), start=self.flint.arb(1))

    def _guess(self, expansion: Expansion, norms: tuple[list[list[Any]], list[Any]]) -> Fraction:
        """Return the length at which the last coefficients are at the accuracy; heuristic, the bound decides."""
        longest = float(self.method.stop.time or 1)
        lengths = [min(longest, 16.0)]
        for layer in norms[0]:
            for k in (self.order, self.order - 1):
                if layer[k] > 0:
                    ratio = (self.flint.arb(2) ** -self.accuracy / layer[k]).log() / k
                    lengths.append(float(ratio.exp()))
        return _dyadic(min(lengths))

    def _at(self, expansion: Expansion, time: Fraction, error: Any) -> Parameters:
        """Return the weights at a time within the step, enclosed."""
        return self._widened(expansion.at(arb(time)), error)

    def _widened(self, balls: Parameters, error: Any) -> Parameters:
        return tuple(spread_evenly(self.flint, ball, error) for ball in balls)

    def _record(self, time: Fraction, parameters: Parameters) -> None:
        self.recorder.record(self.records, time, parameters, self.initial, None)
        self.records += 1

    def _record_between(self, expansion: Expansion, start: Fraction, length: Fraction, error: Any) -> None:
        """Record every time of the grid inside the step; a run without an end records its steps."""
        end = self.method.stop.time
        if end is None or self.method.stop.until_loss is not None:
            self._record(start + length, self._at(expansion, length, error))
            return
        first, last = (int(t * _RECORDS / end) for t in (start, start + length))
        for number in range(first + 1, last + 1):
            time = number * end / _RECORDS
            self._record(time, self._at(expansion, time - start, error))

    def _below(self, parameters: Parameters, level: Fraction) -> bool:
        bounds = self.backend.measure(self.network.loss(parameters)).bounds()
        return bounds is not None and bounds[1] <= level

    def _above(self, parameters: Parameters, level: Fraction) -> bool:
        bounds = self.backend.measure(self.network.loss(parameters)).bounds()
        return bounds is not None and bounds[0] > level

    def _record_crossing(
        self, expansion: Expansion, start: Fraction, length: Fraction, error: Any, level: Fraction
    ) -> None:
        """Enclose the time at which the loss, which never increases, crosses the level, and record both ends."""
        low, high = Fraction(0), length
        for _ in range(_EVENT_HALVINGS):
            middle = (low + high) / 2
            weights = self._at(expansion, middle, error)
            if self._below(weights, level):
                high = middle
            elif self._above(weights, level):
                low = middle
            else:
                break
        if low > 0:
            self._record(start + low, self._at(expansion, low, error))
        self._record(start + high, self._at(expansion, high, error))
        ends = [_rounded(start + low, down=True), _rounded(start + high, down=False)]
        self.notes = (f"the loss crosses its level between t = {ends[0]} and t = {ends[1]}, proved",)

    def _trajectory(self, status: Status) -> Trajectory:
        weights = self.recorder.weights
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
            notes=self.notes,
        )


def _dyadic(length: float) -> Fraction:
    return Fraction(max(0, int(length * 2**_STEP_BITS)), 2**_STEP_BITS)


def _rounded(time: Fraction, *, down: bool) -> str:
    """Return a time with ten decimals, rounded to the safe side."""
    scaled = time * 10**10
    return decimal_text(Fraction(floor(scaled) if down else ceil(scaled), 10**10)) or "0"
