r"""One step of power projection as a map of the end-to-end matrix, and how far it carries an error.

Lemma (gauge).
    Let W = R P be the polar form, Q = R^(1/L), S = P^(1/L), and W_i = Q^i S Q^(1-i) the balanced layers. One gradient
    step on them gives the product R prod_i (S - eta G_i), where G_i are the gradients at the layers (S, ..., S) of the
    loss c ||S_L ... S_1 X - R^T Y||_F^2.
Proof.
    Put W_i = Q^i S_i Q^(1-i): the product is Q^L S_L ... S_1 = R S_L ... S_1, so that the loss is the one stated, and
    dl/dW_i = Q^i (dl/dS_i) Q^(1-i) because Q is orthogonal. Hence W_i - eta dl/dW_i = Q^i (S - eta G_i) Q^(1-i), and
    the powers of Q cancel in the product.

So no root of the rotation enters the iteration. Written as V = W + R D with D_0 = 0, B_0 = I,
D_i = S D_{i-1} - eta G_i B_{i-1}, B_i = (S - eta G_i) B_{i-1}, the step is W plus a correction of the size of eta.

Lemma (error).
    Let V be the product after a step on whitened inputs, h = 2 c eta, E = W - Phi with ||E||_2 <= r, and let the
    singular values of W lie in [s, m], s > 0. Then ||DV||, from Frobenius norm to Frobenius norm, is at most
    max(1 - h L s^(2-2/L), h L m^(2-2/L) - 1) + 2 sqrt(2) (1 - 1/L) h L m^(2-2/L) r / s
    + sum_{k=2}^L C(L,k) h^k r^(k-1) m^(k+1-2k/L) [k + (k-1) r/m + 2 sqrt(2) (1 - k/L) r/s].
Proof.
    The term with the gradients of layers i_1 < ... < i_k is (-h)^k |W^T|^(2(L-i_k)/L) E prod_j (|W|^(2c_j) W^T E)
    |W|^(2(i_1-1)/L), c_j = (i_{j+1} - i_j - 1)/L: A_j A_j^T and B_j^T B_j are powers of W W^T and W^T W, and between
    two gradients B_j^T W_{j-1} ... W_{i+1} A_i^T = |W|^(2c) W^T. Differentiate factor by factor. Of E and W^T it gives
    dW; the absolute value has the Lipschitz constant sqrt(2), and x^p the slope p max(s^(p-1), m^(p-1)) <= p m^p / s on
    [s, m], while the exponents of one term sum to 2 - 2k/L. For k = 1 the terms in dE = dW are -h T(dW), T symmetric
    with eigenvalues in [L s^(2-2/L), L m^(2-2/L)], which the identity joins.

Where ||E|| is small the bound is below one: errors shrink near the target, and no digit is lost for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from workbench.backends import Array
from workbench.backends.ball import arb, precision
from workbench.backends.ball_algebra import singular_values, spectral_norm
from workbench.backends.float64 import Float64
from workbench.backends.running_error import RunningError
from workbench.dynamics._error_bounds import norm, radius_norm, spread_evenly
from workbench.networks.linear import Linear

Step = Callable[[Array], Array]

# The Jacobian is looked at again once the matrix has moved this far, relative to its size.
_LOOK_AGAIN = 1e-3

# Bits of the norms that a bound is made of.
_NORM_BITS = 64

# Central differences of a smooth map: truncation h^2, rounding 1e-16 / h; both below 1e-8 here.
_DIFFERENCE = 2.0**-17


def correction(network: Linear, matrix: Array, step_size: Fraction) -> Array:
    """Return C, so that a gradient step on the balanced layers of a matrix W has the product W + C."""
    backend, depth = network.backend, network.problem.depth
    rotation, stretch = backend.polar_root(matrix, depth)
    turned = network.towards(backend.matmul(backend.transpose(rotation), network.target))
    gradients = turned.loss_and_gradients((stretch,) * depth)[1]
    change, below = None, None
    for gradient in gradients:
        pull = backend.scale(step_size, gradient)
        moved = pull if below is None else backend.matmul(pull, below)
        change = (
            backend.scale(Fraction(-1), moved)
            if change is None
            else backend.subtract(backend.matmul(stretch, change), moved)
        )
        layer = backend.subtract(stretch, pull)
        below = layer if below is None else backend.matmul(layer, below)
    return backend.matmul(rotation, change)


@dataclass(frozen=True)
class State:
    """A computed matrix and a bound of its distance to the true one, in the Frobenius norm."""

    matrix: Array
    bound: Any


class CertifiedError:
    """Exact midpoints in balls, the error carried by the lemma on the whole ball around them.

    Parameters
    ----------
    network : Linear
        Over balls, with whitened inputs.
    step_size : Fraction
    """

    rigorous = True

    def __init__(self, network: Linear, step_size: Fraction) -> None:
        self._network, self._step_size = network, step_size
        backend: Any = network.backend
        self._flint = backend._flint

    def start(self, matrix: Array) -> State:
        """Take the radii of the initial matrix as the first error."""
        return State(matrix.mid(), radius_norm(self._flint, (matrix,)))

    def advance(self, state: State, project: Step) -> State:
        """Return the state after a step and a projection."""
        after = state.matrix + correction(self._network, state.matrix, self._step_size)
        projected = project(after.mid())
        rounded = radius_norm(self._flint, (after,)) + radius_norm(self._flint, (projected,))
        return State(projected.mid(), (self.jacobian_norm(state) * state.bound + rounded).upper())

    def widen(self, state: State) -> Array:
        """Return a ball that contains the true matrix."""
        return spread_evenly(self._flint, state.matrix, state.bound)

    def jacobian_norm(self, state: State) -> Any:
        """Return an upper bound of ||DV|| on the ball of a state, infinite where an inverse is not excluded."""
        with precision(_NORM_BITS):
            values = singular_values(state.matrix)
            low, high = (values[-1] - state.bound).lower(), (values[0] + state.bound).upper()
            if not low > 0 or not high.is_finite():
                return self._flint.arb("inf")
            error = (spectral_norm(state.matrix - self._network.target) + state.bound).upper()
            twice = 2 * self._network.problem.loss.factor
            return _growth(self._network.problem.depth, arb(twice * self._step_size), low, high, error).upper()


def _growth(depth: int, step: Any, low: Any, high: Any, error: Any) -> Any:
    """Return the lemma's bound, in balls."""
    power = arb(Fraction(2) - Fraction(2, depth))
    slope = 2 * arb(2).sqrt() * error / low
    total = (1 - step * depth * low**power).max(step * depth * high**power - 1)
    total += slope * (depth - 1) * step * high**power
    for k in range(2, depth + 1):
        part = k + (k - 1) * error / high + slope * arb(1 - Fraction(k, depth))
        size = high ** arb(k + 1 - Fraction(2 * k, depth))
        total += comb(depth, k) * step**k * error ** (k - 1) * size * part
    return total


