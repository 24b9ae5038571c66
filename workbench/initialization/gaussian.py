"""Independent normal entries, by seed: mean zero, standard deviation `scale`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.draws import gaussian
from workbench.exact import Exact, rational
from workbench.problem import Network


def weights(
    network: Network, seed: int = 0, scale: Any = "1", generator: str | None = None
) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    seed : int
    scale : rational
        Standard deviation of an entry.
    generator : str, optional
        Version of the generator, recorded in the specification.
    """
    factor = rational(scale, "the scale")
    layers: list[Sequence[Sequence[Exact]]] = []
    for number, (rows, columns) in enumerate(network.shapes):
        stream = f"gaussian/{number}"
        layers.append(
            [[factor * gaussian(stream, int(seed), i * columns + j) for j in range(columns)] for i in range(rows)]
        )
    return layers
