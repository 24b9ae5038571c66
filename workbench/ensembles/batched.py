"""Gradient descent on a batch of deep linear networks by batched matrix products: the reference path.

Closed-form gradients in place, every buffer allocated once: with S_L = -2c eta E the update of layer i is
W_i <- W_i + S_i P_{i-1}^T and S_{i-1} = W_i^T S_i. The step size enters with the residual, so a member that has
ended is held by a zero step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# A loss past this is a run that diverged, in every arithmetic alike.
DIVERGED_LOSS = 1e100

# States of a member; the order of `workbench.trajectory.Status` names does not matter here.
RUNNING, CONVERGED, STALLED, DIVERGED = 0, 1, 2, 3

_TYPES = {"float64": torch.float64, "float32": torch.float32, "tf32": torch.float32}

# Loss of a float32 run is watched below its own largest number.
_LARGEST = {torch.float64: DIVERGED_LOSS, torch.float32: 1e30}


@dataclass(frozen=True)
class Batch:
    """Initial numbers of a batch, in double precision; tensors where they were drawn on a device.

    Parameters
    ----------
    weights : list of arrays, shapes (B, d_j, d_{j-1})
    targets : array, shape (B, d_L, d_0)
    step_sizes : numpy.ndarray, shape (B,)
    factor : float
        c of the loss c ||W - Phi||_F^2.
    momentum : float
    level : float or None
        Loss at which a member has converged.
    """

    weights: list[Any]
    targets: Any
    step_sizes: np.ndarray
    factor: float = 0.5
    momentum: float = 0.0
    level: float | None = None

    @property
    def count(self) -> int:
        """Number of members, B."""
        return len(self.targets)


class Batched:
    """The state of a batch on a device.

    Parameters
    ----------
    batch : Batch
    precision : {"float64", "float32", "tf32"}
    device : str
    watch : callable, optional
        Called with this state after the backward pass of each step, before layers have moved.
    """

    path = "batched products"

    def __init__(
        self,
        batch: Batch,
        precision: str = "float64",
        device: str = "cpu",
        watch: Callable[[Batched], None] | None = None,
    ) -> None:
        self.dtype = _TYPES[precision]
        self.count, self.watch = batch.count, watch
        self.momentum, self.factor, self.level = batch.momentum, batch.factor, batch.level
        options: dict[str, Any] = {"dtype": self.dtype, "device": device}
        self.layers = [torch.as_tensor(w).to(**options, copy=True) for w in batch.weights]
        self.target = torch.as_tensor(batch.targets).to(**options, copy=True)
        self.rate = torch.tensor(batch.step_sizes, **options)
        self.state = torch.zeros(self.count, dtype=torch.int8, device=device)
        self.ended_at = torch.full((self.count,), -1, dtype=torch.int64, device=device)
        into = batch.targets.shape[2]
        self.prefixes = [torch.empty(self.count, w.shape[1], into, **options) for w in self.layers]
        self.suffixes = [torch.empty_like(p) for p in self.prefixes]
        self.residual = torch.empty_like(self.target)
        self.velocities = [torch.zeros_like(w) for w in self.layers] if self.momentum else []
        self.loss = torch.zeros(self.count, **options)

    @property
    def weights(self) -> list[np.ndarray]:
        """The layers as they stand, copied to the CPU in double precision."""
        return [w.detach().to("cpu", torch.float64, copy=True).numpy() for w in self.layers]

    @property
    def tensors(self) -> tuple[list[Any], Any]:
        """The layers and the target where they lie."""
        return self.layers, self.target

    @property
    def running(self) -> Any:
        """Which members have not ended, shape (B,)."""
        return self.state == RUNNING

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps, the first of which is numbered `first`."""
        for step in range(first, first + count):
            self.judge(step)
            self._backward()
            if self.watch is not None:
                self.watch(self)
            self._move()

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""
        self.advance(first, count - 1)
        before, running = [w.clone() for w in self.layers], self.running
        self.advance(first + count - 1, 1)
        same = running & self.running
        for old, new in zip(before, self.layers, strict=True):
            same &= (old == new).all(dim=2).all(dim=1)
        self.end(same, STALLED, first + count - 1)

    def judge(self, step: int) -> None:
        """Run forward, and end the members that have converged or diverged at this step."""
        torch.sub(self._end_to_end(), self.target, out=self.residual)
        self.loss = self.factor * (self.residual * self.residual).sum(dim=(1, 2))
        running = self.running
        diverged = running & ~(self.loss <= _LARGEST[self.dtype])
        self.end(diverged, DIVERGED, step)
        if self.level is not None:
            self.end(running & (self.loss <= self.level), CONVERGED, step)

    def end(self, members: Any, state: int, step: int) -> None:
        """Mark members as ended and hold them."""
        self.state.masked_fill_(members, state)
        self.ended_at.masked_fill_(members, step)
        self.rate.masked_fill_(members, 0.0)
        for velocity in self.velocities:
            velocity.mul_((~members).to(self.dtype)[:, None, None])

    def _end_to_end(self) -> Any:
        self.prefixes[0].copy_(self.layers[0])
        for below, above, layer in zip(self.prefixes, self.prefixes[1:], self.layers[1:], strict=False):
            torch.bmm(layer, below, out=above)
        return self.prefixes[-1]

    def _backward(self) -> None:
        """Fill S_i = W_{i+1}^T ... W_L^T S_L from S_L = -2c eta E."""
        torch.mul(self.residual, (-2 * self.factor * self.rate)[:, None, None], out=self.suffixes[-1])
        for index in range(len(self.layers) - 1, 0, -1):
            torch.bmm(self.layers[index].mT, self.suffixes[index], out=self.suffixes[index - 1])

    def _move(self) -> None:
        for index, layer in enumerate(self.layers):
            below = self.prefixes[index - 1].mT if index else None
            if self.momentum:
                velocity = self.velocities[index]
                velocity.mul_(self.momentum)
                self._add(velocity, self.suffixes[index], below)
                layer.add_(velocity)
            else:
                self._add(layer, self.suffixes[index], below)

    @staticmethod
    def _add(array: Any, suffix: Any, below: Any) -> None:
        if below is None:
            array.add_(suffix)
        else:
            array.baddbmm_(suffix, below)
