"""Largest rescaled increment in depth, delta L max_k ||A_{k+1} - A_k||_F; zero for depth 1.

To zero with the depth, it speaks for a limit that is continuous (Cohen, Cont, Rossier, Xu 2021).
"""

from __future__ import annotations

from itertools import pairwise

from workbench.exact import Measured
from workbench.observables._depth import rescaled, root, squared_distance
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest increment over the neighbours."""
    points = rescaled(snapshot)
    return root(snapshot, Measured.largest(squared_distance(snapshot, a, b) for a, b in pairwise(points)))
