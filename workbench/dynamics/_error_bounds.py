r"""How far a computed iterate is from the exact one: two ways to know it.

Lemma (a-posteriori bound).
    Let x_{k+1} = F(x_k) be the exact iterates, y_k any computed points, ||F(y_k) - y_{k+1}|| <= r_k, and let Lambda_k
    bound the norm of DF on the ball of radius e_k around y_k. If ||x_k - y_k|| <= e_k then
    ||x_{k+1} - y_{k+1}|| <= Lambda_k e_k + r_k =: e_{k+1}.
Proof.
    ||F(x_k) - F(y_k)|| <= sup ||DF|| ||x_k - y_k|| on the segment, which lies in the ball; add r_k.

Iterating balls themselves loses digits in proportion to the number of steps, since a ball forgets that its entries
are correlated; this bound forgets only the direction of the error. `CertifiedBound` makes every ingredient rigorous:
r_k is a ball residual at an exact point, Lambda_k comes from norms that hold on the whole ball (`_hessian_bound`), and
e_k is rounded up. `EstimatedBound` takes Lambda_k from the Hessian's eigenvalues in double precision instead: much
sharper, and an estimate. On a linear network descent, pulled or
with momentum, has a faster form with the same lemma: `_fixed_point_bounds`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends import Array, Backend
from workbench.backends.ball import measured
from workbench.backends.running_error import Bounded, RunningError
from workbench.dynamics._hessian_bound import INFLATE, SHADOW, TINY, HessianBound, spectral_norm_bound
from workbench.networks import Parameters
from workbench.networks.curvature import Curvature
from workbench.problem import LinearNetwork, Problem, ResidualNetwork

Growth = Callable[[float, float], float]

# The Hessian is looked at again once the weights have moved this far, relative to their size.
_LOOK_AGAIN = 1e-3


class CarriedError:
    """For arithmetics whose arrays carry their own error through every operation: nothing to add."""

    rigorous = True

    def start(self, initial: Parameters) -> Parameters:
        """Return the initial weights."""
        return initial

    def advance(self, before: Parameters, after: Parameters, memory: tuple[Array, ...]) -> tuple[Any, Any]:
        """Return the next weights and memory."""
        return after, memory

    def widen(self, parameters: Parameters, *, previous: bool = False) -> Parameters:
        """Return weights with their errors."""
        return parameters


class CarriedEstimate(CarriedError):
    """For floating arithmetic on a loss with kinks: no Hessian sees those ahead, so the arrays carry all error."""

    rigorous = False


class EstimatedBound:
    """The propagated error of floating weights (and memory), a Frobenius norm in units of the roundoff.

    Parameters
    ----------
    problem : Problem
    backend : RunningError
    growth : callable
        Jacobian norm of the step map from the Hessian's extreme eigenvalues.
    """

    rigorous = False

    def __init__(self, problem: Problem, backend: RunningError, growth: Growth) -> None:
        self._curvature = Curvature(problem)
        self._backend = backend
        self._growth = growth
        self._seen: list[np.ndarray] | None = None
        self._lambda = 1.0
        self.bound = 0.0
        self._bound_before = 0.0

    def start(self, initial: Parameters) -> Parameters:
        """Take the rounding of the initial weights as the first error."""
        self.bound = self._bound_before = norm([p.radius for p in initial])
        return self._points(initial)

    def advance(self, before: Parameters, after: Parameters, memory: tuple[Array, ...]) -> tuple[Any, Any]:
        """Grow by the Jacobian's norm, add the step's own rounding, and go on from floating points."""
        rate = self.jacobian_norm([self._backend.shadow(p) for p in before])
        self._bound_before = self.bound
        self.bound = _finite_or_infinite(rate * self.bound + norm([a.radius for a in (*after, *memory)]))
        return self._points(after), self._points(memory)

    def widen(self, parameters: Parameters, *, previous: bool = False) -> Parameters:
        """Return weights with the propagated error in every entry."""
        bound = self._bound_before if previous else self.bound
        return tuple(self._backend.wrap(p.middle, bound) for p in parameters)

    def _points(self, arrays: tuple[Bounded, ...]) -> tuple[Bounded, ...]:
        return tuple(Bounded(a.middle, np.zeros_like(a.radius), a.size) for a in arrays)

    def jacobian_norm(self, layers: list[np.ndarray]) -> float:
        """Return the growth at the nearest point looked at, the larger of the last two."""
        if self._seen is not None:
            moved = norm([a - b for a, b in zip(layers, self._seen, strict=True)])
            if moved <= _LOOK_AGAIN * norm(layers):
                return self._lambda
        latest = self._growth(*self._curvature.extremes(layers))
        answer = latest if self._seen is None else max(latest, self._lambda)
        self._seen, self._lambda = layers, latest
        return answer


class CertifiedBound:
    """The lemma in balls, for a deep linear network: midpoints are iterated, the error is enclosed.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    backend : Backend
        Balls.
    growth : callable
    """

    rigorous = True

    def __init__(self, problem: Problem, backend: Any, growth: Growth) -> None:
        self._backend = backend
        self._growth = growth
        self._flint = backend._flint
        self._norms = HessianBound(problem)
        self.bound = self._flint.arb(0)
        self._bound_before = self.bound
        # The ball on which the latest rate holds: its centre in floats, its radius.
        self._centre: np.ndarray | None = None
        self._reach, self._latest = -1.0, float("inf")

    def start(self, initial: Parameters) -> Parameters:
        """Take the radii of the initial weights as the first error."""
        self.bound = self._bound_before = radius_norm(self._flint, initial)
        return tuple(p.mid() for p in initial)

    def advance(self, before: Parameters, after: Parameters, memory: tuple[Array, ...]) -> tuple[Any, Any]:
        """Propagate the error through one step and go on from the midpoints."""
        rate = self._rate([self._backend.shadow(p) for p in before])
        self._bound_before = self.bound
        if np.isfinite(rate):
            self.bound = (self._flint.arb(rate) * self.bound + radius_norm(self._flint, (*after, *memory))).upper()
        else:
            self.bound = self._flint.arb("inf")
        return tuple(a.mid() for a in after), tuple(m.mid() for m in memory)

    def _rate(self, layers: list[np.ndarray]) -> float:
        """Return a bound of the step's Jacobian norm on the ball around the layers.

        A bound on a larger ball serves every step whose own ball lies in it.
        """
        error = float(self.bound) * INFLATE + TINY
        point = np.concatenate([layer.ravel() for layer in layers])
        with np.errstate(over="ignore", invalid="ignore"):
            moved = np.inf if self._centre is None else float(np.sqrt(((point - self._centre) ** 2).sum()))
            rounding = SHADOW * float(np.sqrt((point**2).sum())) + TINY
        if not moved * INFLATE + rounding + error <= self._reach:
            reach = error + self._norms.latitude(layers) + 4 * rounding
            low, high = self._norms.extremes(layers, reach)
            # The growth's own rounding: its terms are at most 2 + the growth in size.
            growth = self._growth(low, high)
            self._latest = growth * INFLATE + 1e-13
            self._centre, self._reach = point, reach
        return self._latest

    def widen(self, parameters: Parameters, *, previous: bool = False) -> Parameters:
        """Return balls around midpoints that contain the exact weights."""
        bound = self._bound_before if previous else self.bound
        return tuple(spread_evenly(self._flint, p, bound) for p in parameters)


def spread_evenly(flint: Any, matrix: Array, radius: Any) -> Array:
    """Return a ball matrix with a radius, an exact ball, added to every entry."""
    ball = flint.arb(0, radius) if radius.is_finite() else flint.arb("nan")
    count = matrix.nrows() * matrix.ncols()
    return matrix + flint.arb_mat(matrix.nrows(), matrix.ncols(), [ball] * count)


def radius_norm(flint: Any, arrays: tuple[Array, ...]) -> Any:
    """Return an upper bound of the Frobenius norm of all radii together, an exact ball."""
    total = flint.arb(0)
    for array in arrays:
        radii = array - array.mid()
        # Midpoints are zero: the trace of R R^T has radius sum r_ij^2, rounded up.
        total += (radii * radii.transpose()).trace().abs_upper()
    return total.sqrt().upper()


def norm(arrays: list[np.ndarray]) -> float:
    """Return the Frobenius norm of several arrays together."""
    # Relative to the largest entry: squares of doubles leave their range at 1e-162 and 1e154.
    size = max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)
    if size == 0 or not np.isfinite(size):
        return size
    with np.errstate(over="ignore", under="ignore"):
        return size * float(np.sqrt(sum(float(((a / size) ** 2).sum()) for a in arrays)))


def _finite_or_infinite(value: float) -> float:
    return float("inf") if np.isnan(value) else float(value)


def largest_error(backend: Backend, parameters: Parameters) -> Fraction | None:
    """Return the largest absolute error of an entry, None where one is unknown."""
    if isinstance(backend, RunningError):
        worst = max(float(p.radius.max()) for p in parameters)
        return Fraction(worst) * backend.roundoff if np.isfinite(worst) else None
    if backend.name == "ball":
        largest = max((x.rad() for p in parameters for x in p.entries()), key=float)
        found = measured(largest)
        return None if found.bounds() is None else found.bounds()[1]  # type: ignore[index]
    return Fraction(0)


Errors = CarriedError | EstimatedBound | CertifiedBound


def error_bound(problem: Problem, backend: Backend, growth: Growth) -> Errors:
    """Return how the error of this arithmetic is known on this problem."""
    if isinstance(backend, RunningError):
        network = problem.network
        if isinstance(network, ResidualNetwork) and network.activation == "relu":
            return CarriedEstimate()
        return EstimatedBound(problem, backend, growth)
    if backend.name == "ball" and isinstance(problem.network, LinearNetwork):
        return CertifiedBound(problem, backend, growth)
    return CarriedError()


__all__ = [
    "CarriedError",
    "CarriedEstimate",
    "CertifiedBound",
    "Errors",
    "EstimatedBound",
    "Growth",
    "HessianBound",
    "error_bound",
    "largest_error",
    "norm",
    "radius_norm",
    "spectral_norm_bound",
    "spread_evenly",
]
