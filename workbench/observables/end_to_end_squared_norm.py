"""Squared Frobenius norm of the end-to-end matrix."""

from __future__ import annotations

from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return ||W_L ... W_1||_F^2."""
    backend = snapshot.backend
    return backend.measure(backend.frobenius_squared(snapshot.network.end_to_end(snapshot.parameters)))
