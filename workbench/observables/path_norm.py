"""Path norm, the root of the sum over all paths from input to output of the squared product of the weights on it."""

from __future__ import annotations

from typing import Any

from workbench.backends.ball import flint
from workbench.exact import Measured
from workbench.observables._balls import of_linear_layers
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the norm, enclosed within the error that the weights carry."""
    return of_linear_layers(snapshot, _path_norm, "a path norm")


def _path_norm(layers: list[Any]) -> Any:
    """Multiply the layers' squared entries."""
    found = flint().arb_mat(layers[0].ncols(), 1, [1] * layers[0].ncols())
    for layer in layers:
        # A power of a ball around zero would be taken by its logarithm.
        squares = [x * x for x in layer.entries()]
        found = flint().arb_mat(layer.nrows(), layer.ncols(), squares) * found
    return sum(found.entries(), flint().arb(0)).nonnegative_part().sqrt()
