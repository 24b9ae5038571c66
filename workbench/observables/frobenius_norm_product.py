"""Product of the Frobenius norms of the layers, prod_j ||W_j||_F."""

from __future__ import annotations

from workbench.backends.ball import flint, measured
from workbench.backends.ball_algebra import frobenius_norm
from workbench.exact import UNKNOWN, Measured
from workbench.observables._complexity import linear_layers
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the product, enclosed within the error that the weights carry."""
    layers = linear_layers(snapshot)
    if layers is None:
        return UNKNOWN
    found = flint().arb(1)
    for layer in layers:
        found *= frobenius_norm(layer)
    return measured(found)
