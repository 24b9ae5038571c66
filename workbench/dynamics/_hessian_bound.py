r"""Rigorous bounds in floating point: spectral norms, and the Hessian's eigenvalues on a ball of weights.

Hessian of a deep linear network.
    For the loss c ||W X - Y||_F^2 with layer norms ||W_i||_2 <= w_i, along W_i + s V_i, sum ||V_i||_F^2 = 1,
    l'' = 2c (||W' X||_F^2 + <E X^T, W''>). ||W' X||_F <= ||X||_2 sqrt(sum_i prod_{k != i} w_k^2), and |<M, W''>| <=
    ||M||_2 max_i sum_{j != i} prod_{k != i, j} w_k, by the nuclear norm: each term has two factors V.
    So the eigenvalues lie in [-lam, top + lam] with lam = 2c ||E X^T||_2 (...), top = 2c ||X||_2^2 (...).
    On a ball of radius e the same holds with w_i + e and ||E||_2 + ||X||_2 (prod (w_i + e) - prod w_i).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from workbench.exact import Matrix, to_float
from workbench.problem import Problem

# Covers the relative rounding of the few hundred double operations behind a norm bound, many times over.
INFLATE = 1 + 1e-9
_ROUNDOFF = 2.0**-53

# Floats below _SMALL are not trusted to have 53 bits; TINY stands above everything that underflows unseen.
_SMALL, TINY = 1e-280, 1e-290

# Covers the distance of weights to their floats, relative to their norm, twice.
SHADOW = 4 * _ROUNDOFF

# A rate is used again until the residual may have changed by this part.
_PART = 0.3


class HessianBound:
    """Bounds of the Hessian's eigenvalues from layer norms, on a ball of weights (see the module).

    Every quantity is a sum or a product of nonnegative floats, rounded to nearest and enlarged; no bound is
    subtracted, a norm is never taken below a floor whose products stay normal, and what overflows is infinite.
    """

    def __init__(self, problem: Problem) -> None:
        loss = problem.loss
        self._twice = 2 * float_of(loss.factor) * INFLATE
        self._target = floats_of(loss.target)
        self._inputs = None if loss.inputs is None else floats_of(loss.inputs)
        self._input_norm = 1.0 if self._inputs is None else float(spectral_norm_bounds([self._inputs])[0]) + TINY
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
            wide = np.maximum((middle + error) * INFLATE, self._floor)
            whole, inverse = float(np.prod(wide)) * INFLATE, 1 / wide
            others = whole * inverse
            pairs = others * ((1 - np.eye(len(wide))) @ inverse)
            residual = self._residual_bound(layers, wide, error)
            twist = self._twice * residual * self._input_norm * float(pairs.max()) * INFLATE
            top = self._twice * self._input_norm**2 * float((others**2).sum()) * INFLATE
        if not np.isfinite(top + twist):
            return -np.inf, np.inf
        return -twist, top + twist

    def _residual_bound(self, layers: list[np.ndarray], wide: np.ndarray, error: float) -> float:
        """Return a bound of ||E||_2 on the ball, the rounding of its own evaluation included."""
        rounding = _product_rounding(layers, wide, self._target, self._input_norm)
        # prod (m + e) - prod m <= sum_i e prod_{k != i} (m_k + e), layer by layer.
        spread = error * float((float(np.prod(wide)) / wide).sum()) * self._input_norm
        return (self._residual_norm(layers) + spread + rounding) * INFLATE

    def _residual_norm(self, layers: list[np.ndarray]) -> float:
        """Return a bound of ||E||_2 at the layers but for the rounding of the product."""
        product = layers[0] if self._inputs is None else layers[0] @ self._inputs
        for layer in layers[1:]:
            product = layer @ product
        return float(spectral_norm_bounds([product - self._target])[0])


def float_of(value: Fraction) -> float:
    found = to_float(value)
    return np.inf if found is None else found


def floats_of(matrix: Matrix) -> np.ndarray:
    return np.array([[float_of(x) for x in row] for row in matrix.rows])


def _product_rounding(layers: list[np.ndarray], wide: np.ndarray, target: np.ndarray, inputs: float) -> float:
    """Return a bound of the rounding of a float product of layers minus the target, in the Frobenius norm.

    Each of the L products errs by gamma_d times a product of Frobenius norms, at most d^(3/2) prod w_i of full
    matrices; what underflows is below the last term.
    """
    dimension = max(max(layer.shape) for layer in (*layers, target))
    scale: float = dimension**2 * float(np.prod(wide)) * inputs + float(np.abs(target).sum())
    return float(4 * (len(layers) + 1) * dimension * _ROUNDOFF * scale) + TINY


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
        bound = size * np.exp(last / (2 * exponent)) * INFLATE
    poor = np.where(size <= _SMALL, np.where(size == 0, 0.0, _SMALL * np.sqrt(rows * columns)), np.inf)
    return np.where(usable, bound, poor)
