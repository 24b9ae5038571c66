r"""The certified flow mode by mode, where every layer stays one function of a symmetric target: no integrator.

Under the hypotheses of `_modes` all layers are U diag(x) U^T at every time, and each mode solves, with tau = 2c t,
dx/dtau = x^(L-1) (lambda - x^L), x(0) = 1. For L <= 2 and for lambda = 0 that is solved in elementary functions. Else

    dtau/dx = (x^(1-L) + x / (lambda - x^L)) / lambda,
    tau = T(x) - T(1),  lambda T(x) = -x^(2-L) / (L - 2) - (1/L) sum_r r^(2-L) log(1 - x/r),  r^L = lambda,

and x is found by Newton's method in a variable y in which T is nearly a line: for lambda > 0 with the root r > 0,
|1 - x/r| = e^y and dT/dy = -1 / (x^(L-1) Q), Q = sum_i x^i r^(L-1-i); for lambda < 0, x = e^y and
dT/dy = -1 / (x^(L-2) (x^L - lambda)). x stays on its side of r, and 1 - x/r of the other roots off the cut.

Lemma (interval Newton).
    Let g be differentiable on an interval Y around y, 0 outside of g'(Y). If N = y - g(y) / g'(Y) lies in Y, g has
    exactly one zero in Y, and it lies in N. Here T is strictly monotone, so that the zero is the only one at all.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable
from fractions import Fraction
from math import ceil, exp, log2
from typing import Any

from workbench.backends import Backend
from workbench.backends.ball import arb, flint, measured
from workbench.dynamics._modes import modes
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.exact import UNKNOWN, to_float
from workbench.networks import build
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

_RECORDS = 40
_HALVINGS = 80
_FLOAT_BITS = 40


def runner(problem: Problem, method: Method) -> Callable[..., Trajectory] | None:
    """Return how a structured flow is run in balls, in the manner of a dynamics; None where it has no structure."""
    stop = method.stop
    if method.name != "gradient_flow" or stop.time is None or stop.until_loss is not None or stop.until or stop.watch:
        return None
    found = modes(problem, method)
    eigenvalues, exact_basis = (None, None) if found is None else (found.eigenvalues, found.basis)
    if eigenvalues is None or any(to_float(value) is None for value in eigenvalues):
        return None

    def run(
        problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep: bool, digits: int | None
    ) -> Trajectory:
        with base.session():
            return _trajectory(eigenvalues, exact_basis, problem, base, method, observes, keep, digits)

    return run


def _trajectory(
    eigenvalues: tuple[Fraction, ...],
    exact_basis: list[list[Fraction]] | None,
    problem: Problem,
    base: Any,
    method: Method,
    observes: tuple[str, ...],
    keep: bool,
    digits: int | None,
) -> Trajectory:
    """Return the run, every recorded number enclosed."""
    network = build(problem, base)
    recorder = Recorder(network, observes, keep, None, digits)
    end, rate = method.stop.time or Fraction(0), 2 * problem.loss.factor
    times = {end * k / _RECORDS for k in range(_RECORDS + 1)} | set(method.stop.at)
    clocks = [mode_at(value, problem.depth) for value in eigenvalues]
    basis = None if exact_basis is None else base.matrix(exact_basis)

    def modes_at(time: Fraction) -> list[Any]:
        return [clock(arb(rate * time)) for clock in clocks]

    def dense(time: Fraction) -> tuple[Any, ...]:
        with base.session():
            return (base.entries(_layer(modes_at(time), basis)),) * problem.depth

    for step, time in enumerate(sorted(times)):
        balls = modes_at(time)
        if digits is not None and not _precise(balls, digits):
            raise PrecisionShort(step)
        gaps = [_power(x, problem.depth) - arb(v) for x, v in zip(balls, eigenvalues, strict=True)]
        loss = arb(problem.loss.factor) * sum((gap * gap for gap in gaps), flint().arb(0))
        known = measured(loss) if loss.is_finite() else UNKNOWN
        layers = (_layer(balls, basis),) * problem.depth if keep else None
        recorder.append(step, time, {"loss": known} if "loss" in observes else {}, layers)
    count = len(clocks)
    return Trajectory(
        problem=problem,
        method=method,
        arithmetic=Arithmetic(base.name),
        steps=tuple(recorder.steps),
        times=tuple(recorder.times),
        observables={name: tuple(values) for name, values in recorder.series.items()},
        grade="enclosure",
        status=Status.FINISHED,
        weights=None if recorder.weights is None else tuple(recorder.weights),
        notes=(
            "structure used: identity start, symmetric target, spectrum known exactly, so that "
            f"{count} closed {'form replaces' if count == 1 else 'forms replace'} the integration",
        ),
        dense=dense if keep else None,
    )


def _precise(balls: list[Any], digits: int) -> bool:
    """Say whether every mode has the digits asked for; no entry of a layer errs by more than its modes."""
    if not all(x.is_finite() for x in balls):
        return False
    size = max(1.0, *(abs(float(x.mid())) for x in balls))
    allowed = arb(Fraction(size) / Fraction(10) ** digits)
    return all(x.rad() <= allowed for x in balls)


def _layer(balls: list[Any], basis: Any) -> Any:
    """Return U diag(x) U^T."""
    size = len(balls)
    layer = flint().arb_mat([[balls[i] if i == j else 0 for j in range(size)] for i in range(size)])
    return layer if basis is None else basis * layer * basis.transpose()


def _power(x: Any, exponent: int) -> Any:
    result = x
    for _ in range(exponent - 1):
        result = result * x
    return result


def mode_at(eigenvalue: Fraction, depth: int) -> Callable[[Any], Any]:
    """Return x as a function of tau >= 0, enclosed; NaN where Newton's method proves nothing at this precision."""
    value = arb(eigenvalue)
    if eigenvalue == 1:
        return lambda tau: flint().arb(1)
    if depth == 1:
        return lambda tau: value + (1 - value) * (-tau).exp()
    if eigenvalue == 0:
        power = 2 * depth - 2
        return lambda tau: (1 + power * tau).root(power) ** -1
    if depth == 2:
        return lambda tau: (value / (1 + (value - 1) * (-2 * value * tau).exp())).sqrt()
    return _Mode(eigenvalue, depth)


