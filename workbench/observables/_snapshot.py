"""What an observable sees of a run at one recorded step."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.backends import Array, Backend
from workbench.backends.reals import Reals
from workbench.networks import Built, Parameters


@dataclass(frozen=True)
class Snapshot:
    """A network at one step, over a backend whose arrays carry their errors.

    Parameters
    ----------
    network : Built
    parameters : tuple of Array
        The weights, with their errors.
    initial : tuple of Array
        The weights at the start.
    previous : tuple of Array or None
        The weights one step before; None at the start and for a flow.
    step_size : Fraction or None
    reals : Reals
    settings : mapping of str to Fraction
        The exact parameters of the dynamics, such as the weight decay.
    """

    network: Built
    parameters: Parameters
    initial: Parameters
    previous: Parameters | None
    step_size: Fraction | None
    reals: Reals
    settings: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def backend(self) -> Backend:
        """The arithmetic of the arrays."""
        return self.network.backend

    @property
    def layers(self) -> Parameters:
        """The weight matrices among the parameters."""
        return self.network.layers(self.parameters)

    @property
    def initial_layers(self) -> Parameters:
        """The weight matrices at the start."""
        return self.network.layers(self.initial)

    @property
    def previous_layers(self) -> Parameters | None:
        """The weight matrices one step before, where there was one."""
        return None if self.previous is None else self.network.layers(self.previous)

    def imbalances(self, parameters: Parameters) -> list[Array]:
        """Return D_j = W_{j+1}^T W_{j+1} - W_j W_j^T for j = 1 ... L-1, shapes (d_j, d_j)."""
        backend = self.backend
        result = []
        for lower, upper in itertools.pairwise(parameters):
            inner = backend.matmul(backend.transpose(upper), upper)
            result.append(backend.subtract(inner, backend.matmul(lower, backend.transpose(lower))))
        return result

    def constant(self, rows: Any) -> Array:
        """Return an exact matrix over this backend."""
        return self.backend.matrix(rows)
