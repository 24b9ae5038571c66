"""Weights that the user gives, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import ShapeError
from workbench.exact import Exact, Matrix
from workbench.problem import Network


def weights(network: Network, weights: Sequence[Any]) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    weights : sequence of rows, one a layer
        W_1 first.
    """
    if len(weights) != network.depth:
        raise ShapeError(f"the start gives {len(weights)} layers but the network has {network.depth}")
    return [Matrix.from_rows(layer).rows for layer in weights]
