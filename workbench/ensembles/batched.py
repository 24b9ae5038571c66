"""Gradient descent on a batch of deep linear networks by batched matrix products: the reference path.

Closed-form gradients in place, every buffer allocated once: with S_L = -2c eta E the update of layer i is
W_i <- W_i + S_i P_{i-1}^T and S_{i-1} = W_i^T S_i. Beside the layers only the prefixes P_i are kept. The step size
enters with the residual, so a member that has ended is held by a zero step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# A loss past this is a run that diverged, in every arithmetic alike.
DIVERGED_LOSS = 1e100

# States of a member; the order of `workbench.trajectory.Status` names does not matter here.
RUNNING, CONVERGED, STALLED, DIVERGED = 0, 1, 2, 3

TYPES = {"float64": torch.float64, "float32": torch.float32, "tf32": torch.float32}

# Loss of a float32 run is watched below its own largest number.
LARGEST = {torch.float64: DIVERGED_LOSS, torch.float32: 1e30}


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
        self.dtype = TYPES[precision]
        self.count, self.watch = batch.count, watch
        self.momentum, self.factor, self.level = batch.momentum, batch.factor, batch.level
        options: dict[str, Any] = {"dtype": self.dtype, "device": device}
        self.layers = [torch.as_tensor(w).to(**options, copy=True) for w in batch.weights]
        self.target = torch.as_tensor(batch.targets).to(**options, copy=True)
        self.rate = torch.tensor(batch.step_sizes, **options)
        self.state = torch.zeros(self.count, dtype=torch.int8, device=device)
        self.ended_at = torch.full((self.count,), -1, dtype=torch.int64, device=device)
        into = batch.targets.shape[2]
        # The first prefix is the first layer itself.
        self.prefixes = [
            self.layers[0],
            *(torch.empty(self.count, w.shape[1], into, **options) for w in self.layers[1:]),
        ]
        rooms = [torch.empty(max(p.numel() for p in self.prefixes), **options) for _ in range(2)]
        self.suffixes = [rooms[k % 2][: p.numel()].view(p.shape) for k, p in enumerate(self.prefixes)]
        self.residual = torch.empty_like(self.target)
        self.velocities = [torch.zeros_like(w) for w in self.layers] if self.momentum else []
        self.loss = torch.zeros(self.count, **options)
        self._still: Any = None

    def keep_suffixes(self) -> None:
        """Give every suffix a place of its own; two in turn are enough where nobody looks at them."""
        self.suffixes = [torch.empty_like(p) for p in self.prefixes]

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
            if self.watch is not None:
                self.backward()
                self.watch(self)
            self._move()

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""
        self.advance(first, count - 1)
        self._still = self.running
        self.advance(first + count - 1, 1)
        same, self._still = self._still & self.running, None
        self.end(same, STALLED, first + count - 1)

    def judge(self, step: int) -> None:
        """Run forward, and end the members that have converged or diverged at this step."""
        torch.sub(self._end_to_end(), self.target, out=self.residual)
        self.loss = self.factor * (self.residual * self.residual).sum(dim=(1, 2))
        running = self.running
        diverged = running & ~(self.loss <= LARGEST[self.dtype])
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
        for below, above, layer in zip(self.prefixes, self.prefixes[1:], self.layers[1:], strict=False):
            torch.bmm(layer, below, out=above)
        return self.prefixes[-1]

    def backward(self) -> None:
        """Fill every S_i = W_{i+1}^T ... W_L^T S_L from S_L = -2c eta E, for a state that keeps them all."""
        self._last_suffix()
        for index in range(len(self.layers) - 1, 0, -1):
            torch.bmm(self.layers[index].mT, self.suffixes[index], out=self.suffixes[index - 1])

    def _last_suffix(self) -> None:
        torch.mul(self.residual, (-2 * self.factor * self.rate)[:, None, None], out=self.suffixes[-1])

    def pull(self, arrays: list[Any], share: float = 1.0) -> None:
        """Add a share of S_i P_{i-1}^T to some arrays, from the last layer down; they may be the layers themselves."""
        self._last_suffix()
        for index in range(len(self.layers) - 1, 0, -1):
            torch.bmm(self.layers[index].mT, self.suffixes[index], out=self.suffixes[index - 1])
            with self._watched(arrays[index]):
                arrays[index].baddbmm_(self.suffixes[index], self.prefixes[index - 1].mT, alpha=share)
        with self._watched(arrays[0]):
            arrays[0].add_(self.suffixes[0], alpha=share)

    def _move(self) -> None:
        if not self.momentum:
            self.pull(self.layers)
            return
        for velocity in self.velocities:
            velocity.mul_(self.momentum)
        self.pull(self.velocities)
        for layer, velocity in zip(self.layers, self.velocities, strict=True):
            with self._watched(layer):
                layer.add_(velocity)

    @contextmanager
    def _watched(self, array: Any) -> Iterator[None]:
        """While a stall is looked for, note the members of which this array changes; one layer is copied at a time."""
        before = array.clone() if self._still is not None else None
        yield
        if before is not None:
            self._still &= (before == array).all(dim=2).all(dim=1)
