"""Some members of a modes' run carried again by full matrices: every layer its own, nothing supposed of them.

The matrices are rotated, so that nothing is diagonal. How far rounding drives L layers apart has no useful bound a
priori, so the agreement is judged against a resolution that is named, and the defect that was found is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.draws import gaussian_numerators
from workbench.ensembles import lanes
from workbench.ensembles.batched import Batch, Batched
from workbench.ensembles.modes import MARGIN, ModeRun

# The largest relative difference of two losses that counts as agreement.
RESOLUTION = 1e-6

# Products of matrices take this many operations, or calls, of a second or two; a check is cut there.
_MOST_OPERATIONS = 1e10
_MOST_CALLS = 40_000

# The fused path is compiled for each shape: worth its seconds for long runs of the narrowest networks only.
_WORTH = 100_000
_FUSED_WIDTH = 4

_MOST_BYTES = 2**26


@dataclass(frozen=True)
class Agreement:
    """How full matrices and modes compare.

    Parameters
    ----------
    members, steps : int
        Carried again, and for how long.
    complete : bool
        Whether to the end.
    defect : float
        Largest difference of the losses at the records, relative to the loss or the level if that is larger.
    off_by : int
        Largest difference of the steps at which the level is reached, where it is.
    """

    members: int
    steps: int
    complete: bool
    defect: float
    off_by: int

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the resolution, and a step."""
        return self.defect <= RESOLUTION and self.off_by <= 1


def check(
    values: np.ndarray, step_sizes: np.ndarray, depth: int, level: float, run: ModeRun, operations: float = 0.0
) -> Agreement:
    """Carry members again by full matrices, as far as some work goes.

    Parameters
    ----------
    values : numpy.ndarray, shape (B, d)
        Of the members to check, the first of the run's.
    step_sizes : numpy.ndarray, shape (B,)
    depth : int
    level : float
    run : ModeRun
    operations : float
        Floating-point operations that may be spent; a second or two of them when left out.
    """
    members, size = values.shape
    needed = int(run.reached[:members].max()) if (run.reached[:members] >= 0).all() else run.records[-1]
    fused = size <= _FUSED_WIDTH and needed * depth > _WORTH
    steps = min(needed, affordable(members, size, depth, operations or _MOST_OPERATIONS, fused))
    records = [record for record in run.records if record <= steps]
    basis = rotation(size)
    room = max(1, int(_MOST_BYTES // (24 * depth * size * size)))
    defect, off_by = 0.0, 0
    for first in range(0, members, room):
        part = slice(first, min(first + room, members))
        targets = (basis * values[part, None, :]) @ basis.T
        state = _state(targets, step_sizes[part], depth, level * (1 - MARGIN), fused)
        with _one_thread():
            ended, losses = _followed(state, targets, records, steps)
        reached = np.where(run.reached[part] < 0, steps + 1, run.reached[part])
        for place, record in enumerate(records):
            # A member that has ended stays where it was.
            there = (record <= reached) & ((ended < 0) | (record <= ended))
            size_of_loss = np.maximum(run.losses[place, part], level)
            gap = np.abs(losses[place] - run.losses[place, part]) / size_of_loss
            defect = max(defect, float(gap[there].max(initial=0.0)))
        both = (ended >= 0) & (run.reached[part] >= 0)
        off_by = max(off_by, int(np.abs(ended - run.reached[part])[both].max(initial=0)))
        # Only one of the two has reached the level: a step may be between them, no more.
        alone = (ended < 0) & (run.reached[part] >= 0) & (run.reached[part] < steps)
        off_by = max(off_by, 2 * int(alone.any()))
    return Agreement(members, steps, steps == needed, defect, off_by)


def affordable(members: int, size: int, depth: int, operations: float, fused: bool) -> int:
    """Return how many steps some work carries the members, at least one."""
    a_step = members * 2 * size**3 * max(1, 3 * depth - 3)
    steps = operations / a_step
    return max(1, int(steps if fused else min(steps, _MOST_CALLS / (3 * depth))))


def rotation(size: int) -> np.ndarray:
    """Return an orthogonal matrix, a function of its size."""
    drawn = gaussian_numerators("matrix_check", [size], size * size).reshape(size, size) * 2.0**-32
    return np.asarray(np.linalg.qr(drawn)[0])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: small products gain nothing from two, and wait for each other on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _state(targets: np.ndarray, step_sizes: np.ndarray, depth: int, level: float, fused: bool) -> Any:
    start = np.broadcast_to(np.eye(targets.shape[1]), targets.shape)
    batch = Batch([start.copy() for _ in range(depth)], targets, step_sizes, level=level)
    return lanes.Lanes(batch) if fused and lanes.available(batch) else Batched(batch)


def _followed(state: Any, targets: np.ndarray, records: list[int], steps: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the steps at which members ended, -1 where they did not, and their losses at the records."""
    losses, at = [], 0
    for record in [*records, *([steps] if steps != records[-1] else [])]:
        state.advance(at, record - at)
        at = record
        losses.append(_losses(state, targets, record))
    state.judge(steps)
    return np.asarray(state.ended_at), losses[: len(records)]


def _losses(state: Any, targets: np.ndarray, step: int) -> np.ndarray:
    if isinstance(state, Batched):
        state.judge(step)
        return np.asarray(state.loss)
    product = state.weights[0]
    for layer in state.weights[1:]:
        product = layer @ product
    return np.asarray(((product - targets) ** 2).sum(axis=(1, 2)) / 2)
