"""What a trained member looks like in depth: sizes, increments, roughness, in double precision.

The points of the path are B_k = L delta_k A_k, the rescaled weights (L^beta A_k where delta_k = L^-alpha, alpha + beta
= 1). Figures of A_k alone and of delta_k A_k stand beside: a trained scale shares a network's size with its weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# The 2-variation takes L^2 / 2 distances of d x d matrices.
DEEPEST = 4096

# Places of depth at which a member's rescaled weights are kept where they are asked for.
PLACES = 5


def statistics(branches: np.ndarray, scales: np.ndarray) -> dict[str, Any]:
    """Return the figures of one member.

    Parameters
    ----------
    branches : numpy.ndarray, shape (L, d, d)
    scales : numpy.ndarray, shape (L,)
        delta_k.

    Returns
    -------
    dict
        `branch_norm` max ||A_k||_F; `scale_norm` max |delta_k|; `effective_norm` max |delta_k| ||A_k||_F;
        `increment` max ||A_{k+1} - A_k||_F; `rescaled_increment` max ||B_{k+1} - B_k||_F; `root_sum_of_squares`
        (sum ||A_k||_F^2)^(1/2); `effective_root_sum_of_squares` that of |delta_k| A_k;
        `increment_root_sum_of_squares` (sum ||B_{k+1} - B_k||_F^2)^(1/2); `two_variation` of the B_k over all
        partitions, None beyond the depth 4096; `quadratic_variation` sum ||B_{k+s} - B_k||_F^2 over multiples of the
        stride s = 1, 2, 4, ...: stable under refinement, it speaks for a Brownian part.
    """
    depth = len(branches)
    flat = branches.reshape(depth, -1)
    effective = np.abs(scales)[:, None] * flat
    path = depth * scales[:, None] * flat
    sizes, steps = np.linalg.norm(flat, axis=1), np.diff(path, axis=0)
    return {
        "branch_norm": float(sizes.max()),
        "scale_norm": float(np.abs(scales).max()),
        "effective_norm": float(np.linalg.norm(effective, axis=1).max()),
        "increment": _largest(np.diff(flat, axis=0)),
        "rescaled_increment": _largest(steps),
        "root_sum_of_squares": float(np.linalg.norm(flat)),
        "effective_root_sum_of_squares": float(np.linalg.norm(effective)),
        "increment_root_sum_of_squares": float(np.linalg.norm(steps)),
        "two_variation": two_variation(path) if depth <= DEEPEST else None,
        "quadratic_variation": quadratic_variation(path),
    }


def _largest(rows: np.ndarray) -> float:
    return float(np.linalg.norm(rows, axis=1).max(initial=0.0))


def quadratic_variation(path: np.ndarray) -> list[float]:
    """Return the sum of the squared increments over every s-th point, s = 1, 2, 4, ... below the number of points."""
    strides = [2**j for j in range(max(1, math.ceil(math.log2(len(path)))))]
    return [float((np.diff(path[::stride], axis=0) ** 2).sum()) for stride in strides]


def two_variation(path: np.ndarray) -> float:
    """Return sup over partitions of (sum ||B_{i_{j+1}} - B_{i_j}||_F^2)^(1/2), by dynamic programming."""
    # The best chain to k ends with a step from some j < k after the best chain to j.
    best = np.zeros(len(path))
    for k in range(1, len(path)):
        best[k] = (best[:k] + ((path[:k] - path[k]) ** 2).sum(axis=1)).max()
    return math.sqrt(best[-1])


def profile(branches: np.ndarray, scales: np.ndarray) -> list[list[float]]:
    """Return the rescaled weights at five places s = 0, 1/4, ..., 1 of depth, between neighbours in proportion."""
    depth = len(branches)
    path = depth * scales[:, None] * branches.reshape(depth, -1)
    # A_k belongs to the middle of its block, (k + 1/2) / L; the ends go on as constants.
    middles, places = (np.arange(depth) + 0.5) / depth, np.linspace(0, 1, PLACES)
    return [[float(np.interp(s, middles, column)) for column in path.T] for s in places]
