"""The recursion of modes, compiled for SIMD lanes: a block's modes stay in cache over many steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit, prange

_ROUNDOFF = 2.0**-53


# What first order in the error of a mode leaves out, and the rounding of the bound.
_INFLATE = 1 + 1e-6


@njit(cache=True)
def _error(x, off, aim, lane, lanes, size, depth):  # type: ignore[no-untyped-def]
    """Return the error of one member's loss, its summation aside: `_loss_of` of `workbench.ensembles.modes`."""
    bound = 0.0
    for i in range(size):
        at = i * lanes + lane
        power = x[at] ** (depth - 1)
        wide = depth * power * off[at] * _INFLATE
        wide += _ROUNDOFF * ((depth + 1) * power * x[at] + aim[at])
        bound += abs(power * x[at] - aim[at]) * wide + wide * wide
    return bound


@njit(cache=True)
def _at_rest(x, aim, first, lanes, depth, most):  # type: ignore[no-untyped-def]
    """Say whether one mode's residual is small in every lane."""
    for at in range(first, first + lanes):
        residual = x[at] ** depth - aim[at]
        if residual * residual > most:
            return False
    return True


@cache
def kernel(depth: int) -> Callable[..., None]:
    """Return the compiled recursion of one depth.

    Returns
    -------
    callable
        `advance(mode, error, goal, rounding, eta, reached, reached_loss, reached_error, active, level, frozen, first,
        last)`, in place: arrays of modes of shape (blocks, d, V), of members (blocks, V); `active` is the first mode of
        each block that still moves, `frozen` the loss that the others may hold together.
    """
    exponent = depth - 1
    bits = exponent.bit_length()
    whole, one_less = float(depth), float(depth - 1)

    @njit(parallel=True, fastmath={"contract"}, cache=True)
    def advance(  # type: ignore[no-untyped-def]
        mode, error, goal, rounding, eta, reached, reached_loss, reached_error, active, level, frozen, first, last
    ):
        size, lanes = mode.shape[1], mode.shape[2]
        for block in prange(mode.shape[0]):
            x, off, aim = mode[block].ravel(), error[block].ravel(), goal[block].ravel()
            noise, rate = rounding[block].ravel(), eta[block]
            # The step before is kept: its error is wanted where a member reaches the level.
            ahead, ahead_off = x.copy(), off.copy()
            front = active[block]
            total = np.empty(lanes)
            for step in range(first, last):
                total[:] = 0.0
                for i in range(front, size):
                    base = i * lanes
                    for lane in range(lanes):
                        at = base + lane
                        y = x[at]
                        power = 1.0
                        # Unrolled: the exponent is a constant of the compiler.
                        for bit in range(bits):
                            if (exponent >> bit) & 1:
                                power *= y
                            y *= y
                        residual = power * x[at] - aim[at]
                        pull = rate[lane] * power
                        total[lane] += residual * residual
                        slope = 1.0 - pull * (whole * power + one_less * residual)
                        ahead_off[at] = slope * off[at] + noise[at]
                        ahead[at] = x[at] - pull * residual
                for lane in range(lanes):
                    if 0.5 * total[lane] <= level and reached[block, lane] < 0:
                        reached[block, lane] = step
                        reached_loss[block, lane] = 0.5 * total[lane]
                        reached_error[block, lane] = _error(x, off, aim, lane, lanes, size, depth) + (
                            (size + 4) * _ROUNDOFF * reached_loss[block, lane] + frozen
                        )
                x, ahead = ahead, x
                off, ahead_off = ahead_off, off
                if step % 8 == 7 and front < size - 1 and _at_rest(x, aim, front * lanes, lanes, depth, frozen / size):
                    for at in range(front * lanes, (front + 1) * lanes):
                        ahead[at], ahead_off[at] = x[at], off[at]
                    front += 1
            active[block] = front
            mode[block] = x.reshape(size, lanes)
            error[block] = off.reshape(size, lanes)

    return advance  # type: ignore[no-any-return]
