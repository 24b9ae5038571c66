"""Spectral norm of the end-to-end matrix W_L ... W_1 of a linear network."""

from __future__ import annotations

from workbench.backends.ball_algebra import spectral_norm
from workbench.exact import Measured
from workbench.observables._balls import end_to_end, of_linear_layers
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the norm, enclosed within the error that the weights carry."""
    return of_linear_layers(snapshot, lambda layers: spectral_norm(end_to_end(layers)), "an end-to-end matrix")
