"""Gradient descent on blocks of small networks, compiled for SIMD lanes.

One network a lane: entry (i, j) of a layer is a vector over the networks of a block, and a block's layers stay in
cache over many steps. All arrays of a block are one flat array at offsets that the compiler knows, since LLVM gives up
on vectors where it must ask at run time whether two arrays overlap. Entries are computed in 2 x 2 tiles, which halves
the loads of a product. The helpers take sizes as arguments that are constants once they are inlined: a closure over
other compiled functions would never be found in the cache on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit, prange


@njit(forceinline=True, fastmath={"contract"})
def _product(m, c, a, b, d, v, a_row, a_step, b_column, b_step, subtract):  # type: ignore[no-untyped-def]
    """Set C = A B, or C -= A B, for the strides of A and B along their outer and their summed index."""
    row = d * v
    for i in range(0, d, 2):
        for j in range(0, d, 2):
            for lane in range(v):
                left, right = a + i * a_row + lane, b + j * b_column + lane
                x00 = m[left] * m[right]
                x01 = m[left] * m[right + b_column]
                x10 = m[left + a_row] * m[right]
                x11 = m[left + a_row] * m[right + b_column]
                for k in range(1, d):
                    a0, a1 = m[left + k * a_step], m[left + a_row + k * a_step]
                    b0, b1 = m[right + k * b_step], m[right + b_column + k * b_step]
                    x00 += a0 * b0
                    x01 += a0 * b1
                    x10 += a1 * b0
                    x11 += a1 * b1
                at = c + i * row + j * v + lane
                if subtract:
                    m[at] -= x00
                    m[at + v] -= x01
                    m[at + row] -= x10
                    m[at + row + v] -= x11
                else:
                    m[at] = x00
                    m[at + v] = x01
                    m[at + row] = x10
                    m[at + row + v] = x11


@cache
def kernel(width: int, depth: int, lanes: int) -> Callable[..., None]:
    """Return the compiled descent of square layers of one even width.

    Parameters
    ----------
    width, depth : int
        d, even, and L.
    lanes : int
        Networks of a block, V.

    Returns
    -------
    callable
        `descend(layers, targets, rates, states, ended_at, scale, level, largest, first, count)`, in place: layers of
        shape (blocks, L d d V), targets (blocks, d d V), rates, states and ended_at (blocks, V). No steps judge only.
    """
    d, top, v = width, depth - 1, lanes
    row, area = d * v, d * d * v
    prefix, suffix = depth * area, 2 * depth * area
    # The residual is the suffix of the last layer.
    residual, goal = suffix + top * area, 3 * depth * area
    total = goal + area

    @njit(parallel=True, fastmath={"contract"}, cache=True)
    def descend(layers, targets, rates, states, ended_at, scale, level, largest, first, count):  # type: ignore[no-untyped-def]
        for block in prange(layers.shape[0]):
            m = np.empty(total, layers.dtype)
            m[:prefix] = layers[block]
            m[goal:] = targets[block]
            loss = np.empty(v, layers.dtype)
            rate = rates[block].copy()
            for step in range(first, first + max(count, 1)):
                for q in range(area):
                    m[prefix + q] = m[q]
                for layer in range(1, depth):
                    below = prefix + (layer - 1) * area
                    _product(m, below + area, layer * area, below, d, v, row, v, v, row, False)
                loss[:] = 0
                for q in range(d * d):
                    for lane in range(v):
                        at = residual + q * v + lane
                        m[at] = m[at - depth * area] - m[goal + q * v + lane]
                        loss[lane] += m[at] * m[at]
                for lane in range(v):
                    value = scale / 2 * loss[lane]
                    if states[block, lane] == 0 and not (level < value <= largest):
                        states[block, lane] = 1 if value <= level else 3
                        ended_at[block, lane] = step
                        rate[lane] = 0
                if count == 0:
                    break
                for q in range(d * d):
                    for lane in range(v):
                        m[residual + q * v + lane] *= scale * rate[lane]
                for turn in range(top):
                    layer = (top - turn) * area
                    ahead, below = suffix + layer, prefix + layer - area
                    _product(m, ahead - area, layer, ahead, d, v, v, row, v, row, False)
                    _product(m, layer, ahead, below, d, v, row, v, row, v, True)
                for q in range(area):
                    m[q] -= m[suffix + q]
            layers[block] = m[:prefix]
            rates[block] = rate

    return descend  # type: ignore[no-any-return]
