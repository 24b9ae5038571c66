r"""Certified descent mode by mode, where every layer stays one function of a symmetric target.

Lemma (structure).
    Let all layers be square, W_i(0) = I, no inputs, Phi = U diag(lambda) U^T with U orthogonal. Under
    W_i <- W_i - eta (G_i + kappa (W_i - I)), G_i the gradient of c ||W_L ... W_1 - Phi||_F^2, all layers are equal to
    U diag(x) U^T at every step, x(0) = 1 and, for each mode,
    x <- f(x) = x - eta (2c x^(L-1) (x^L - lambda) + kappa (x - 1)).
Proof.
    If W_i = U D U^T for all i, E = U (D^L - Lambda) U^T and G_i = 2c U D^(L-1) (D^L - Lambda) U^T for every i.

Lemma (one mode).
    If |x - y| <= e and s bounds |f'| on [y - e, y + e], f(x) lies within s e of f(y). The midpoint of f(y) is the next
    y, its radius joins the error. s is evaluated in a ball at few bits; unlike the bound by norms it falls below one.

The hypotheses are decided from exact data: the start by its rows, the target by its family (a spectrum, rotated by a
rational rotation) or by being diagonal. Only runs that read nothing but the loss (and weights) come here: a statement
about the layers themselves, such as their equality, would find what the lemma supposes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.backends import Array, Backend
from workbench.backends.ball import arb, measured, precision
from workbench.backends.float64 import nearest
from workbench.dynamics._iteration import number_of_steps
from workbench.dynamics._recorder import PrecisionShort, Recorder
from workbench.errors import UnsupportedError
from workbench.initialization import weights
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem
from workbench.rotation import rotation
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

_DIVERGED = 1e100
_SLOPE_BITS = 64


@dataclass(frozen=True)
class Modes:
    """An exact orthogonal eigenbasis of the target, None for the standard one, and its eigenvalues in that order."""

    eigenvalues: tuple[Fraction, ...]
    basis: list[list[Fraction]] | None


def modes(problem: Problem, method: Method) -> Modes | None:
    """Return the modes of a problem that has the lemma's structure, None where a hypothesis fails."""
    network = problem.network
    if method.name not in ("gradient_descent", "penalised_descent", "gradient_flow") or not isinstance(
        network, LinearNetwork
    ):
        return None
    if not problem.whitened or len(set(network.widths)) != 1 or not _starts_at_the_identity(problem):
        return None
    target, family = problem.loss.target, problem.loss.target.family or {}
    size = network.widths[0]
    if all(x == 0 for i, row in enumerate(target.rows) for j, x in enumerate(row) if i != j):
        return Modes(tuple(target.rows[i][i] for i in range(size)), None)
    if family.get("family") == "spectrum" and "rotate" in family:
        return Modes(tuple(Fraction(x) for x in family["eigenvalues"]), rotation(size, family["rotate"]))
    return None


def _starts_at_the_identity(problem: Problem) -> bool:
    return all(
        x == (i == j)
        for layer in weights(problem.network, problem.start)
        for i, row in enumerate(layer)
        for j, x in enumerate(row)
    )


def runner(problem: Problem, method: Method) -> Callable[..., Trajectory] | None:
    """Return how a structured problem is run in balls, in the manner of a dynamics; None where it has no structure."""
    found = None if method.name == "gradient_flow" else modes(problem, method)
    if found is None:
        return None

    def run(
        problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep: bool, digits: int | None
    ) -> Trajectory:
        with base.session():
            return _Descent(found, problem, base, method, observes, keep, digits).run()

    return run


