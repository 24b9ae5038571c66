"""The extreme eigenvalues of the loss's Hessian, estimated at a point, for the growth of errors along a run.

The Hessian comes from central differences of the network's own gradient in double precision, all directions in one
batch; it is dense up to a few hundred weights, beyond that Lanczos gives the extremes. Both are estimates, as the
errors that they propagate are.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from workbench.backends.float64 import Float64
from workbench.networks import build, with_loss
from workbench.problem import Problem, SquareLoss

# Below this many weights all second derivatives at once are cheaper than Lanczos.
_DENSE = 300
_LANCZOS_STEPS = 40

# Central differences of a polynomial gradient: truncation h^2, rounding 1e-16 / h; both below 1e-8 here.
_DIFFERENCE = 2.0**-13


class Curvature:
    """Extreme Hessian eigenvalues of a problem's loss.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self._network = build(problem, Float64())
        self._shapes = problem.network.trained_shapes

    def of(self, loss: SquareLoss) -> Curvature:
        """Return the same of another loss."""
        other = copy(self)
        other._network = with_loss(self._network, loss)
        return other

    def extremes(self, layers: Sequence[np.ndarray]) -> tuple[float, float]:
        """Return the smallest and the largest eigenvalue at some weights; infinite where they are not finite."""
        point = np.concatenate([layer.ravel() for layer in layers])
        if not np.isfinite(point).all():
            return -np.inf, np.inf
        if point.size <= _DENSE:
            hessian = self._products(point, np.eye(point.size))
            if not np.isfinite(hessian).all():
                return -np.inf, np.inf
            values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
            return float(values[0]), float(values[-1])
        return self._lanczos(point)

    def _products(self, point: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Return the Hessian times each row of `directions`."""
        step = _DIFFERENCE * max(1.0, float(np.abs(point).max()))
        ahead, behind = (self._gradient(point + sign * step * directions) for sign in (1, -1))
        return np.asarray((ahead - behind) / (2 * step))

    def _gradient(self, points: np.ndarray) -> np.ndarray:
        layers, start = [], 0
        for rows, columns in self._shapes:
            layers.append(points[:, start : start + rows * columns].reshape(-1, rows, columns))
            start += rows * columns
        gradients = self._network.loss_and_gradients(tuple(layers))[1]
        return np.concatenate([g.reshape(len(points), -1) for g in gradients], axis=1)

    def _lanczos(self, point: np.ndarray) -> tuple[float, float]:
        """Return Ritz values widened by their residuals, with full reorthogonalisation."""
        vector = np.random.default_rng(0).standard_normal(point.size)
        basis = [vector / np.linalg.norm(vector)]
        diagonal: list[float] = []
        off: list[float] = []
        for _ in range(min(_LANCZOS_STEPS, point.size)):
            image = self._products(point, basis[-1][None, :])[0]
            if not np.isfinite(image).all():
                return -np.inf, np.inf
            diagonal.append(float(image @ basis[-1]))
            for other in basis:
                image = image - (image @ other) * other
            off.append(float(np.linalg.norm(image)))
            if off[-1] < 1e-10 * max(1.0, abs(diagonal[-1])):
                break
            basis.append(image / off[-1])
        size = len(diagonal)
        ritz, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off[: size - 1], 1) + np.diag(off[: size - 1], -1))
        slack = off[-1] * np.abs(vectors[-1])
        return float(ritz[0] - slack[0]), float(ritz[-1] + slack[-1])
