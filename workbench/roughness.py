"""How rough a path in depth is, from its points in double precision: variation of any order, Hoelder exponent.

A path is an array of shape (L, m): the rescaled weights B_k = delta_k L A_k, flattened. These figures are estimates
for networks too deep or too many for balls; the observables `p_variation` and `hoelder_exponent` enclose the same
quantities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError

# The fewest points that have three lags, and blocks to leave out.
LEAST_POINTS = 64

_BLOCKS = 16
# The largest lag is this share of the points, so that each block of base points sees increments of its own.
_SHARE = 16
# 97.5 per cent point of Student's distribution with 15 degrees of freedom, rounded up.
_QUANTILE = 2.132


@dataclass(frozen=True)
class Exponent:
    """A fitted exponent with a confidence band of 95 per cent.

    Parameters
    ----------
    value, low, high : float
    lags : tuple of int
        The lags that it was fitted over, in layers.
    """

    value: float
    low: float
    high: float
    lags: tuple[int, ...]


def p_variation(path: np.ndarray, order: float) -> float:
    """Return sup over partitions of (sum ||B_{i_{j+1}} - B_{i_j}||^p)^(1/p), exactly, in O(L^2) distances.

    Raises
    ------
    InputError
        If the order is below one, where the supremum of a path with many points says nothing of it.
    """
    if not order >= 1:
        raise InputError(f"the order of the variation is {order}; give a number that is at least 1")
    points = _points(path)
    # The best chain to k ends with a step from some j < k after the best chain to j.
    best = np.zeros(len(points))
    for k in range(1, len(points)):
        steps = np.linalg.norm(points[:k] - points[k], axis=1)
        best[k] = (best[:k] + steps**order).max()
    return float(best[-1] ** (1 / order))


def structure_function(path: np.ndarray, lags: tuple[int, ...]) -> list[float]:
    """Return (mean_k ||B_{k+l} - B_k||^2)^(1/2) for each lag l."""
    return [float(np.sqrt(_squares(_points(path), lag).mean())) for lag in lags]


def hoelder_exponent(path: np.ndarray) -> Exponent | None:
    """Return the slope of the structure function in the lag, both logarithmic: 1/2 for Brownian motion, 1 if Lipschitz.

    The lags are 1, 2, 4, ... up to a sixteenth of the points. The band is a jackknife's: the slope is fitted again with
    each sixteenth of the base points left out, since increments that overlap are not independent and a regression's own
    band would be far too narrow. None for a path of fewer than 64 points, or one that stands still.
    """
    points = _points(path)
    if len(points) < LEAST_POINTS:
        return None
    lags = dyadic_lags(len(points))
    squares = [_squares(points, lag) for lag in lags]
    if any(not square.sum() > 0 for square in squares):
        return None
    whole = _slope(lags, [square.mean() for square in squares])
    left_out = [_slope(lags, [_without(square, block) for square in squares]) for block in range(_BLOCKS)]
    spread = np.sqrt((_BLOCKS - 1) / _BLOCKS * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())
    return Exponent(whole, whole - _QUANTILE * float(spread), whole + _QUANTILE * float(spread), lags)


def dyadic_lags(count: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... up to a sixteenth of the number of points."""
    return tuple(2**j for j in range(1 + int(math.log2(max(count // _SHARE, 1)))))


def quadratic_variation(path: np.ndarray, strides: tuple[int, ...]) -> list[float]:
    """Return the sum of the squared increments over every s-th point, for each stride s.

    Stable under refinement it speaks for a Brownian part; a Lipschitz path has one that halves with the stride, and
    independent points one that doubles.
    """
    points = _points(path)
    return [float((np.diff(points[::stride], axis=0) ** 2).sum()) for stride in strides]


def distance_between(coarse: np.ndarray, fine: np.ndarray) -> float:
    """Return sup_s ||B_coarse(s) - B_fine(s)|| of two depths, each path constant on its blocks [k/L, (k+1)/L).

    Where successive depths approach each other, the rescaled weights have a limit.
    """
    one, other = _points(coarse), _points(fine)
    if one.shape[1] != other.shape[1]:
        raise InputError(f"the paths have {one.shape[1]} and {other.shape[1]} entries; give weights of one width")
    # Each block of one meets a block of the other where either begins.
    starts = np.unique(np.concatenate([np.arange(len(x)) * _common(one, other) // len(x) for x in (one, other)]))
    places = [starts * len(x) // _common(one, other) for x in (one, other)]
    return float(np.linalg.norm(one[places[0]] - other[places[1]], axis=1).max())


def _common(one: np.ndarray, other: np.ndarray) -> int:
    return math.lcm(len(one), len(other))


def _points(path: np.ndarray) -> np.ndarray:
    """Return a path as points of floats."""
    points = np.asarray(path, dtype=float)
    if points.ndim < 2 or len(points) == 0:
        raise InputError(f"a path has the shape {points.shape}; give one row of entries for each layer")
    return points.reshape(len(points), -1)


def _squares(points: np.ndarray, lag: int) -> np.ndarray:
    return np.asarray(((points[lag:] - points[:-lag]) ** 2).sum(axis=1))


def _without(squares: np.ndarray, block: int) -> float:
    """Return the mean with one block of base points left out."""
    edges = np.linspace(0, len(squares), _BLOCKS + 1).astype(int)
    kept = np.concatenate([squares[: edges[block]], squares[edges[block + 1] :]])
    return float(kept.mean())


def _slope(lags: tuple[int, ...], squares: list[float]) -> float:
    """Return half the slope of the squares' logarithms."""
    x = np.log(np.array(lags, dtype=float))
    y = np.log(np.maximum(np.array(squares), np.finfo(float).tiny)) / 2
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))
