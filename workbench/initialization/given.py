"""Weights that the user gives, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import ShapeError
from workbench.exact import Exact, Matrix
from workbench.initialization._residual import completed
from workbench.problem import Network


def weights(network: Network, weights: Sequence[Any]) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    weights : sequence of rows, one a layer
        W_1 first; of a residual network the A_k, or all its parameters.
    """
    wanted = sorted({network.depth, len(network.shapes)})
    if len(weights) not in wanted:
        number = " or ".join(map(str, wanted))
        raise ShapeError(f"the start gives {len(weights)} layers but the network has {number}")
    return completed(network, [Matrix.from_rows(layer).rows for layer in weights])
