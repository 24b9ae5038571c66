"""Squared Frobenius norm of the weights, summed over the layers."""

from __future__ import annotations

from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the sum of the squared norms of the layers."""
    backend = snapshot.backend
    first, *others = snapshot.layers
    total = backend.frobenius_squared(first)
    for layer in others:
        total = backend.add(total, backend.frobenius_squared(layer))
    return backend.measure(total)
