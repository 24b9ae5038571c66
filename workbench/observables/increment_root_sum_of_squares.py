"""Root of the sum of the squared rescaled increments, delta L (sum_k ||A_{k+1} - A_k||_F^2)^(1/2); zero for depth 1.

Bounded and not vanishing with the depth, it speaks for a Brownian part of the limit; the 2-variation is its supremum
over all partitions, so never smaller.
"""

from __future__ import annotations

from itertools import pairwise

from workbench.exact import Measured
from workbench.observables._depth import rescaled, root, squared_distance, total
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the root of the sum over the neighbours."""
    points = rescaled(snapshot)
    return root(snapshot, total(squared_distance(snapshot, a, b) for a, b in pairwise(points)))
