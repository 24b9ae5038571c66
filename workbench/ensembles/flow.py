r"""The gradient flow on a batch, in fixed steps of order eight.

Gragg's modified midpoint rule with n = 2, 4, 6, 8 substeps, extrapolated: the weights are rationals and nothing is a
table of decimals, as a Runge-Kutta method of this order would be. The rule carries z = W - W(start of the step), so
that a member held by a zero step does not move by a bit, and a step rounds the weights once.
"""

from __future__ import annotations

from typing import Any

import torch

from workbench.dynamics.gradient_flow import extrapolation_weights
from workbench.ensembles.batched import STALLED, Batch, Batched
from workbench.ensembles.flow_bound import FlowBound

COLUMNS = 4
ORDER = 2 * COLUMNS
SUBSTEPS = [2 * j for j in range(1, COLUMNS + 1)]
WEIGHTS = [float(w) for w in extrapolation_weights(COLUMNS)]


class Flow(Batched):
    """The state of a batch that follows its gradient flow; a member's step size is the length of its steps.

    Parameters
    ----------
    batch : Batch
        Without momentum.
    precision : {"float64", "float32", "tf32"}
    device : str
    bounded : bool
        Whether every step is taken once whole and once in halves, and the distance to the exact flow estimated.
    """

    path = "batched products, extrapolated midpoint rule of order 8"

    def __init__(self, batch: Batch, precision: str = "float64", device: str = "cpu", *, bounded: bool = False) -> None:
        super().__init__(batch, precision, device)
        self._origin, self._before, self._now, self._total, self._slope = (
            [torch.empty_like(w) for w in self.layers] for _ in range(5)
        )
        self.error = FlowBound(self, SUBSTEPS, WEIGHTS) if bounded else None

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps, the first of which is numbered `first`."""
        for step in range(first, first + count):
            self.judge(step)
            if self.error is None:
                self._take(1.0)
            else:
                self._take_twice(self.error)

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""
        self.advance(first, count - 1)
        before, same = [w.clone() for w in self.layers], self.running
        self.advance(first + count - 1, 1)
        for old, new in zip(before, self.layers, strict=True):
            same &= (old == new).all(dim=2).all(dim=1)
        self.end(same & self.running, STALLED, first + count - 1)

    def _take_twice(self, error: FlowBound) -> None:
        """Take a step whole, take it again in halves, keep the latter, and carry the error over it."""
        start = [w.clone() for w in self.layers]
        self._look(error)
        self._take(1.0)
        whole = [w.clone() for w in self.layers]
        _copy(start, self.layers)
        for _ in range(2):
            self._take(0.5)
            self._look(error)
        error.carry(self, whole)

    def _look(self, error: FlowBound) -> None:
        self._evaluate()
        self.backward()
        error.look(self)

    def _take(self, share: float) -> None:
        """Take a part of a step from the layers as they stand."""
        _copy(self.layers, self._origin)
        self._evaluate()
        for total, slope in zip(self._total, self._slope, strict=True):
            total.zero_()
            slope.zero_()
        self.pull(self._slope, share)
        for substeps, weight in zip(SUBSTEPS, WEIGHTS, strict=True):
            self._midpoint(substeps, share)
            for total, now in zip(self._total, self._now, strict=True):
                total.add_(now, alpha=weight)
        self._place(self._total)

    def _midpoint(self, substeps: int, share: float) -> None:
        """Leave in `_now` how far the midpoint rule moves the layers in some substeps."""
        for before, now, slope in zip(self._before, self._now, self._slope, strict=True):
            before.zero_()
            torch.mul(slope, 1 / substeps, out=now)
        for _ in range(substeps - 1):
            self._place(self._now)
            self._evaluate()
            self.pull(self._before, 2 * share / substeps)
            self._before, self._now = self._now, self._before

    def _place(self, moved: list[Any]) -> None:
        for layer, origin, by in zip(self.layers, self._origin, moved, strict=True):
            torch.add(origin, by, out=layer)

    def _evaluate(self) -> None:
        """Run forward at the layers as they stand."""
        torch.sub(self._end_to_end(), self.target, out=self.residual)


def _copy(arrays: list[Any], into: list[Any]) -> None:
    for array, place in zip(arrays, into, strict=True):
        place.copy_(array)
