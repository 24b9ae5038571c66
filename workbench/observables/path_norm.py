"""Path norm, the root of the sum over all paths from input to output of the squared product of the weights on it."""

from __future__ import annotations

from workbench.backends.ball import flint, measured
from workbench.exact import UNKNOWN, Measured
from workbench.observables._complexity import linear_layers
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the norm, enclosed within the error that the weights carry: the layers' squared entries, multiplied."""
    layers = linear_layers(snapshot)
    if layers is None:
        return UNKNOWN
    found = flint().arb_mat(layers[0].ncols(), 1, [1] * layers[0].ncols())
    for layer in layers:
        # A power of a ball around zero would be taken by its logarithm.
        squares = [x * x for x in layer.entries()]
        found = flint().arb_mat(layer.nrows(), layer.ncols(), squares) * found
    return measured(sum(found.entries(), flint().arb(0)).nonnegative_part().sqrt())
