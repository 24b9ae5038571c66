"""The identity in all layers but the last, which is zero (Wu, Wang, Ma 2019, arXiv:1911.00645)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from workbench.exact import Exact
from workbench.problem import Network


def weights(network: Network) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights."""
    one, zero = Fraction(1), Fraction(0)
    layers: list[Sequence[Sequence[Exact]]] = [
        [[one if i == j else zero for j in range(columns)] for i in range(rows)] for rows, columns in network.shapes
    ]
    rows, columns = network.shapes[-1]
    layers[-1] = [[zero] * columns for _ in range(rows)]
    return layers
