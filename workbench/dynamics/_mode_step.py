r"""One mode of descent in fixed point: x <- f(x) = x - h x^(L-1) (x^L - lambda) - k (x - a), h = 2c eta, k = eta kappa.

Lemma (one mode). Let y be an integer times u = 2^-p, |x - y| <= e u, both in I = [z - R, z + R], m = |z| + R. If s
bounds |f'| on I and f~ is f with every product cut downward at u, |f(x) - f~(y)| <= (s e + r) u, where
    |f'| <= |f'(z)| + R h ((2L-1)(2L-2) m^(2L-3) + (L-1)(L-2) |lambda| m^(L-3)),
    r = 1 + [k] + h (2^-g + beta gamma + m^(L-1) (omega + 1 + rho) + beta (omega + 1 + rho) u).
Here beta bounds the error of y^(L-1) and omega that of y^L by the recursion (alpha, m_1), (beta, m_2) -> m_1 beta +
m_2 alpha + alpha beta u + 1 of a product, gamma bounds |x^L - lambda|, and rho u is the radius of lambda.
Proof.
    |f(x) - f(y)| <= s e u by the mean value theorem; f'' is bounded term by term. A product of numbers with errors
    errs by a b' - (a + alpha u)(b' + beta u), and cutting adds less than u. The step cuts the gradient at 2^-g u,
    multiplies by the exact rational h and cuts at u; so does the pull k.

Unlike the bound by norms s falls below one, so that the error stops growing where the mode converges. I reaches some
steps ahead, and no further, since R enters s; it is looked at again after these or when y leaves it, and stays once the
mode has all but stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.dynamics._fixed_point_bounds import GUARD_BITS
from workbench.dynamics._hessian_bound import INFLATE, TINY, float_of

# Steps that an interval reaches ahead, how much it may add to the slope by that, and the least it reaches relative to
# the mode; heuristic.
_AHEAD = 8
_MOST_BEND = 0.02
_LEAST_REACH = 1e-9

# Many roundings of a float, relative to the terms that entered.
_ROUNDINGS = 1e-14
_UP = 1 + 1e-14


@dataclass(frozen=True)
class Recursion:
    """The numbers that all modes share.

    Parameters
    ----------
    depth : int
    bits : int
    pull, spring : Fraction
        h and k.
    anchor : int
        a.
    limit : float
        A mode past this ends the run.
    """

    depth: int
    bits: int
    pull: Fraction
    spring: Fraction
    anchor: int
    limit: float

    @property
    def unit(self) -> float:
        """At least u."""
        return float(max(2.0 ** -min(self.bits, 1000), TINY))


@dataclass
class Mode:
    """A mode and its error: |x - y| <= error u, for the eigenvalue `target` u up to `radius` u."""

    y: Any
    target: Any
    radius: float
    error: float
    still: bool = False
    region: tuple[Any, Any, float, float, float, float, float] = field(
        default=(1, 0, -1.0, math.inf, math.inf, math.inf, math.inf)
    )


@dataclass
class Stretch:
    """What a mode was along some steps: y, its error, (x^L - lambda)^2 in units of u^2, the error of x^L - lambda."""

    places: list[Any] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    squares: list[Any] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)


def advance(mode: Mode, recursion: Recursion, steps: int) -> Stretch:
    """Move a mode, and return what it was before each step; it stops early where it is past the limit."""
    bits, depth = recursion.bits, recursion.depth
    pull, spring, number = recursion.pull, recursion.spring, type(mode.y)
    numerator, denominator = pull.numerator, pull.denominator << GUARD_BITS
    shift, one = bits - GUARD_BITS, number(1 << bits)
    anchor, limit = recursion.anchor * one, number(int(recursion.limit * 2**20) << (bits - 20))
    pattern = [bit == "1" for bit in bin(depth - 1)[3:]]
    y, error, target = mode.y, mode.error, mode.target
    low, high, most, slope, rounding, steep, offset = mode.region
    found = Stretch()
    for step in range(steps):
        if not (low <= y <= high and error <= most) or (step % _AHEAD == 0 and not mode.still):
            mode.y, mode.error = y, error
            mode.region = region(mode, recursion)
            low, high, most, slope, rounding, steep, offset = mode.region
        power = y if depth > 1 else one
        for odd in pattern:
            power = power * power >> bits
            if odd:
                power = power * y >> bits
        gap = (power * y >> bits) - target
        found.places.append(y)
        found.errors.append(error)
        found.squares.append(gap * gap)
        # Powers of one and of zero, and the first of any number, are not cut: then a mode may stay exact.
        exact = error == 0.0 and not mode.radius and (depth == 1 or y == one or y == 0)
        found.gaps.append(0.0 if exact else steep * error + offset)
        if not -limit <= y <= limit:
            break
        whole = (power * gap >> shift) * numerator
        moved = whole // denominator
        exact = exact and moved * denominator == whole
        if spring:
            whole = (y - anchor) * spring.numerator
            pulled = whole // spring.denominator
            moved, exact = moved + pulled, exact and pulled * spring.denominator == whole
        y -= moved
        if exact:
            continue
        error = (slope * error + rounding) * _UP
    mode.y, mode.error = y, error
    return found


def region(mode: Mode, recursion: Recursion) -> tuple[Any, Any, float, float, float, float, float]:
    """Return an interval around a mode and what holds on it.

    Returns
    -------
    tuple
        The ends within which y may move and the error it may have, s, r, a bound of L x^(L-1), and the error of
        y^L - lambda apart from that of y.
    """
    bits, depth, unit = recursion.bits, recursion.depth, recursion.unit
    z, value = _float(mode.y, bits), _float(mode.target, bits)
    h, k = float_of(recursion.pull) * INFLATE + TINY, float_of(recursion.spring) * INFLATE
    if mode.error != mode.error:
        mode.error = math.inf
    error = mode.error * unit
    step = h * abs(_power(z, depth - 1)) * abs(_power(z, depth) - value) + k * abs(z - recursion.anchor)
    least = _LEAST_REACH * max(abs(z), 1e-3) + 4 * error
    mode.still = _AHEAD * step <= least
    bend = h * _bend(depth, abs(z), abs(value))
    reach = min(_AHEAD * step, _MOST_BEND / bend if bend else math.inf) + least
    m = (abs(z) + reach) * INFLATE
    lam = (abs(value) + mode.radius * unit) * INFLATE + TINY
    if not math.isfinite(m) or not m <= recursion.limit * 4:
        return mode.y, mode.y, math.inf, math.inf, math.inf, math.inf, math.inf
    # |f'(z)|, from the terms whose roundings count.
    terms = h * _term(2 * depth - 1, z, 2 * depth - 2), h * _term((depth - 1) * value, z, depth - 2)
    sizes = 1 + abs(terms[0]) + abs(terms[1]) + k
    # INFLATE in h is a relative error of the terms as well; so is the radius of the eigenvalue.
    uncertain = (INFLATE - 1) * 2 * sizes + h * _term((depth - 1) * mode.radius * unit, m, depth - 2)
    # The float z lies beside y by less than a millionth of the reach.
    slope = (
        abs(1 - terms[0] + terms[1] - k)
        + _ROUNDINGS * sizes
        + uncertain
        + reach * h * _bend(depth, m, lam) * (1 + 1e-6)
    )
    beta = _power_error(m, depth - 1, unit)
    omega = (m * beta + 1) * INFLATE if depth > 1 else 0.0
    gap = omega + 1 + mode.radius
    gamma = _power(m, depth) + lam
    rounding = 1 + bool(k) + h * (2.0**-GUARD_BITS + beta * gamma + _power(m, depth - 1) * gap + beta * gap * unit)
    ends = [mode.y - _integer(reach / 2, mode.y, bits), mode.y + _integer(reach / 2, mode.y, bits)]
    steep = depth * _power(m, depth - 1) * INFLATE
    most = reach / 2 / unit / INFLATE
    return ends[0], ends[1], most, slope * INFLATE, rounding * INFLATE, steep, gap * INFLATE


def _bend(depth: int, m: float, lam: float) -> float:
    """Return a bound of |f''| / h for |x| <= m."""
    first = _term((2 * depth - 1) * (2 * depth - 2), m, 2 * depth - 3)
    return first + _term((depth - 1) * (depth - 2) * lam, m, depth - 3)


def _power_error(m: float, exponent: int, unit: float) -> float:
    """Return the error of a power by squarings of a number of size at most m, every product cut at the unit."""
    if exponent == 0:
        return 0.0
    error, size = 0.0, m
    for bit in bin(exponent)[3:]:
        error, size = 2 * size * error + error * error * unit + 1, size * size
        if bit == "1":
            error, size = m * error + 1, size * m
    return error * INFLATE


def _term(coefficient: float, base: float, exponent: int) -> float:
    """Return a term of a polynomial; one that is absent may have a negative exponent."""
    return coefficient * _power(base, exponent) if coefficient else 0.0


def _power(base: float, exponent: int) -> float:
    """Return a power, infinite past the floats."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _float(value: Any, bits: int) -> float:
    """Return an integer times 2^-bits to within a few roundings."""
    shift = max(int(abs(value)).bit_length() - 60, 0)
    return math.ldexp(int(value >> shift), shift - bits) if shift - bits < 900 else math.inf


def _integer(value: float, like: Any, bits: int) -> Any:
    """Return a float in units, cut."""
    mantissa, exponent = math.frexp(value)
    whole, scale = int(mantissa * 2**53), exponent - 53 + bits
    return type(like)(whole << scale if scale >= 0 else whole >> -scale)