class _Mode:
    """One mode at depth three or more."""

    def __init__(self, eigenvalue: Fraction, depth: int) -> None:
        self._depth, self._positive = depth, eigenvalue > 0
        self._value = arb(eigenvalue)
        self._root = arb(abs(eigenvalue)).root(depth)
        # For lambda > 0 the roots are r e^(2 pi i k / L); for lambda < 0 they are turned by half an angle.
        turn = 0 if self._positive else 1
        acb = flint().acb
        angles = [flint().arb(2 * k + turn) / depth for k in range(depth)]
        self._roots = [self._root * acb(a.cos_pi(), a.sin_pi()) for a in angles]
        self._side = 1 if eigenvalue > 1 else -1
        self._begin = (abs(1 - 1 / self._root)).log() if self._positive else flint().arb(0)
        self._floats = (float(self._value), [complex(r) for r in self._roots])
        self._offset = self._time(self._begin, flint().arb(1))

    def __call__(self, tau: Any) -> Any:
        """Return x at a time."""
        if tau.is_zero():
            return flint().arb(1)
        middle = arb(Fraction(self._guess(float(tau))))
        for _ in range(ceil(log2(max(2.0, flint().ctx.prec / _FLOAT_BITS))) + 1):
            middle = (middle - self._gap(middle, tau) / self._slope(middle)).mid()
        step = self._gap(middle, tau) / self._slope(middle)
        wide = middle + flint().arb(0, (2 * step.abs_upper() + abs(middle) * arb(2) ** -flint().ctx.prec).upper())
        proved = middle - self._gap(middle, tau) / self._slope(wide)
        if not wide.contains(proved):
            return flint().arb("nan")
        return self._weight(proved)

    def _weight(self, y: Any) -> Any:
        """Return x at a value of the variable."""
        return self._root * (1 - self._side * y.exp()) if self._positive else y.exp()

    def _gap(self, y: Any, tau: Any) -> Any:
        return self._time(y, self._weight(y)) - self._offset - tau

    def _time(self, y: Any, x: Any) -> Any:
        """Return T."""
        power = 2 - self._depth
        total = -(x**power) / (self._depth - 2)
        for k, root in enumerate(self._roots):
            real = k == 0 and self._positive
            term = y * self._root**power if real else (root**power * (1 - x / root).log()).real
            total -= term / self._depth
        return total / self._value

    def _slope(self, y: Any) -> Any:
        """Return dT/dy."""
        x, depth = self._weight(y), self._depth
        if not self._positive:
            return -1 / (x ** (depth - 2) * (x**depth - self._value))
        ratio = sum((x**i * self._root ** (depth - 1 - i) for i in range(depth)), flint().arb(0))
        return -1 / (x ** (depth - 1) * ratio)

    def _guess(self, tau: float) -> float:
        """Return the variable at a time in floats, by halving: T decreases in y."""
        value, roots = self._floats
        begin, first = float(self._begin), float(self._offset)
        high = begin
        fastest = abs(float(1 / self._slope(self._begin)))
        if self._positive:
            fastest = max(fastest, self._depth * abs(roots[0]) ** (2 * self._depth - 2))
        low = begin - 1.1 * fastest * tau - 1
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._float_time(middle, value, roots) - first < tau:
                high = middle
            else:
                low = middle
        return (low + high) / 2

    def _float_time(self, y: float, value: float, roots: list[complex]) -> float:
        power = 2 - self._depth
        try:
            x = abs(roots[0]) * (1 - self._side * exp(y)) if self._positive else exp(y)
            total = -(x**power) / (self._depth - 2)
        except (OverflowError, ZeroDivisionError):
            return float("inf")
        for k, root in enumerate(roots):
            real = k == 0 and self._positive
            term = y * abs(root) ** power if real else (root**power * cmath.log(1 - x / root)).real
            total -= term / self._depth
        return total / value
