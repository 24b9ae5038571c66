"""Trace of the imbalances summed over the layers, ||W_L||_F^2 - ||W_1||_F^2; zero for depth 1."""

from __future__ import annotations

from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the difference of the squared norms of the last and the first layer."""
    backend, layers = snapshot.backend, snapshot.layers
    last, first = (backend.frobenius_squared(layer) for layer in (layers[-1], layers[0]))
    return backend.measure(backend.subtract(last, first))
