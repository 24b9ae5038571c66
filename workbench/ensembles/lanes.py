"""The fused path for small networks on the CPU: many steps in cache, one network a SIMD lane.

Layers of any width up to 16 are padded with zeros to one even width; a zero row or column of every layer and of the
target stays zero, so padding changes no other entry. Numba compiles the kernel once a shape (a few seconds) and keeps
it on disk; without Numba the batched products do the same work.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from workbench.ensembles.batched import DIVERGED_LOSS, RUNNING, Batch
from workbench.errors import MissingPackageError, UnsupportedError

WIDEST = 16

_TYPES = {"float64": (np.float64, DIVERGED_LOSS), "float32": (np.float32, 1e30)}

# A block's layers and prefixes should fit the second-level cache: half as many lanes for the widest.
_LANES, _WIDE_LANES, _WIDE = 16, 8, 12


def available(batch: Batch, precision: str = "float64", device: str = "cpu", *, flow: bool = False) -> bool:
    """Say whether this path can carry the batch here."""
    if flow:
        return False
    small = max(max(w.shape[1:]) for w in batch.weights) <= WIDEST
    return small and not batch.momentum and precision in _TYPES and device == "cpu" and find_spec("numba") is not None


class Lanes:
    """The state of a batch, laid out by blocks of lanes.

    Parameters
    ----------
    batch : Batch
        Without momentum, widths at most 16.
    precision : {"float64", "float32"}
    """

    path = "fused lanes"

    def __init__(self, batch: Batch, precision: str = "float64", *, flow: bool = False) -> None:
        if find_spec("numba") is None:
            raise MissingPackageError("numba", "the fused path of an ensemble")
        if not available(batch, precision, flow=flow):
            raise UnsupportedError(f"the fused path takes descent without momentum, widths up to {WIDEST}, no TF32")
        from workbench.ensembles._kernel import kernel

        self.factor = batch.factor
        self._type, self._largest = _TYPES[precision]
        self._shapes = [w.shape[1:] for w in batch.weights]
        widest = max(max(shape) for shape in self._shapes)
        self._width = widest + widest % 2
        self._lanes = _WIDE_LANES if self._width >= _WIDE and precision == "float64" else _LANES
        self.count = batch.count
        self._given = np.asarray(batch.targets).astype(_TYPES[precision][0]).astype(np.float64)
        self._blocks = -(-self.count // self._lanes)
        self._layers = np.ascontiguousarray(
            np.stack([self._laid_out(w) for w in map(np.asarray, batch.weights)], axis=1).reshape(self._blocks, -1)
        )
        self._targets = self._laid_out(np.asarray(batch.targets)).reshape(self._blocks, -1)
        self._rates = self._by_lane(batch.step_sizes.astype(self._type))
        self._states = self._by_lane(np.zeros(self.count, np.int8))
        self._ended_at = self._by_lane(np.full(self.count, -1, np.int64))
        self._scale = self._type(2 * batch.factor)
        # No loss is below a negative level, and every loss is above it.
        self._level = -1.0 if batch.level is None else batch.level
        self._kernel = kernel(self._width, len(batch.weights), self._lanes)

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps, the first of which is numbered `first`."""
        if count:
            self._run(first, count)

    def judge(self, step: int) -> None:
        """End the members that have converged or diverged at this step."""
        self._run(step, 0)

    def end(self, members: np.ndarray, state: int, step: int) -> None:
        """Mark members as ended and hold them."""
        chosen = self._by_lane(np.asarray(members, bool))
        self._states[chosen], self._ended_at[chosen], self._rates[chosen] = state, step, 0

    @property
    def weights(self) -> list[np.ndarray]:
        """The layers as they stand, in double precision, shapes (B, d_j, d_{j-1})."""
        blocks = self._layers.reshape(self._blocks, len(self._shapes), self._width, self._width, self._lanes)
        found = []
        for index, (rows, columns) in enumerate(self._shapes):
            flat = np.moveaxis(blocks[:, index], -1, 1).reshape(-1, self._width, self._width)
            found.append(flat[: self.count, :rows, :columns].astype(np.float64))
        return found

    @property
    def tensors(self) -> tuple[list[Any], Any]:
        """The layers and the target as tensors of double precision."""
        import torch

        return [torch.from_numpy(w) for w in self.weights], torch.from_numpy(self._given)

    @property
    def state(self) -> np.ndarray:
        """The state of each member."""
        return np.asarray(self._states.reshape(-1)[: self.count])

    @property
    def ended_at(self) -> np.ndarray:
        """The step at which each member ended, -1 while it runs."""
        return np.asarray(self._ended_at.reshape(-1)[: self.count])

    @property
    def running(self) -> np.ndarray:
        """Which members have not ended."""
        return np.asarray(self.state == RUNNING)

    def _run(self, first: int, count: int) -> None:
        arrays = (self._layers, self._targets, self._rates, self._states, self._ended_at)
        with np.errstate(over="ignore", invalid="ignore"):
            self._kernel(*arrays, self._scale, self._level, self._largest, first, count)

    def _by_lane(self, values: np.ndarray) -> np.ndarray:
        padded = np.zeros(self._blocks * self._lanes, values.dtype)
        padded[: self.count] = values
        return padded.reshape(self._blocks, self._lanes)

    def _laid_out(self, matrices: np.ndarray) -> Any:
        """Return matrices as (blocks, d, d, lanes), padded with zeros."""
        padded = np.zeros((self._blocks * self._lanes, self._width, self._width), self._type)
        padded[: self.count, : matrices.shape[1], : matrices.shape[2]] = matrices
        return np.ascontiguousarray(np.moveaxis(padded.reshape(self._blocks, self._lanes, *padded.shape[1:]), 1, -1))
