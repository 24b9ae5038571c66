"""Largest imbalance max_j ||W_{j+1}^T W_{j+1} - W_j W_j^T||_F; zero for depth 1."""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest imbalance over the pairs of layers."""
    parts = snapshot.imbalances(snapshot.layers)
    return Measured.largest(frobenius_norm(snapshot.backend, snapshot.reals, part) for part in parts)
