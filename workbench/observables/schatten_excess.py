"""Excess of the layers' squared norms over the Schatten quasi-norm of their product.

sum_j ||W_j||_F^2 - L sum_r sigma_r(W)^(2/L) with the end-to-end matrix W: zero where the layers are balanced, else
positive.
"""

from __future__ import annotations

from workbench.backends.ball import flint, measured
from workbench.exact import UNKNOWN, Measured
from workbench.observables._balls import finite_layers, schatten_sum
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the excess, enclosed within the error that the weights carry."""
    layers = finite_layers(snapshot)
    if layers is None:
        return UNKNOWN
    total = sum(((layer * layer.transpose()).trace() for layer in layers), flint().arb(0))
    return measured(total - len(layers) * schatten_sum(layers))
