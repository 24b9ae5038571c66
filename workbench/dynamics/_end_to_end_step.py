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
D_i = S D_{i-1} - eta G_i B_{i-1}, B_i = (S - eta G_i) B_{i-1}, the step is W plus a correction of the size of eta, and
so are what it rounds and what it does to an error.

Lemma (error).
    Let ||X - Y||_F <= e for the exact iterate X and the computed Y, and let a ball around Y of radius e in every entry
    be carried through the correction C. If the result has radii with Frobenius norm r, V(X) lies within e + r of
    Y + mid C in the Frobenius norm, and so do their projections onto a convex set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends import Array
from workbench.backends.float64 import Float64
from workbench.backends.running_error import RunningError
from workbench.dynamics._error_bounds import norm, radius_norm, spread_evenly
from workbench.networks.linear import Linear

Step = Callable[[Array], Array]

# The Jacobian is looked at again once the matrix has moved this far, relative to its size.
_LOOK_AGAIN = 1e-3

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
    """Exact midpoints in balls, the error carried by the lemma.

    Parameters
    ----------
    backend : Backend
        Balls.
    step : callable
        The correction of a matrix.
    """

    rigorous = True

    def __init__(self, backend: Any, step: Step) -> None:
        self._step, self._flint = step, backend._flint

    def start(self, matrix: Array) -> State:
        """Take the radii of the initial matrix as the first error."""
        return State(matrix.mid(), radius_norm(self._flint, (matrix,)))

    def advance(self, state: State, project: Step) -> State:
        """Return the state after a step and a projection."""
        found = self._step(self.widen(state))
        after = state.matrix + found.mid()
        projected = project(after.mid())
        rounded = sum((radius_norm(self._flint, (part,)) for part in (found, after, projected)), state.bound)
        return State(projected.mid(), rounded.upper())

    def widen(self, state: State) -> Array:
        """Return a ball that contains the true matrix."""
        return spread_evenly(self._flint, state.matrix, state.bound)


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

    def step(matrix: Array) -> Array:
        return correction(network, matrix, step_size)

    if not isinstance(backend, RunningError):
        return CertifiedError(backend, step)
    shadow = Linear(network.problem, Float64(), ())
    return EstimatedError(backend, step, lambda points: np.asarray(correction(shadow, points, step_size)))
