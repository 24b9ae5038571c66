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
from workbench.backends.ball import arb, flint
from workbench.dynamics._error_bounds import spread_evenly
from workbench.dynamics._hessian_boxes import Box, HessianBoxes, enclosing_box
from workbench.errors import UnsupportedError
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem

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
            rate = self._second(activation, a.value, rate)
        return Tangent(value, self._base.multiply(rate, a.slope))

    def _second(self, activation: str, x: Array, rate: Array) -> Array:
        """Return the second derivative of an activation, given the first."""
        times = self._base.multiply
        match activation:
            case "tanh":
                return -2 * times(self._base.activate(activation, x), rate)
            case "arctan":
                return -2 * times(x, times(rate, rate))
            case "softplus":
                # The first is the logistic function s, and s(-x) = 1 - s(x).
                return times(rate, self._base.activate(activation, -x, 1))
        raise UnsupportedError(f"no second derivative is known of the activation {activation!r}")


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
        linear = isinstance(problem.network, LinearNetwork)
        self._in_doubles = HessianBoxes(problem, Tangents, Tangent, backend) if linear else None

    def growth(self, expansion: Any, speeds: list[Any], length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral of max(0, -lambda_min) over the tube; infinite where none is found.

        Parameters
        ----------
        expansion : Expansion
            The polynomial p, known by its values.
        speeds : list of arb
            Bounds of the derivative of each layer of p on the step.
        length, radius : arb
        """
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
        hessian = enclosing_box(self.hessian(boxes)) if self._in_doubles is None else self._in_doubles(boxes)
        return (-least_eigenvalue(hessian)).max(self._flint.arb(0)).upper()

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


def least_eigenvalue(hessian: Box) -> Any:
    """Return a lower bound of the smallest eigenvalue of every symmetric matrix in a box; minus infinity if unknown.

    Floating products of matrices of size n are off by at most n u / (1 - n u) of the product of the Frobenius norms.
    """
    size, radius = len(hessian.middle), _norm(hessian.radius)
    if not (np.isfinite(hessian.middle).all() and np.isfinite(radius)):
        return -arb_of("inf")
    middle = (hessian.middle + hessian.middle.T) / 2
    skew = _norm(hessian.middle - middle) + _norm(middle) * 1e-15
    basis = np.linalg.eigh(middle)[1]
    image, gram = basis.T @ (middle @ basis), basis.T @ basis
    rounding, frame = 4 * size * 2.0**-53, _norm(basis)
    defect = _norm(gram - np.eye(size)) + rounding * frame**2
    if not defect < 0.5:
        return -arb_of(_norm(hessian.middle) + radius)
    rest = _norm(image - np.diag(np.diag(image))) + rounding * frame**2 * _norm(middle)
    least = arb_of(float(np.diag(image).min())) - arb_of(rest)
    eps = arb_of(defect)
    return ((least / (1 + eps)).min(least / (1 - eps)) - arb_of(radius) - arb_of(skew)).lower()


def _norm(a: np.ndarray) -> float:
    """Return an upper bound of the Frobenius norm."""
    size = float(np.abs(a).max())
    return size * float(np.linalg.norm(a / size)) * (1 + 1e-9) + 1e-290 if 0 < size < np.inf else size


def arb_of(value: float | str) -> Any:
    """Return a float as a ball."""
    return flint().arb(value)
