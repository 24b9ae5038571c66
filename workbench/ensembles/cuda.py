"""The fused path for small networks on a CUDA device: many steps a launch, by Triton."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from workbench.ensembles.batched import LARGEST, STALLED, TYPES, Batch
from workbench.errors import MissingPackageError, UnsupportedError

WIDEST = 16

# Entries that a program sums at once: a few warps' worth.
_ENTRIES = 1024


def available(batch: Batch, precision: str, device: str) -> bool:
    """Say whether this path can carry the batch there."""
    small = max(max(w.shape[1:]) for w in batch.weights) <= WIDEST
    return small and precision in ("float64", "float32") and device != "cpu" and find_spec("triton") is not None


class Programs:
    """The state of a batch, padded to one width that is a power of two.

    Parameters
    ----------
    batch : Batch
        Of widths at most 16.
    precision : {"float64", "float32"}
    device : str
        A CUDA device; "cpu" under Triton's interpreter only.
    """

    path = "fused programs"

    def __init__(self, batch: Batch, precision: str, device: str) -> None:
        if find_spec("triton") is None:
            raise MissingPackageError("triton", "the fused path on a CUDA device")
        self._shapes = [tuple(w.shape[1:]) for w in batch.weights]
        widest = max(max(shape) for shape in self._shapes)
        if widest > WIDEST or precision == "tf32":
            raise UnsupportedError(f"the fused path takes widths up to {WIDEST} in float64 or float32")
        self.factor, self.count, self._momentum = batch.factor, batch.count, batch.momentum
        self._width = 1 << (widest - 1).bit_length()
        dtype = TYPES[precision]
        self._options: dict[str, Any] = {"dtype": dtype, "device": device}
        self._layers = torch.stack([self._padded(w) for w in batch.weights], dim=1).contiguous()
        self._velocities = torch.zeros_like(self._layers) if batch.momentum else self._layers.new_zeros(1)
        self._prefixes = torch.empty_like(self._layers)
        self._suffixes = self._layers.new_empty(self.count, 2, self._width, self._width)
        self._target = self._padded(batch.targets)
        self._goal_shape = tuple(batch.targets.shape[1:])
        self._rates = torch.as_tensor(batch.step_sizes).to(**self._options, copy=True)
        self.state = torch.zeros(self.count, dtype=torch.int32, device=device)
        self.ended_at = torch.full((self.count,), -1, dtype=torch.int64, device=device)
        self._level = -1.0 if batch.level is None else batch.level
        self._largest = LARGEST[dtype]

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps, the first of which is numbered `first`."""
        if count:
            self._launch(first, count)

    def judge(self, step: int) -> None:
        """End the members that have converged or diverged at this step."""
        self._launch(step, 0)

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""
        self.advance(first, count - 1)
        before, running = self._layers.clone(), self.running
        self.advance(first + count - 1, 1)
        still = running & self.running & (before == self._layers).flatten(1).all(dim=1)
        self.state.masked_fill_(still, STALLED)
        self.ended_at.masked_fill_(still, first + count - 1)
        self._rates.masked_fill_(still, 0.0)

    @property
    def running(self) -> Any:
        """Which members have not ended, shape (B,)."""
        return self.state == 0

    @property
    def tensors(self) -> tuple[list[Any], Any]:
        """The layers and the target where they lie."""
        layers = [self._layers[:, j, :rows, :columns] for j, (rows, columns) in enumerate(self._shapes)]
        rows, columns = self._goal_shape
        return layers, self._target[:, :rows, :columns]

    @property
    def weights(self) -> list[np.ndarray]:
        """The layers as they stand, copied to the CPU in double precision."""
        return [w.to("cpu", torch.float64, copy=True).numpy() for w in self.tensors[0]]

    def _launch(self, first: int, count: int) -> None:
        from workbench.ensembles._triton_kernel import descend

        networks = max(1, _ENTRIES // self._width**2)
        arrays = (self._layers, self._velocities, self._prefixes, self._suffixes, self._target)
        numbers = (self._momentum, 2 * self.factor, self._level, self._largest, first, count, self.count)
        descend[(-(-self.count // networks),)](
            *arrays,
            self._rates,
            self.state,
            self.ended_at,
            *numbers,
            WIDTH=self._width,
            DEPTH=len(self._shapes),
            NETWORKS=networks,
            MOMENTUM=bool(self._momentum),
        )

    def _padded(self, matrices: Any) -> Any:
        given = torch.as_tensor(matrices)
        padded = torch.zeros(self.count, self._width, self._width, **self._options)
        padded[:, : given.shape[1], : given.shape[2]] = given.to(**self._options)
        return padded
