r"""The Hessian of a deep linear network on a box of weights, in doubles that carry radii, all directions at once.

A matrix is a midpoint with a radius an entry. With u = 2^-53, a floating product of matrices with inner size k differs
from the exact one by at most (k + 2) u |A| |B| to first order, entry by entry and in any order of summation; twice that
is taken, every radius is enlarged by 10^-9 of itself for its own rounding, and a number below all others stands for
what underflows. The curvature is asked for to a few digits: where doubles suffice, they are ten times faster than
balls, whose Hessian is made column by column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.backends.ball import arb
from workbench.networks.linear import Linear
from workbench.problem import Problem

_ROUNDOFF = 2.0**-53
_UP = 1 + 1e-9
_TINY = 1e-290


@dataclass(frozen=True)
class Box:
    """Matrices of midpoints with radii, in stacks that broadcast.

    Parameters
    ----------
    middle, radius : numpy.ndarray, shapes (..., rows, columns)
    """

    middle: np.ndarray
    radius: np.ndarray

    def __mul__(self, other: Box) -> Box:
        """Return the matrix product."""
        left, right = np.abs(self.middle), np.abs(other.middle)
        rounding = 2 * (self.middle.shape[-1] + 2) * _ROUNDOFF * (left @ right)
        radius = left @ other.radius + self.radius @ (right + other.radius) + rounding
        return Box(self.middle @ other.middle, radius * _UP + _TINY)

    def __add__(self, other: Box) -> Box:
        """Return the sum."""
        middle = self.middle + other.middle
        return Box(middle, (self.radius + other.radius + 2 * _ROUNDOFF * np.abs(middle)) * _UP + _TINY)

    def __neg__(self) -> Box:
        """Return the negative."""
        return Box(-self.middle, self.radius)

    def __sub__(self, other: Box) -> Box:
        """Return the difference."""
        return self + -other

    def transpose(self) -> Box:
        """Return the transposes."""
        return Box(np.swapaxes(self.middle, -1, -2), np.swapaxes(self.radius, -1, -2))


def enclosing_box(ball: Any) -> Box:
    """Return a box around a matrix of balls."""
    shape = ball.nrows(), ball.ncols()
    middle = np.array([float(x.mid()) for x in ball.entries()]).reshape(shape)
    radius = np.array([float(x.rad()) for x in ball.entries()]).reshape(shape)
    return Box(middle, (radius + 2 * _ROUNDOFF * np.abs(middle)) * _UP + _TINY)


class Boxes:
    """Arithmetic of boxes, as far as a linear network's tangents use it.

    Parameters
    ----------
    base : Ball
        In which data are enclosed first.
    """

    def __init__(self, base: Any) -> None:
        self._base = base

    def matrix(self, rows: Any) -> Box:
        """Return data."""
        return enclosing_box(self._base.matrix(rows))

    def scale(self, factor: Any, a: Box) -> Box:
        """Return the product with a number."""
        ball = arb(factor)
        number, slack = float(ball.mid()), float(ball.rad())
        slack = (slack + 2 * _ROUNDOFF * abs(number)) * _UP + _TINY
        size = np.abs(a.middle)
        radius = (abs(number) + slack) * a.radius + (slack + 2 * _ROUNDOFF * abs(number)) * size
        return Box(number * a.middle, radius * _UP + _TINY)

    def frobenius_squared(self, a: Box) -> Box:
        """Return nothing that a gradient needs: the loss itself is not asked for."""
        return Box(np.zeros((1, 1)), np.full((1, 1), np.inf))


class HessianBoxes:
    """The Hessian of a linear network on boxes of weights.

    Parameters
    ----------
    problem : Problem
    tangents : callable
        Makes arithmetic of pairs (value, tangent) of an arithmetic.
    pair : callable
        Makes such a pair.
    base : Ball
    """

    def __init__(self, problem: Problem, tangents: Any, pair: Any, base: Any) -> None:
        self._shapes, self._pair = problem.network.shapes, pair
        self._network = Linear(problem, tangents(Boxes(base)), ())

    def __call__(self, balls: tuple[Any, ...]) -> Box:
        """Return the Hessian, rows and columns in the order of the weights."""
        values = [enclosing_box(ball) for ball in balls]
        with np.errstate(over="ignore", invalid="ignore"):
            bands = [self._band(values, layer) for layer in range(len(values))]
        return Box(*(np.concatenate([getattr(b, part) for b in bands]) for part in ("middle", "radius")))

    def _band(self, values: list[Box], layer: int) -> Box:
        """Return the rows of one layer's directions."""
        rows, columns = self._shapes[layer]
        count = rows * columns
        directions = np.eye(count).reshape(count, rows, columns)
        moved = Box(directions, np.zeros_like(directions))
        pairs = [self._pair(value, moved if i == layer else None) for i, value in enumerate(values)]
        slopes = [gradient.slope for gradient in self._network.loss_and_gradients(tuple(pairs))[1]]
        return Box(*(np.concatenate([self._flat(s, part, count, i) for i, s in enumerate(slopes)], axis=1)
                     for part in ("middle", "radius")))  # fmt: skip

    def _flat(self, slope: Box | None, part: str, count: int, layer: int) -> np.ndarray:
        rows, columns = self._shapes[layer]
        if slope is None:
            return np.zeros((count, rows * columns))
        values = np.broadcast_to(getattr(slope, part), (count, rows, columns))
        return values.reshape(count, rows * columns)
