"""Networks whose widths are all 1: layers are numbers, and words are read as commuting polynomials."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import ShapeError
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter


def number_network(depth: int) -> NetworkWords:
    """Return the network of a depth with all widths 1."""
    return linear_network(depth, (1,) * (depth + 1))


def read_as_numbers(network: NetworkWords, layers: Sequence[Polynomial], target: Polynomial) -> Restriction:
    """Suppose that all widths are 1, and read layers and target as the polynomials given.

    Raises
    ------
    ShapeError
        If a width is not 1.
    """
    if set(network.widths) != {1}:
        raise ShapeError("only a network whose widths are all 1 is a network of numbers")
    values: dict[Letter, Polynomial] = dict(zip(network.layers, layers, strict=True))
    return Restriction(name="all widths are 1, so that layers are numbers", scalars={**values, network.target: target})
