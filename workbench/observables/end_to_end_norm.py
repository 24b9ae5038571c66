"""Spectral norm of the end-to-end matrix W_L ... W_1 of a linear network."""

from __future__ import annotations

from workbench.backends.ball import measured
from workbench.backends.ball_algebra import spectral_norm
from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._kernel import finite_layers
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork


def measure(snapshot: Snapshot) -> Measured:
    """Return the norm, enclosed within the error that the weights carry."""
    if not isinstance(snapshot.network.problem.network, LinearNetwork):
        raise UnsupportedError("only a linear network has an end-to-end matrix; this one is residual")
    layers = finite_layers(snapshot)
    if layers is None:
        return UNKNOWN
    product = layers[0]
    for layer in layers[1:]:
        product = layer * product
    return measured(spectral_norm(product))
