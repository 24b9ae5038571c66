"""Largest spectral norm of a layer, max_k ||A_k||_2."""

from __future__ import annotations

from workbench.backends.norms import spectral_norm
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest norm over the layers."""
    backend = snapshot.backend
    return Measured.largest(spectral_norm(backend, snapshot.reals, layer) for layer in snapshot.layers)
