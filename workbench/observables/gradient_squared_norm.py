"""Squared Frobenius norm of the loss's gradient, summed over the layers."""

from __future__ import annotations

from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the sum of the squared norms of the layers' gradients."""
    backend = snapshot.backend
    first, *others = snapshot.network.loss_and_gradients(snapshot.parameters)[1]
    total = backend.frobenius_squared(first)
    for gradient in others:
        total = backend.add(total, backend.frobenius_squared(gradient))
    return backend.measure(total)
