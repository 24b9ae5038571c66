"""Cycles of period two of descent on equal numbers, by the ratio z of their two points.

With rho_2 = z rho_1 and u = rho_1^L / s the two equations of the cycle give u = (1 + z^(L-1)) / (1 + z^(2L-1)),
eta L s^(2 - 2/L) = L (z - 1) u^(2/L) / (u (1 - u)), and rational derivatives at both points. z > 1 is the larger over
the smaller; z = 1 is the first doubling.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real, Reals
from workbench.errors import InputError
from workbench.exact import Measured

# The largest ratio of the points where either constant lies: 1.618 at two layers, less beyond.
_LARGEST = Fraction(2)


def small_power(depth: int, z: Fraction) -> Fraction:
    """Return u = rho_1^L / s."""
    return (1 + z ** (depth - 1)) / (1 + z ** (2 * depth - 1))


def multiplier(depth: int, z: Fraction) -> Fraction:
    """Return the derivative of two steps along the cycle, f'(rho_1) f'(rho_2)."""
    u = small_power(depth, z)
    pull = (z - 1) / (1 - u)
    low = 1 - pull * ((2 * depth - 1) * u - (depth - 1))
    high = 1 - pull * z ** (depth - 2) * ((2 * depth - 1) * z**depth * u - (depth - 1))
    return low * high


def scaled_step(reals: Reals, depth: int, z: Measured) -> Real:
    """Return eta L s^(2 - 2/L) of the cycle with a ratio known within an error, an enclosure."""
    ratio = reals.number(z)
    u = (1 + ratio ** (depth - 1)) / (1 + ratio ** (2 * depth - 1))
    return depth * (ratio - 1) * reals.power(u, Fraction(2, depth)) / (u * (1 - u))


def ratio_with(depth: int, value: Fraction, bits: int) -> Measured:
    """Return the ratio z at which the multiplier, 1 at z = 1 and falling, first takes a value."""
    lower, upper = _bracket(depth, value)
    for _ in range(bits):
        middle = (lower + upper) / 2
        if multiplier(depth, middle) > value:
            lower = middle
        else:
            upper = middle
    return Measured.between(lower, upper)


def _bracket(depth: int, value: Fraction) -> tuple[Fraction, Fraction]:
    """Return two ratios around a crossing: the first that steps of 1/(8 L) see."""
    lower, width = Fraction(1), Fraction(1, 8 * depth)
    while lower < _LARGEST:
        upper = lower + width
        if multiplier(depth, upper) <= value:
            return lower, upper
        lower = upper
    raise InputError(f"no cycle of {depth} layers has the multiplier {value} with a ratio below {_LARGEST}")


def doubling(reals: Reals, depth: int, value: int, bits: int = 128) -> Real:
    """Return eta L s^(2 - 2/L) where the multiplier is 0 (superstable) or -1 (the second doubling)."""
    return scaled_step(reals, depth, ratio_with(depth, Fraction(value), bits))


def ratio_of_step(depth: int, power: Fraction, bits: int = 128) -> Measured | None:
    """Return the ratio of a cycle of a step size, by (eta L)^L s^(2L-2), above 2^L; None where it is beyond 2."""
    lower, upper = Fraction(1), _LARGEST
    if _step_power(depth, upper) < power:
        return None
    for _ in range(bits):
        middle = (lower + upper) / 2
        if _step_power(depth, middle) < power:
            lower = middle
        else:
            upper = middle
    return Measured.between(lower, upper)


def _step_power(depth: int, z: Fraction) -> Fraction:
    """Return the L-th power of `scaled_step`, which is rational."""
    u = small_power(depth, z)
    return (depth * (z - 1)) ** depth * u**2 / (u * (1 - u)) ** depth


def enclosed_multiplier(reals: Reals, depth: int, z: Measured) -> Real:
    """Return `multiplier` of a ratio known within an error."""
    ratio = reals.number(z)
    u = (1 + ratio ** (depth - 1)) / (1 + ratio ** (2 * depth - 1))
    pull = (ratio - 1) / (1 - u)
    low = 1 - pull * ((2 * depth - 1) * u - (depth - 1))
    high = 1 - pull * ratio ** (depth - 2) * ((2 * depth - 1) * ratio**depth * u - (depth - 1))
    return low * high
