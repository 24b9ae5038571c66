r"""The growth of an error along a flow from the Hessian itself, enclosed on the tube around a step.

The Jacobian of x' = -grad l(x) is symmetric, so that its logarithmic norm in the Euclidean norm is its largest
eigenvalue, -lambda_min(Hess l): no coordinates would give a smaller rate at a point, and frames of Lohner's kind save
only what the most growing direction turns. What remains is to bound it sharply over a tube.

The step is cut into pieces. On a piece around the time m, ||p_i(t) - p_i(m)|| <= (piece / 2) sum k ||W_i^(k)|| h^(k-1):
with the tube's radius that is a box, on which the Hessian is enclosed column by column by the gradient over pairs
(value, tangent): the network's own calculus is what is differentiated.

Lemma (smallest eigenvalue).
    Let H be within a Frobenius distance R of a symmetric M, Q any matrix with ||Q^T Q - I||_F <= eps < 1, and g a
    lower bound of the eigenvalues of Q^T M Q. Then lambda_min(H) >= min(g / (1 + eps), g / (1 - eps)) - R.
Proof.
    Q is invertible; with x = Q y, x^T M x = y^T (Q^T M Q) y >= g |y|^2, and |x|^2 lies within eps |y|^2 of |y|^2.
    The rest is Weyl's inequality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.backends import Array
from workbench.backends.ball import arb
from workbench.backends.ball_frames import frobenius, unit
from workbench.dynamics._error_bounds import spread_evenly
from workbench.dynamics._flow_series import Expansion
from workbench.errors import UnsupportedError
from workbench.networks import build
from workbench.problem import Problem

# Pieces of a step, so that weights move by about this part of the unit in each; a heuristic, any number is rigorous.
_MOVE = 0.05
_MOST_PIECES, _WORK = 16, 192


@dataclass(frozen=True)
class Tangent:
    """A matrix of balls and its derivative in one direction; None for zero."""

    value: Array
    slope: Array | None = None


class Tangents:
    """Arithmetic of pairs (value, tangent) over balls, as far as networks use it."""

    def __init__(self, base: Any) -> None:
        self._base = base

    def matrix(self, rows: Any) -> Tangent:
        """Return a constant."""
        return Tangent(self._base.matrix(rows))

    def identity(self, size: int) -> Tangent:
        """Return the identity."""
        return Tangent(self._base.identity(size))

    def matmul(self, a: Tangent, b: Tangent) -> Tangent:
        """Return the matrix product."""
        return Tangent(a.value * b.value, _sum(_times(a.slope, b.value), _times(a.value, b.slope)))

    def add(self, a: Tangent, b: Tangent) -> Tangent:
        """Return the sum."""
        return Tangent(a.value + b.value, _sum(a.slope, b.slope))

    def subtract(self, a: Tangent, b: Tangent) -> Tangent:
        """Return the difference."""
        return Tangent(a.value - b.value, _sum(a.slope, None if b.slope is None else -b.slope))

    def multiply(self, a: Tangent, b: Tangent) -> Tangent:
        """Return the entrywise product."""
        left = None if a.slope is None else self._base.multiply(a.slope, b.value)
        right = None if b.slope is None else self._base.multiply(a.value, b.slope)
        return Tangent(self._base.multiply(a.value, b.value), _sum(left, right))

    def scale(self, factor: Any, a: Tangent) -> Tangent:
        """Return the product with a number."""
        return Tangent(
            self._base.scale(factor, a.value), None if a.slope is None else self._base.scale(factor, a.slope)
        )

    def transpose(self, a: Tangent) -> Tangent:
        """Return the transpose."""
        return Tangent(a.value.transpose(), None if a.slope is None else a.slope.transpose())

    def polar_root(self, a: Tangent, degree: int) -> tuple[Tangent, Tangent]:
        """Return the factors of a constant, which a start kept by name is made of."""
        rotation, stretch = self._base.polar_root(a.value, degree)
        return Tangent(rotation), Tangent(stretch)

    def orthogonal_root(self, a: Tangent, degree: int) -> Tangent:
        """Return the root of a constant rotation."""
        return Tangent(self._base.orthogonal_root(a.value, degree))

    def frobenius_squared(self, a: Tangent) -> Tangent:
        """Return the sum of the squared entries; its derivative is not followed."""
        return Tangent(self._base.frobenius_squared(a.value))

    def activate(self, activation: str, a: Tangent, order: int = 0) -> Tangent:
        """Return an activation, or its first derivative."""
        value = self._base.activate(activation, a.value, order)
        if a.slope is None or (activation == "identity" and order == 1):
            return Tangent(value)
        rate = self._base.activate(activation, a.value, 1)
        if order == 1:
            if activation != "tanh":
                raise UnsupportedError(f"no second derivative is known of the activation {activation!r}")
            # (tanh')' = -2 tanh tanh'.
            rate = -2 * self._base.multiply(self._base.activate(activation, a.value), rate)
        return Tangent(value, self._base.multiply(rate, a.slope))


def _times(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None else a * b


def _sum(a: Array | None, b: Array | None) -> Array | None:
    if a is None:
        return b
    return a if b is None else a + b


class CurvatureBound:
    """Bounds of -lambda_min(Hess l) along a step.

    Parameters
    ----------
    problem : Problem
    backend : Ball
    """

    def __init__(self, problem: Problem, backend: Any) -> None:
        self._flint, self._shapes = backend._flint, problem.network.trained_shapes
        self._network = build(problem, Tangents(backend))  # type: ignore[arg-type]

    def growth(self, expansion: Expansion, norms: list[list[Any]], length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral of max(0, -lambda_min) over the tube; infinite where none is found."""
        speeds = [speed(layer, length) for layer in norms]
        moved = float(sum(speeds, self._flint.arb(0)) * length)
        # A Hessian's cost grows like the cube of its size: a large one is looked at less often.
        most = max(1, min(_MOST_PIECES, _WORK // sum(rows * columns for rows, columns in self._shapes)))
        pieces = max(1, min(most, int(moved / _MOVE) + 1)) if moved < 1e3 else 1
        total = self._flint.arb(0)
        for k in range(pieces):
            centre = expansion.at((length * (2 * k + 1) / (2 * pieces)).mid())
            # Midpoints round: a fine grain beside the piece.
            half = length / (2 * pieces) * (1 + arb(2) ** -40) + arb(2) ** -200
            boxes = [self._box(c, (half * v + radius).upper()) for c, v in zip(centre, speeds, strict=True)]
            total += self.rate(tuple(boxes)) * length / pieces
        return total.upper()

    def _box(self, centre: Any, reach: Any) -> Any:
        return spread_evenly(self._flint, centre, reach)

    def rate(self, boxes: tuple[Array, ...]) -> Any:
        """Return an upper bound of max(0, -lambda_min(Hess l)) on boxes of weights."""
        hessian = self.hessian(boxes)
        if not all(x.is_finite() for x in hessian.entries()):
            return self._flint.arb("inf")
        return (-smallest_eigenvalue(hessian)).max(self._flint.arb(0)).upper()

    def hessian(self, boxes: tuple[Array, ...]) -> Any:
        """Return the Hessian on boxes of weights, enclosed."""
        rows = []
        for layer, (height, width) in enumerate(self._shapes):
            for place in range(height * width):
                direction = self._flint.arb_mat(height, width, [int(k == place) for k in range(height * width)])
                moved = tuple(Tangent(b, direction if i == layer else None) for i, b in enumerate(boxes))
                gradients = self._network.loss_and_gradients(moved)[1]
                rows.append([x for g, s in zip(gradients, self._shapes, strict=True) for x in self._entries(g, s)])
        return self._flint.arb_mat(rows)

    def _entries(self, gradient: Any, shape: tuple[int, int]) -> list[Any]:
        return [self._flint.arb(0)] * (shape[0] * shape[1]) if gradient.slope is None else gradient.slope.entries()


def speed(norms: list[Any], length: Any) -> Any:
    """Return sum k n_k h^(k-1), a bound on the step of the derivative of a polynomial with these norms."""
    value = arb(0)
    for k in range(len(norms) - 1, 0, -1):
        value = value * length + k * norms[k]
    return value.upper()


def smallest_eigenvalue(a: Any) -> Any:
    """Return a lower bound of the smallest eigenvalue of every symmetric matrix in a matrix of balls."""
    flint_mat, size = type(a), a.nrows()
    floats = np.array([float(x.mid()) for x in a.entries()]).reshape(size, size)
    if not np.isfinite(floats).all():
        return arb(0) - type(a[0, 0])("inf")
    floats = (floats + floats.T) / 2
    middle, basis = flint_mat(floats.tolist()), flint_mat(np.linalg.eigh(floats)[1].tolist())
    image, defect = basis.transpose() * middle * basis, frobenius(basis.transpose() * basis - unit(size))
    if not defect < 1:
        return -frobenius(a)
    least = image[0, 0]
    for k in range(1, size):
        least = least.min(image[k, k])
    rest = frobenius(image - flint_mat([[image[i, i] if i == j else 0 for j in range(size)] for i in range(size)]))
    least -= rest
    return ((least / (1 + defect)).min(least / (1 - defect)) - frobenius(a - middle)).lower()
