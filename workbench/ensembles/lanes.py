"""The fused path for small networks on the CPU: many steps in cache, one network a SIMD lane.

Layers of any width up to 16 are padded with zeros to one width; a zero row or column of every layer and of the target
stays zero, so padding changes no other entry. Numba compiles the kernel once a shape (about a second) and keeps it on
disk; without Numba the batched products do the same work. Blocks are shared out over threads of Python, which the
kernel leaves free to run: Numba's own threads would cost more seconds of compiling.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from workbench.ensembles.batched import DIVERGED_LOSS, RUNNING, Batch
from workbench.ensembles.flow import COLUMNS, WEIGHTS
from workbench.errors import MissingPackageError, UnsupportedError

WIDEST = 16

_TYPES = {"float64": (np.float64, DIVERGED_LOSS), "float32": (np.float32, 1e30)}

# Bytes of a vector register and the accumulators that a tile may take of the registers, by processor features.
_REGISTERS = (("avx512f", 64, 25), ("avx", 32, 8))
_OTHER_REGISTER = (16, 16)

# Parts of the work for each thread, so that one that is held up does not hold up all.
_SHARES = 4


def available(batch: Batch, precision: str = "float64", device: str = "cpu") -> bool:
    """Say whether this path can carry the batch here."""
    small = max(max(w.shape[1:]) for w in batch.weights) <= WIDEST
    return small and precision in _TYPES and device == "cpu" and find_spec("numba") is not None


class Lanes:
    """The state of a batch, laid out by blocks of lanes.

    Parameters
    ----------
    batch : Batch
        Of widths at most 16.
    precision : {"float64", "float32"}
    flow : bool
        The gradient flow, in place of descent or heavy ball.
    """

    def __init__(self, batch: Batch, precision: str = "float64", *, flow: bool = False) -> None:
        if find_spec("numba") is None:
            raise MissingPackageError("numba", "the fused path of an ensemble")
        if not available(batch, precision):
            raise UnsupportedError(f"the fused path takes widths up to {WIDEST} in float64 or float32")
        from workbench.ensembles import _kernel

        self.path = "fused lanes, extrapolated midpoint rule of order 8" if flow else "fused lanes"
        self.factor, self.count = batch.factor, batch.count
        self._type, largest = _TYPES[precision]
        self._shapes = [tuple(w.shape[1:]) for w in batch.weights]
        self._width = _padded(max(max(shape) for shape in self._shapes))
        size, budget = _register()
        register = size // np.dtype(self._type).itemsize
        parts = _parts(self._width, self.count // (2 * register))
        self._lanes = parts * register
        self._blocks = -(-self.count // self._lanes)
        self._given = torch.as_tensor(batch.targets).numpy().astype(self._type)
        stacked = np.stack([self._laid_out(torch.as_tensor(w).numpy()) for w in batch.weights], axis=1)
        self._layers = np.ascontiguousarray(stacked.reshape(self._blocks, -1))
        self._velocities = np.zeros(self._layers.shape if batch.momentum else (1, 1), self._type)
        self._targets = self._laid_out(self._given).reshape(self._blocks, -1)
        self._rates = self._by_lane(batch.step_sizes.astype(self._type))
        self._states = self._by_lane(np.zeros(self.count, np.int8))
        self._ended_at = self._by_lane(np.full(self.count, -1, np.int64))
        # No loss is below a negative level, and every loss is above it.
        level = -1.0 if batch.level is None else batch.level
        self._settings = np.array([batch.momentum, 2 * batch.factor, level, largest, *WEIGHTS], self._type)
        shape = (self._width, len(batch.weights), self._lanes)
        tile = _tile(self._width, budget)
        self._kernel = (
            _kernel.flow(*shape, parts, tile, COLUMNS)
            if flow
            else _kernel.descent(*shape, parts, tile, bool(batch.momentum))
        )
        self._room = _kernel.workspace(*shape, flow)
        self._register = size

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps, the first of which is numbered `first`."""
        if count:
            self._run(first, count, False)

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""
        self._run(first, count, True)

    def judge(self, step: int) -> None:
        """End the members that have converged or diverged at this step."""
        self._run(step, 0, False)

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
        return [torch.from_numpy(w) for w in self.weights], torch.from_numpy(self._given).double()

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

    def _run(self, first: int, count: int, look: bool) -> None:
        arrays = (self._layers, self._velocities, self._targets, self._rates, self._states, self._ended_at)

        def carry(begin: int, end: int) -> None:
            room = _aligned(self._room, self._type, self._register)
            self._kernel(*arrays, room, self._settings, first, count, begin, end, look)

        threads = min(torch.get_num_threads(), self._blocks)
        shares = min(_SHARES * threads, self._blocks)
        edges = [self._blocks * k // shares for k in range(shares + 1)]
        if threads == 1:
            carry(0, self._blocks)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: carry(*part), pairwise(edges)))

    def _by_lane(self, values: np.ndarray) -> np.ndarray:
        padded = np.zeros(self._blocks * self._lanes, values.dtype)
        padded[: self.count] = values
        return padded.reshape(self._blocks, self._lanes)

    def _laid_out(self, matrices: np.ndarray) -> Any:
        """Return matrices as (blocks, d, d, lanes), padded with zeros."""
        padded = np.zeros((self._blocks * self._lanes, self._width, self._width), self._type)
        padded[: self.count, : matrices.shape[1], : matrices.shape[2]] = matrices
        return np.ascontiguousarray(np.moveaxis(padded.reshape(self._blocks, self._lanes, *padded.shape[1:]), 1, -1))


@cache
def _register() -> tuple[int, int]:
    """Return the bytes of a vector register here, and the accumulators of a tile."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return next(((size, budget) for name, size, budget in _REGISTERS if features.get(name)), _OTHER_REGISTER)


def _padded(width: int) -> int:
    """Return the width to compute in: a prime beyond five has no tile."""
    return width + width % 2 if width > 5 else width


def _tile(width: int, budget: int) -> int:
    """Return 100 rows + columns of the tile with the most products a load, within a budget of accumulators.

    At most half a matrix: with its other half, the next product may begin before this one has ended.
    """
    sizes = [k for k in range(1, width + 1) if width % k == 0]
    shapes = [(r, c) for r in sizes for c in sizes if r * c <= min(budget, max(1, width**2 // 2))]
    rows, columns = max(shapes, key=lambda s: (s[0] * s[1] / (s[0] + s[1]), -abs(s[0] - s[1]), s[0]))
    return 100 * rows + columns


def _parts(width: int, most: int) -> int:
    """Return the registers of an entry: of small matrices several, for the work that hides the wait of a chain.

    A product waits for the one before it: two processors of sums, four cycles long, want sixteen entries at hand.
    """
    return next((parts for parts in (1, 2, 4, 8) if parts * width**2 >= 16 or 2 * parts > most), 8)


def _aligned(entries: int, kind: Any, size: int) -> np.ndarray:
    """Return an array that begins at a multiple of a register's size."""
    raw = np.empty(entries + size, kind)
    skip = (-raw.ctypes.data % size) // raw.itemsize
    return raw[skip : skip + entries]
