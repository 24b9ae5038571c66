r"""How far each member of a floating batch is from its exact flow: step doubling, propagated.

Over a step of length h the distance e of two solutions grows by at most exp(h max(-lambda_min)), with lambda_min the
Hessian's smallest eigenvalue on the ball of radius e, bounded by layer norms at the start, the middle and the end
of the step. To that come the step's own errors: the distance between the step taken whole and in halves, of which the
halves are kept (for order 8 their error is near 1/256 of it, which is not claimed back), and the rounding of the rule.
It is an *estimate*: the discretisation is observed, not bounded, and the Hessian is looked at in three places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workbench.ensembles.batched import Batched
from workbench.ensembles.error_bound import INFLATE, ErrorBound, norms, spectral_norms


class FlowBound(ErrorBound):
    """The estimated Frobenius distance to the exact flow, one for each member.

    Parameters
    ----------
    state : Batched
        Its initial weights are the exact ones rounded once.
    substeps : sequence of int
        Of the extrapolated midpoint rules.
    weights : sequence of float
        Of their results.
    """

    def __init__(self, state: Batched, substeps: Sequence[int], weights: Sequence[float]) -> None:
        super().__init__(state)
        # Every substep rounds no more than an Euler step of the whole length, and is then multiplied by its weight.
        self._amplification = 2 * sum(n * abs(w) for n, w in zip(substeps, weights, strict=True))
        self._looks: list[tuple[Any, Any, Any]] = []

    def look(self, state: Batched) -> None:
        """Take the Hessian's extremes and the rounding at the layers as they stand, after a backward pass."""
        spectral = torch.stack([spectral_norms(w) for w in state.layers])
        low, high = self._hessian(state, spectral + self.bound)
        self._looks.append((low, high, self._rounding(state, spectral)))

    def carry(self, state: Batched, whole: list[Any]) -> None:
        """Carry the estimate over a step that has been taken whole and in halves.

        Parameters
        ----------
        state : Batched
            After the halves.
        whole : list of tensors
            The layers after the whole step.
        """
        low, high, rounding = (torch.stack(parts) for parts in zip(*self._looks, strict=True))
        self._looks.clear()
        length = state.rate.double()
        gap = norms([a.double() - b.double() for a, b in zip(state.layers, whole, strict=True)]).square().sum(0).sqrt()
        noise = self._amplification * (length * high.amax(0)).exp() * rounding.amax(0)
        grown = (-length * low.amin(0)).exp() * self.bound + gap + noise
        grown = torch.where(torch.isnan(grown), torch.inf, grown * INFLATE)
        self.bound = torch.where(state.running, grown, self.bound)
