"""Excess of the layers' squared norms over the Schatten quasi-norm of their product.

sum_j ||W_j||_F^2 - L sum_r sigma_r(W)^(2/L) with the end-to-end matrix W: zero where the layers are balanced, else
positive.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import singular_values
from workbench.exact import UNKNOWN, Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the excess, enclosed within the error that the weights carry."""
    entries = [snapshot.backend.entries(layer) for layer in snapshot.layers]
    if not all(entry.finite for layer in entries for row in layer for entry in row):
        return UNKNOWN
    layers = [flint().arb_mat([[arb(entry) for entry in row] for row in layer]) for layer in entries]
    product, total = layers[0], (layers[0] * layers[0].transpose()).trace()
    for layer in layers[1:]:
        product = layer * product
        total += (layer * layer.transpose()).trace()
    exponent = Fraction(2, len(layers))
    modes = [sigma.nonnegative_part() ** arb(exponent) for sigma in singular_values(product)]
    return measured(total - len(layers) * sum(modes, flint().arb(0)))
