"""Largest distance of a layer to the first, max_j ||W_j - W_1||_F; zero for depth 1."""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest distance over the layers, all of one shape."""
    backend, (first, *others) = snapshot.backend, snapshot.layers
    if any(backend.shape(layer) != backend.shape(first) for layer in others):
        raise UnsupportedError("layers of different shapes have no distance")
    differences = [backend.subtract(layer, first) for layer in others]
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in differences)
