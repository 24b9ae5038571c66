"""The identity in every layer, times a scale; for a residual network, zero in every branch and bias.

A layer that is not square has ones on its main diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.exact import Exact, exact
from workbench.initialization._residual import completed
from workbench.problem import LinearNetwork, Network


def weights(network: Network, scale: Any = "1") -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    scale : rational or named operation
        Factor of the identity, such as `power(1/2,1/4)`; linear networks only.
    """
    factor = exact(scale, "the scale")
    if not isinstance(network, LinearNetwork):
        if factor != 1:
            raise InputError("the identity start of a residual network has no scale: its branches are zero")
        return completed(network, [])
    zero = Fraction(0)
    return [
        [[factor if i == j else zero for j in range(columns)] for i in range(rows)] for rows, columns in network.shapes
    ]
