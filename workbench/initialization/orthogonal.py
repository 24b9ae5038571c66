"""A rational rotation in every layer, by seed: exactly orthogonal, so exactly balanced."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import ShapeError
from workbench.exact import Exact
from workbench.problem import Network
from workbench.rotation import rotation


def weights(network: Network, seed: int = 0, generator: str | None = None) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights; every layer must be square."""
    for rows, columns in network.shapes:
        if rows != columns:
            raise ShapeError(f"the orthogonal start needs square layers, not {rows} x {columns}")
    return [rotation(shape[0], int(seed), f"orthogonal/{number}") for number, shape in enumerate(network.shapes)]