class _Descent:
    """The state of one run: for each mode a midpoint and its error."""

    def __init__(
        self,
        found: Modes,
        problem: Problem,
        base: Any,
        method: Method,
        observes: tuple[str, ...],
        keep_weights: bool,
        digits: int | None,
    ) -> None:
        if method.step_size is None:
            raise UnsupportedError(f"the dynamics {method.name} needs a step size")
        self.base, self.method, self.digits, self.flint = base, method, digits, base._flint
        self.problem, self.depth = problem, problem.depth
        self.recorder = Recorder(build(problem, base), observes, keep_weights, method.step_size, digits)
        self.plain = set(observes) <= {"loss"} and not keep_weights
        self.step_size = method.step_size
        self.pull = arb(method.step_size * 2 * problem.loss.factor)
        self.spring = arb(method.step_size * method.parameter("penalty"))
        self.factor = arb(problem.loss.factor)
        self.eigenvalues = [arb(x) for x in found.eigenvalues]
        self.basis = None if found.basis is None else base.matrix(found.basis)
        self.middles = [self.flint.arb(1) for _ in found.eigenvalues]
        self.errors = [self.flint.arb(0) for _ in found.eigenvalues]

    def run(self) -> Trajectory:
        """Iterate until the stop."""
        steps = number_of_steps(self.method)
        step, previous = 0, None
        while True:
            loss = self._loss()
            status = self._status(loss, step, steps)
            if status is not None or self.recorder.wants(step):
                self._record(step, loss, previous)
            if status is not None:
                return self._trajectory(status)
            previous = None if self.plain else self._weights()
            self._advance()
            step += 1

    def _balls(self) -> list[Any]:
        return [y + self.flint.arb(0, e) for y, e in zip(self.middles, self.errors, strict=True)]

    def _loss(self) -> Any:
        """Return c sum (x^L - lambda)^2, enclosed."""
        total = self.flint.arb(0)
        for x, value in zip(self._balls(), self.eigenvalues, strict=True):
            gap = _power(x, self.depth) - value
            total += gap * gap
        return self.factor * total

    def _advance(self) -> None:
        """Take one step in every mode, by the lemma."""
        with precision(_SLOPE_BITS):
            slopes = [self._slope(x, value) for x, value in zip(self._balls(), self.eigenvalues, strict=True)]
        for k, (y, value) in enumerate(zip(self.middles, self.eigenvalues, strict=True)):
            power = _power(y, self.depth - 1)
            after = y - self.pull * power * (power * y - value) - self.spring * (y - 1)
            self.middles[k] = after.mid()
            self.errors[k] = (slopes[k] * self.errors[k] + after.rad()).upper()

    def _slope(self, x: Any, value: Any) -> Any:
        """Return an upper bound of |f'| on a ball."""
        below = _power(x, self.depth - 1)
        second = self.depth * below * below
        if self.depth > 1:
            second += (self.depth - 1) * _power(x, self.depth - 2) * (x * below - value)
        return (1 - self.pull * second - self.spring).abs_upper()

    def _status(self, loss: Any, step: int, steps: int) -> Status | None:
        if not loss.is_finite() or float(loss.mid()) > _DIVERGED:
            return Status.DIVERGED
        level = self.method.stop.until_loss
        if level is not None and float(loss.mid()) <= 2 * nearest(level):
            low, high = measured(loss).bounds() or (Fraction(0), level + 1)
            if high <= level:
                return Status.CONVERGED
            if low <= level and self.digits is not None:
                raise PrecisionShort(step)
        return Status.FINISHED if step == steps else None

    def _weights(self) -> tuple[Array, ...]:
        """Return the layers U diag(x) U^T, all equal."""
        balls = self._balls()
        size = len(balls)
        layer = self.flint.arb_mat([[balls[i] if i == j else 0 for j in range(size)] for i in range(size)])
        if self.basis is not None:
            layer = self.basis * layer * self.basis.transpose()
        return (layer,) * self.depth

    def _record(self, step: int, loss: Any, previous: tuple[Array, ...] | None) -> None:
        time = step * self.step_size
        if not self.plain:
            self.recorder.record(step, time, self._weights(), self.recorder.network.parameters, previous)
            return
        self._hold_precision(step)
        self.recorder.append(step, time, {"loss": measured(loss)} if "loss" in self.recorder.series else {})

    def _hold_precision(self, step: int) -> None:
        """Raise where a mode has fewer digits than were asked for: no entry of a layer errs by more than its modes."""
        if self.digits is None or not all(y.is_finite() for y in self.middles):
            return
        size = max(1.0, *(abs(float(y)) for y in self.middles))
        allowed = arb(Fraction(size) / Fraction(10) ** self.digits)
        if not all(e <= allowed for e in self.errors):
            raise PrecisionShort(step)

    def _trajectory(self, status: Status) -> Trajectory:
        count = len(self.middles)
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
            notes=(
                "structure used: identity start, symmetric target, spectrum known exactly, so that "
                f"{count} scalar {'recursion replaces' if count == 1 else 'recursions replace'} the matrices",
            ),
        )


def _power(x: Any, exponent: int) -> Any:
    """Return x^n by squarings: Arb's own power goes through the logarithm, and is NaN on a ball around zero."""
    result = x * 0 + 1 if exponent == 0 else x
    for bit in bin(exponent)[3:]:
        result = result * result
        if bit == "1":
            result = result * x
    return result
