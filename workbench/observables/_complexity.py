"""The layers of a linear network as balls, for measures of its complexity."""

from __future__ import annotations

from typing import Any

from workbench.errors import UnsupportedError
from workbench.observables._kernel import finite_layers
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork


def linear_layers(snapshot: Snapshot) -> list[Any] | None:
    """Return the layers with their errors, None where one is not finite."""
    if not isinstance(snapshot.network.problem.network, LinearNetwork):
        raise UnsupportedError("this measure of complexity is that of a linear network; this one is residual")
    return finite_layers(snapshot)
