r"""How far a computed iterate is from the exact one: two ways to know it.

Lemma (a-posteriori bound).
    Let x_{k+1} = F(x_k) be the exact iterates, y_k any computed points, ||F(y_k) - y_{k+1}|| <= r_k, and let Lambda_k
    bound the norm of DF on the ball of radius e_k around y_k. If ||x_k - y_k|| <= e_k then
    ||x_{k+1} - y_{k+1}|| <= Lambda_k e_k + r_k =: e_{k+1}.
Proof.
    ||F(x_k) - F(y_k)|| <= sup ||DF|| ||x_k - y_k|| on the segment, which lies in the ball; add r_k.

Iterating balls themselves loses digits in proportion to the number of steps, since a ball forgets that its entries
are correlated; this bound forgets only the direction of the error. `CertifiedBound` makes every ingredient rigorous:
r_k is a ball residual at an exact point, Lambda_k comes from norms that hold on the whole ball (below), and e_k is
rounded up. `EstimatedBound` takes Lambda_k from the Hessian's eigenvalues in double precision instead: much sharper,
and an estimate.

Hessian of a deep linear network.
    For the loss c ||W X - Y||_F^2 with layer norms ||W_i||_2 <= w_i, along W_i + s V_i, sum ||V_i||_F^2 = 1,
    l'' = 2c (||W' X||_F^2 + <E X^T, W''>). ||W' X||_F <= ||X||_2 sqrt(sum_i prod_{k != i} w_k^2), and |<M, W''>| <=
    ||M||_2 max_i sum_{j != i} prod_{k != i, j} w_k, by the nuclear norm: each term has two factors V.
    So the eigenvalues lie in [-lam, top + lam] with lam = 2c ||E X^T||_2 (...), top = 2c ||X||_2^2 (...).
    On a ball of radius e the same holds with w_i + e and ||E||_2 + ||X||_2 (prod (w_i + e) - prod w_i).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends import Array, Backend
from workbench.backends.ball import measured
from workbench.backends.running_error import Bounded, RunningError
from workbench.exact import Matrix, to_float
from workbench.networks import Parameters
from workbench.networks.curvature import Curvature
from workbench.problem import LinearNetwork, Problem

Growth = Callable[[float, float], float]

# The Hessian is looked at again once the weights have moved this far, relative to their size.
_LOOK_AGAIN = 1e-3

# Covers the relative rounding of the few hundred double operations behind a norm bound, many times over.
_INFLATE = 1 + 1e-9
_ROUNDOFF = 2.0**-53

# Floats below _SMALL are not trusted to have 53 bits; _TINY stands above everything that underflows unseen.
_SMALL, _TINY = 1e-280, 1e-290

# Covers the distance of weights to their floats, relative to their norm, twice.
_SHADOW = 4 * _ROUNDOFF

# A rate is used again until the residual may have changed by this part.
_PART = 0.3


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
        error = float(self.bound) * _INFLATE + _TINY
        point = np.concatenate([layer.ravel() for layer in layers])
        with np.errstate(over="ignore", invalid="ignore"):
            moved = np.inf if self._centre is None else float(np.sqrt(((point - self._centre) ** 2).sum()))
            rounding = _SHADOW * float(np.sqrt((point**2).sum())) + _TINY
        if not moved * _INFLATE + rounding + error <= self._reach:
            reach = error + self._norms.latitude(layers) + 4 * rounding
            low, high = self._norms.extremes(layers, reach)
            # The growth's own rounding: its terms are at most 2 + the growth in size.
            growth = self._growth(low, high)
            self._latest = growth * _INFLATE + 1e-13
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


class HessianBound:
    """Bounds of the Hessian's eigenvalues from layer norms, on a ball of weights (see the module).

    Every quantity is a sum or a product of nonnegative floats, rounded to nearest and enlarged; no bound is
    subtracted, a norm is never taken below a floor whose products stay normal, and what overflows is infinite.
    """

    def __init__(self, problem: Problem) -> None:
        loss = problem.loss
        self._twice = 2 * _float(loss.factor) * _INFLATE
        self._target = _floats(loss.target)
        self._inputs = None if loss.inputs is None else _floats(loss.inputs)
        self._input_norm = 1.0 if self._inputs is None else float(spectral_norm_bounds([self._inputs])[0])
        self._floor = 10.0 ** (-200 / (problem.depth + 1))

    def latitude(self, layers: list[np.ndarray]) -> float:
        """Return how far the weights may move before the residual has changed by a good part; heuristic."""
        middle = np.maximum(spectral_norm_bounds(layers), self._floor)
        with np.errstate(over="ignore", invalid="ignore"):
            slope = float(np.prod(middle) * (1 / middle).sum()) * self._input_norm
            distance = _PART * self._residual_norm(layers) / slope
        return distance if np.isfinite(distance) else 0.0

    def extremes(self, layers: list[np.ndarray], error: float) -> tuple[float, float]:
        """Return bounds of the smallest and largest eigenvalue on the ball of radius `error` around the layers."""
        with np.errstate(over="ignore", invalid="ignore"):
            middle = spectral_norm_bounds(layers)
            wide = np.maximum((middle + error) * _INFLATE, self._floor)
            whole, inverse = float(np.prod(wide)) * _INFLATE, 1 / wide
            others = whole * inverse
            pairs = others * ((1 - np.eye(len(wide))) @ inverse)
            residual = self._residual_bound(layers, wide, error)
            twist = self._twice * residual * self._input_norm * float(pairs.max()) * _INFLATE
            top = self._twice * self._input_norm**2 * float((others**2).sum()) * _INFLATE
        if not np.isfinite(top + twist):
            return -np.inf, np.inf
        return -twist, top + twist

    def _residual_bound(self, layers: list[np.ndarray], wide: np.ndarray, error: float) -> float:
        """Return a bound of ||E||_2 on the ball, the rounding of its own evaluation included."""
        rounding = _product_rounding(layers, wide, self._target, self._input_norm)
        # prod (m + e) - prod m <= sum_i e prod_{k != i} (m_k + e), layer by layer.
        spread = error * float((float(np.prod(wide)) / wide).sum()) * self._input_norm
        return (self._residual_norm(layers) + spread + rounding) * _INFLATE

    def _residual_norm(self, layers: list[np.ndarray]) -> float:
        """Return a bound of ||E||_2 at the layers but for the rounding of the product."""
        product = layers[0] if self._inputs is None else layers[0] @ self._inputs
        for layer in layers[1:]:
            product = layer @ product
        return float(spectral_norm_bounds([product - self._target])[0])


def _float(value: Fraction) -> float:
    found = to_float(value)
    return np.inf if found is None else found


def _floats(matrix: Matrix) -> np.ndarray:
    return np.array([[_float(x) for x in row] for row in matrix.rows])


def _product_rounding(layers: list[np.ndarray], wide: np.ndarray, target: np.ndarray, inputs: float) -> float:
    """Return a bound of the rounding of a float product of layers minus the target, in the Frobenius norm.

    Each of the L products errs by gamma_d times a product of Frobenius norms, at most d^(3/2) prod w_i of full
    matrices; what underflows is below the last term.
    """
    dimension = max(max(layer.shape) for layer in (*layers, target))
    scale: float = dimension**2 * float(np.prod(wide)) * inputs + float(np.abs(target).sum())
    return float(4 * (len(layers) + 1) * dimension * _ROUNDOFF * scale) + _TINY


def spectral_norm_bounds(matrices: list[np.ndarray]) -> np.ndarray:
    """Return upper bounds of the spectral norms of some matrices, equal shapes in one batch."""
    if len({a.shape for a in matrices}) == 1:
        return _spectral_norm_bounds(np.stack(matrices))
    return np.array([_spectral_norm_bounds(a[None])[0] for a in matrices])


def spectral_norm_bound(a: np.ndarray) -> float:
    """Return an upper bound of ||A||_2."""
    return float(_spectral_norm_bounds(a[None])[0])


def _spectral_norm_bounds(a: np.ndarray, squarings: int = 5) -> np.ndarray:
    """Return upper bounds of ||A||_2, within a factor d^(1/2^(k+2)), safe against their own rounding.

    With M = A^T A normalised, lambda_max(M)^p <= ||M^p||_F for p = 2^k. A squaring in floating point errs by at most
    gamma_d ||M||_F^2 and doubles what came before, relative to ||M||_2^2 >= ||M||_F^2 / d: the relative error
    obeys eps <- 2 sqrt(d) eps + d^(3/2) (d + 2) u, and the bound is enlarged by it. A matrix that is not finite has
    the bound infinity, one near the end of the floats a bound that is safe there.
    """
    size = np.abs(a).max(axis=(1, 2))
    usable = np.isfinite(size) & (size > _SMALL)
    rows, columns = a.shape[1:]
    scaled = np.where(usable[:, None, None], a, 1.0) / np.where(usable, size, 1.0)[:, None, None]
    flipped = scaled.transpose(0, 2, 1)
    gram = flipped @ scaled if columns <= rows else scaled @ flipped
    dimension = min(rows, columns)
    root = float(np.sqrt(dimension))
    step = (max(rows, columns) + 4) * dimension**1.5 * _ROUNDOFF
    epsilon, exponent, logarithm = step, 1, np.zeros(len(a))
    for _ in range(squarings):
        if 2 * root * epsilon + step > 1e-3:
            break
        total = np.sqrt(np.einsum("nij,nij->n", gram, gram))
        gram = gram / total[:, None, None]
        logarithm = 2 * (logarithm + np.log(total))
        gram, epsilon, exponent = gram @ gram, 2 * root * epsilon + step, 2 * exponent
    last = np.log(np.sqrt(np.einsum("nij,nij->n", gram, gram))) + logarithm + float(np.log1p(2 * epsilon)) + 1e-12
    with np.errstate(over="ignore"):
        bound = size * np.exp(last / (2 * exponent)) * _INFLATE
    poor = np.where(size <= _SMALL, np.where(size == 0, 0.0, _SMALL * np.sqrt(rows * columns)), np.inf)
    return np.where(usable, bound, poor)


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


def error_bound(problem: Problem, backend: Backend, growth: Growth) -> CarriedError | EstimatedBound | CertifiedBound:
    """Return how the error of this arithmetic is known on this problem."""
    if isinstance(backend, RunningError):
        return EstimatedBound(problem, backend, growth)
    if backend.name == "ball" and isinstance(problem.network, LinearNetwork):
        return CertifiedBound(problem, backend, growth)
    return CarriedError()
