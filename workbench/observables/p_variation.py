r"""p-variation of the rescaled weights in depth, sup over partitions of (sum ||B_{i_{j+1}} - B_{i_j}||_F^p)^(1/p).

p is at least 1, B_k = delta L A_k, and `p_variation:3/2` names the order; alone it is the total variation, p = 1. Up
to 512 layers the supremum is found by dynamic programming, for the lower ends of the distances and for the upper
ends: the true one lies between, since it grows with each distance. Beyond, it is enclosed by bounds: from below by
the same over every s-th layer, from above by (w^(p-1) V_1)^(1/p), since a sum of p-th powers of steps is at most the
largest step, to the power p - 1, times the total variation V_1; w is at most twice the largest distance from the
first layer. It is zero for depth 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from workbench.backends import Array
from workbench.errors import InputError
from workbench.exact import UNKNOWN, Measured, rational
from workbench.observables._depth import heaviest_chain, rescaled, squared_distance, total
from workbench.observables._snapshot import Snapshot

# The distances are L^2 / 2 matrices.
_DEEPEST = 512

TOTAL_VARIATION = Fraction(1)


def order(text: str) -> Fraction:
    """Return the order that the name of the observable carries.

    Raises
    ------
    InputError
        If it is below one: a path that moves on would have no finite one.
    """
    found = rational(text, "the order of the variation")
    if found < 1:
        raise InputError(f"the order of the variation is {text}; give a rational that is at least 1")
    return found


def measure(snapshot: Snapshot, power: Fraction = TOTAL_VARIATION) -> Measured:
    """Return the variation of an order."""
    points = rescaled(snapshot)
    if len(points) <= _DEEPEST:
        return _rooted(snapshot, _chains(snapshot, points, power), power)
    stride = -(-(len(points) - 1) // (_DEEPEST - 1))
    kept = [*points[:-1:stride], points[-1]]
    below, above = _chains(snapshot, kept, power), _from_above(snapshot, points, power)
    if below is None or above is None:
        return UNKNOWN
    return _rooted(snapshot, (below[0], above), power)


def _chains(snapshot: Snapshot, points: Sequence[Array], power: Fraction) -> tuple[Fraction, Fraction] | None:
    """Return bounds of the largest sum over the partitions."""
    rows = [[_weight(snapshot, points[j], points[k], power) for j in range(k)] for k in range(len(points))]
    known = [[end for end in row if end is not None] for row in rows]
    if any(len(a) < len(b) for a, b in zip(known, rows, strict=True)):
        return None
    low, high = (heaviest_chain([[end[side] for end in row] for row in known]) for side in (0, 1))
    return max(low, Fraction(0)), high


def _weight(snapshot: Snapshot, a: Array, b: Array, power: Fraction) -> tuple[Fraction, Fraction] | None:
    """Return bounds of ||a - b||_F^p."""
    square = squared_distance(snapshot, a, b)
    if power == 2:
        return square.bounds()
    return _powered(snapshot, square, power / 2).bounds()


def _powered(snapshot: Snapshot, number: Measured, exponent: Fraction) -> Measured:
    """Return a power of a number that is not negative."""
    if not number.finite:
        return UNKNOWN
    return snapshot.reals.measured(snapshot.reals.power(snapshot.reals.number(number), exponent))


def _from_above(snapshot: Snapshot, points: Sequence[Array], power: Fraction) -> Fraction | None:
    """Return w^(p-1) V_1 rounded up."""
    half = Fraction(1, 2)
    steps = total(_powered(snapshot, squared_distance(snapshot, a, b), half) for a, b in pairwise(points))
    farthest = Measured.largest(squared_distance(snapshot, points[0], point) for point in points)
    if not steps.finite or not farthest.finite:
        return None
    reals = snapshot.reals
    width = 2 * reals.power(reals.number(farthest), half)
    bounds = reals.measured(reals.power(width, power - 1) * reals.number(steps)).bounds()
    return None if bounds is None else bounds[1]


def _rooted(snapshot: Snapshot, ends: tuple[Fraction, Fraction] | None, power: Fraction) -> Measured:
    """Return the p-th root of what lies between two ends."""
    if ends is None:
        return UNKNOWN
    if power == 1:
        return Measured.between(*ends)
    lower, upper = (_powered(snapshot, Measured(end), 1 / power).bounds() for end in ends)
    if lower is None or upper is None:
        return UNKNOWN
    return Measured.between(max(lower[0], Fraction(0)), upper[1])