class EstimatedError:
    """Floating matrices, the error estimated in units of the roundoff: e <- Lambda e + rounding.

    Lambda is the norm of the step's Jacobian, by central differences in double precision; a projection onto a convex
    set adds nothing to it.

    Parameters
    ----------
    backend : RunningError
    step : callable
        The correction of a matrix.
    shadow : callable
        The same in double precision, over a batch.
    """

    rigorous = False

    def __init__(self, backend: RunningError, step: Step, shadow: Callable[[np.ndarray], np.ndarray]) -> None:
        self._backend, self._step, self._shadow = backend, step, shadow
        self._seen: np.ndarray | None = None
        self._lambda = 1.0

    def start(self, matrix: Array) -> State:
        """Take the rounding of the initial matrix as the first error."""
        return State(self._backend.wrap(matrix.middle), norm([matrix.radius]))

    def advance(self, state: State, project: Step) -> State:
        """Return the state after a step and a projection; the error grows by the Jacobian's norm."""
        after = project(self._backend.add(state.matrix, self._step(state.matrix)))
        bound = self.jacobian_norm(self._backend.shadow(state.matrix)) * state.bound + norm([after.radius])
        return State(self._backend.wrap(after.middle), float("inf") if np.isnan(bound) else float(bound))

    def widen(self, state: State) -> Array:
        """Return the matrix with the propagated error in every entry."""
        return self._backend.wrap(state.matrix.middle, state.bound)

    def jacobian_norm(self, point: np.ndarray) -> float:
        """Return the growth at the nearest point looked at, the larger of the last two."""
        if self._seen is not None and norm([point - self._seen]) <= _LOOK_AGAIN * norm([point]):
            return self._lambda
        latest = self._differences(point)
        answer = latest if self._seen is None else max(latest, self._lambda)
        self._seen, self._lambda = point, latest
        return answer

    def _differences(self, point: np.ndarray) -> float:
        if not np.isfinite(point).all():
            return float("inf")
        count, step = point.size, _DIFFERENCE * max(1.0, float(np.abs(point).max()))
        directions = step * np.eye(count).reshape(-1, *point.shape)
        ahead, behind = (self._shadow(point + sign * directions) for sign in (1, -1))
        jacobian = np.eye(count) + ((ahead - behind) / (2 * step)).reshape(count, count)
        return float(np.linalg.norm(jacobian, 2)) if np.isfinite(jacobian).all() else float("inf")


def error_of(network: Linear, step_size: Fraction) -> CertifiedError | EstimatedError:
    """Return how the error of this network's arithmetic is carried."""
    backend = network.backend
    if not isinstance(backend, RunningError):
        return CertifiedError(network, step_size)
    shadow = Linear(network.problem, Float64(), ())

    def step(matrix: Array) -> Array:
        return correction(network, matrix, step_size)

    return EstimatedError(backend, step, lambda points: np.asarray(correction(shadow, points, step_size)))
