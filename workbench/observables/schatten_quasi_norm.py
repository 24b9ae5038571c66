"""Schatten quasi-norm of order 2/L of the end-to-end matrix, (sum_r sigma_r^(2/L))^(L/2)."""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import singular_values
from workbench.exact import UNKNOWN, Measured
from workbench.observables._complexity import linear_layers
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the quasi-norm, enclosed within the error that the weights carry."""
    layers = linear_layers(snapshot)
    if layers is None:
        return UNKNOWN
    product, depth = layers[0], len(layers)
    for layer in layers[1:]:
        product = layer * product
    exponent = arb(Fraction(2, depth))
    total = sum((sigma.nonnegative_part() ** exponent for sigma in singular_values(product)), flint().arb(0))
    return measured(total ** arb(Fraction(depth, 2)))
