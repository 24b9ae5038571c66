"""Layers of width one from numbers, which may be named operations where `given` takes rationals alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import InputError, ShapeError
from workbench.exact import Exact, exact
from workbench.problem import LinearNetwork, Network


def weights(network: Network, numbers: Sequence[Any] = ()) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
        Of width one throughout.
    numbers : sequence of rationals or named operations
        w_1 first, such as `power(2,1/2)`; one a layer.
    """
    if not isinstance(network, LinearNetwork) or set(network.widths) != {1}:
        raise ShapeError(
            f"the start numbers is for linear layers of width 1, not for the widths {list(network.widths)}"
        )
    if not isinstance(numbers, list | tuple) or len(numbers) != network.depth:
        raise InputError(f"the start numbers is {numbers!r}; give {network.depth} of them, one a layer")
    return [[[exact(x, f"number {place}")]] for place, x in enumerate(numbers, start=1)]
