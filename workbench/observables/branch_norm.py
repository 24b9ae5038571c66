"""Largest Frobenius norm of a layer, max_k ||A_k||_F: the max-norm of Cohen, Cont, Rossier, Xu (2021)."""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest norm over the layers."""
    backend = snapshot.backend
    return Measured.largest(frobenius_norm(backend, snapshot.reals, layer) for layer in snapshot.layers)
