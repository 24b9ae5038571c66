"""Largest spectral distance of a layer to the identity, max_i ||W_i - I||_2."""

from __future__ import annotations

from workbench.backends.norms import spectral_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest distance over the layers; square layers only."""
    backend = snapshot.backend
    norms = []
    for layer in snapshot.layers:
        rows, columns = backend.shape(layer)
        if rows != columns:
            raise UnsupportedError(f"a {rows} x {columns} layer has no distance to the identity")
        offset = backend.subtract(layer, backend.identity(rows))
        norms.append(spectral_norm(backend, snapshot.reals, offset))
    return Measured.largest(norms)
