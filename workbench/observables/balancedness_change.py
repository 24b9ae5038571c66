"""Largest change of an imbalance since the start, max_j ||D_j(t) - D_j(0)||_F; zero for depth 1."""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest change over the pairs of layers."""
    backend = snapshot.backend
    now, start = snapshot.imbalances(snapshot.layers), snapshot.imbalances(snapshot.initial_layers)
    changes = [backend.subtract(a, b) for a, b in zip(now, start, strict=True)]
    return Measured.largest(frobenius_norm(backend, snapshot.reals, change) for change in changes)
