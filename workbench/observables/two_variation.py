r"""2-variation of the rescaled weights in depth, sup over partitions of (sum ||B_{i_{j+1}} - B_{i_j}||_F^2)^(1/2).

B_k = delta L A_k. The supremum is attained and found by dynamic programming, once for the lower ends of the squared
distances and once for the upper ends: the true one lies between, since it grows with each distance. Zero for depth 1.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._depth import heaviest_chain, rescaled, root, squared_distance
from workbench.observables._snapshot import Snapshot

# The distances are L^2 / 2 matrices; beyond this depth `increment_root_sum_of_squares` is a lower bound.
_DEEPEST = 512


def measure(snapshot: Snapshot) -> Measured:
    """Return the 2-variation; depths of up to 512."""
    points = rescaled(snapshot)
    if len(points) > _DEEPEST:
        raise UnsupportedError(
            f"the 2-variation is computed up to depth {_DEEPEST}, not {len(points)}; "
            "increment_root_sum_of_squares bounds it from below"
        )
    ends = [[squared_distance(snapshot, points[j], points[k]).bounds() for j in range(k)] for k in range(len(points))]
    known = [[end for end in row if end is not None] for row in ends]
    if any(len(a) < len(b) for a, b in zip(known, ends, strict=True)):
        return UNKNOWN
    low, high = (heaviest_chain([[end[side] for end in row] for row in known]) for side in (0, 1))
    return root(snapshot, Measured.between(max(low, Fraction(0)), high))
