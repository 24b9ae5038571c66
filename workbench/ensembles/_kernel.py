"""Descent, heavy ball and the flow on blocks of small networks, compiled for SIMD lanes.

One network a lane; what a block needs lies in one flat array, which a thread keeps in its cache over many steps.
The two kernels are closures over numbers only: one over other compiled functions is never found in the cache on disk.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from numba import njit
from numba.extending import register_jitable

from workbench.ensembles import _tiles
from workbench.ensembles._tiles import backward, forward, residual, within

# The cache on disk knows a kernel by this file and by the numbers it closes over: one of them stands for the tiles.
_TILES = 1 + zlib.crc32(Path(_tiles.__file__).read_bytes())

# Arrays of the size of all layers that a kernel keeps beside them: the velocities and a copy to tell a stall by;
# the midpoint rule's origin, two states, slope and sum.
_DESCENT_ARRAYS, _FLOW_ARRAYS = 2, 5


def workspace(width: int, depth: int, lanes: int, flow: bool) -> int:
    """Return the entries of the flat array that a thread works in."""
    matrices = (2 + (_FLOW_ARRAYS if flow else _DESCENT_ARRAYS)) * depth + 3
    return matrices * width * width * lanes + 3 * lanes


@register_jitable
def _end(m, norms, scale, level, largest, state, ended_at, rate, step):  # type: ignore[no-untyped-def]
    """End the running lanes of a block that have converged or diverged."""
    for lane in range(len(state)):
        loss = scale / 2 * m[norms + lane]
        if state[lane] == 0 and not (level < loss <= largest):
            state[lane] = 1 if loss <= level else 3
            ended_at[lane], rate[lane] = step, 0


@register_jitable
def _stall(m, before, size, state, ended_at, rate, step):  # type: ignore[no-untyped-def]
    """End the running lanes of a block whose layers are those of one step before, bit for bit."""
    lanes = len(state)
    for lane in range(lanes):
        still = state[lane] == 0
        for q in range(lane, size, lanes):
            still &= m[q] == m[before + q]
        if still:
            state[lane], ended_at[lane], rate[lane] = 2, step, 0


@cache
def descent(width: int, depth: int, lanes: int, parts: int, tile: int, momentum: bool) -> Callable[..., None]:
    """Return the compiled descent of square layers.

    Parameters
    ----------
    width, depth : int
        d and L.
    lanes : int
        Networks of a block, V.
    parts : int
        SIMD registers that V entries take.
    tile : int
        100 rows + columns of a tile, both divisors of the width.
    momentum : bool

    Returns
    -------
    callable
        `descend(layers, velocities, targets, rates, states, ended_at, m, settings, first, count, begin, end, look)`,
        in place, for the blocks begin ... end - 1: layers and velocities of shape (blocks, L d d V), targets
        (blocks, d d V), rates, states and ended_at (blocks, V), a workspace, and settings (momentum, 2c, level, largest
        loss). No steps judge only; `look` ends the lanes that the last step did not move.
    """
    d, top, v, area = width, depth - 1, lanes, width * width * lanes
    size = depth * area
    prefix, suffix, goal, norms = size, 2 * size, 2 * size + 2 * area, 2 * size + 3 * area
    factor, speed, before = norms + v, norms + 3 * v, norms + 3 * v + size
    # The first prefix is the first layer itself.
    source, product, last_suffix = _TILES, prefix + (top - 1) * area if top else 0, suffix + (top % 2) * area
    moved = speed if momentum else 0

    @njit(nogil=True, fastmath={"contract"}, cache=True)
    def descend(layers, velocities, targets, rates, states, ended_at, m, settings, first, count, begin, end, look):  # type: ignore[no-untyped-def]
        beta, scale, level, largest = settings[0], settings[1], settings[2], settings[3]
        for block in range(begin, end if source else begin):
            rate, state = rates[block], states[block]
            m[:size] = layers[block]
            m[goal:norms] = targets[block]
            if momentum:
                m[speed:before] = velocities[block]
            for lane in range(v):
                m[factor + lane] = -scale * rate[lane]
            for step in range(first, first + max(count, 1)):
                forward(m, 0, prefix, depth, d, v, parts, tile)
                residual(m, last_suffix, product, goal, norms, factor, d, v, parts, tile)
                if not within(m, norms, scale / 2, level, largest, v, parts):
                    _end(m, norms, scale, level, largest, state, ended_at[block], rate, step)
                    for lane in range(v):
                        if state[lane]:
                            m[factor + lane] = 0
                            m[last_suffix + lane : last_suffix + area : v] = 0
                            if momentum:
                                m[speed + lane : before : v] = 0
                if count == 0:
                    break
                last = look and step == first + count - 1
                if last:
                    m[before : before + size] = m[:size]
                if momentum:
                    for q in range(size):
                        m[speed + q] *= beta
                backward(m, 0, prefix, suffix, moved, depth, d, v, parts, tile)
                if momentum:
                    for q in range(size):
                        m[q] += m[speed + q]
                if last:
                    _stall(m, before, size, state, ended_at[block], rate, step)
                    for lane in range(v):
                        if momentum and state[lane]:
                            m[speed + lane : before : v] = 0
            layers[block] = m[:size]
            if momentum:
                velocities[block] = m[speed:before]

    return descend  # type: ignore[no-any-return]


@cache
def flow(width: int, depth: int, lanes: int, parts: int, tile: int, columns: int) -> Callable[..., None]:
    """Return the compiled flow of square layers by extrapolated midpoint rules.

    Parameters
    ----------
    width, depth, lanes, parts, tile : int
        As for `descent`.
    columns : int
        Midpoint rules of 2, 4, ... substeps; their weights are the settings from the fifth on.

    Returns
    -------
    callable
        `descend(...)` as that of `descent`; the velocities are not used.
    """
    d, top, v, area = width, depth - 1, lanes, width * width * lanes
    size = depth * area
    prefix, suffix, goal, norms = size, 2 * size, 2 * size + 2 * area, 2 * size + 3 * area
    factor, share, origin = norms + v, norms + 2 * v, norms + 3 * v
    slope, total, one, other = origin + size, origin + 2 * size, origin + 3 * size, origin + 4 * size
    source, product, last_suffix = _TILES, prefix + (top - 1) * area if top else 0, suffix + (top % 2) * area

    @njit(nogil=True, fastmath={"contract"}, cache=True)
    def descend(layers, velocities, targets, rates, states, ended_at, m, settings, first, count, begin, end, look):  # type: ignore[no-untyped-def]
        scale, level, largest = settings[1], settings[2], settings[3]
        for block in range(begin, end if source else begin):
            rate, state = rates[block], states[block]
            m[:size] = layers[block]
            m[goal:norms] = targets[block]
            for lane in range(v):
                m[factor + lane] = -scale * rate[lane]
            for step in range(first, first + max(count, 1)):
                forward(m, 0, prefix, depth, d, v, parts, tile)
                residual(m, last_suffix, product, goal, norms, factor, d, v, parts, tile)
                if not within(m, norms, scale / 2, level, largest, v, parts):
                    _end(m, norms, scale, level, largest, state, ended_at[block], rate, step)
                    for lane in range(v):
                        if state[lane]:
                            m[factor + lane] = 0
                            m[last_suffix + lane : last_suffix + area : v] = 0
                if count == 0:
                    break
                for q in range(size):
                    m[origin + q] = m[q]
                    m[slope + q] = 0
                    m[total + q] = 0
                backward(m, 0, prefix, suffix, slope, depth, d, v, parts, tile)
                for column in range(columns):
                    substeps = 2 * column + 2
                    before, now = one, other
                    for q in range(size):
                        m[one + q] = 0
                        m[other + q] = m[slope + q] / substeps
                    for lane in range(v):
                        m[share + lane] = m[factor + lane] * 2 / substeps
                    for _ in range(substeps - 1):
                        for q in range(size):
                            m[q] = m[origin + q] + m[now + q]
                        forward(m, 0, prefix, depth, d, v, parts, tile)
                        residual(m, last_suffix, product, goal, norms, share, d, v, parts, tile)
                        backward(m, 0, prefix, suffix, before, depth, d, v, parts, tile)
                        before, now = now, before
                    for q in range(size):
                        m[total + q] += settings[4 + column] * m[now + q]
                for q in range(size):
                    m[q] = m[origin + q] + m[total + q]
                if look and step == first + count - 1:
                    _stall(m, origin, size, state, ended_at[block], rate, step)
            layers[block] = m[:size]

    return descend  # type: ignore[no-any-return]
