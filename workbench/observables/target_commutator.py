"""Largest commutator of a layer with the target, max_j ||W_j Phi - Phi W_j||_F."""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest commutator over the layers; square layers of the target's size only."""
    backend = snapshot.backend
    target_rows = snapshot.network.problem.loss.target.rows
    target = snapshot.constant(target_rows)
    parts = []
    for layer in snapshot.layers:
        if {*backend.shape(layer), *backend.shape(target)} != {len(target_rows)}:
            raise UnsupportedError("a layer and a target commute or fail to only where both are square, of one size")
        parts.append(backend.subtract(backend.matmul(layer, target), backend.matmul(target, layer)))
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in parts)
