"""Carries an ensemble: chooses the path, looks for members that stall, and keeps what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from workbench.backends.float64 import nearest
from workbench.ensembles import lanes
from workbench.ensembles.batched import CONVERGED, DIVERGED, RUNNING, STALLED, Batch, Batched
from workbench.ensembles.error_bound import ErrorBound
from workbench.ensembles.members import Ensemble
from workbench.errors import InputError, UnsupportedError
from workbench.problem import NORMALISATIONS
from workbench.trajectory import Status

PRECISIONS = ("float64", "float32", "tf32")

# Steps between two looks for members whose step moves nothing.
_LOOK = 64

_STATUS = {RUNNING: Status.FINISHED, CONVERGED: Status.CONVERGED, STALLED: Status.STALLED, DIVERGED: Status.DIVERGED}


class State(Protocol):
    """A batch that moves: what both paths offer."""

    path: str

    def advance(self, first: int, count: int) -> None:
        """Take `count` steps."""

    def judge(self, step: int) -> None:
        """End members that have converged or diverged at this step."""

    def end(self, members: Any, state: int, step: int) -> None:
        """Mark members as ended and hold them."""

    @property
    def weights(self) -> list[np.ndarray]:
        """The layers as they stand."""


@dataclass(frozen=True)
class EnsembleRun:
    """What was recorded of an ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    members : sequence of int
        The members that were run, B of them.
    steps : tuple of int
        Step numbers of the records.
    weights : list of list of numpy.ndarray
        For each record the layers, shapes (B, d_j, d_{j-1}); a member that has ended stays where it ended.
    errors : numpy.ndarray or None, shape (records, B)
        Bounds of the Frobenius distance to the exact iterate (estimates), where they were asked for.
    status : list of Status
    ended_at : list of int
        The step at which each member ended; a stall is seen within 64 steps.
    flags : mapping
        Path, precision, device, whether TF32 was allowed.
    """

    ensemble: Ensemble
    members: Sequence[int]
    steps: tuple[int, ...]
    weights: list[list[np.ndarray]]
    errors: np.ndarray | None
    status: list[Status]
    ended_at: list[int]
    flags: dict[str, Any] = field(default_factory=dict)


def batch_of(
    ensemble: Ensemble, members: Sequence[int], *, momentum: Fraction = Fraction(0), until_loss: Fraction | None = None
) -> Batch:
    """Return some members in double precision."""
    normalisation = NORMALISATIONS[ensemble.normalisation]
    factor = normalisation / ensemble.widths[0] if ensemble.normalisation == "mean" else normalisation
    return Batch(
        ensemble.starts(members),
        ensemble.targets(members),
        np.array([nearest(ensemble.step_size(i)) for i in members]),
        float(factor),
        nearest(momentum),
        None if until_loss is None else nearest(until_loss),
    )


def run(
    ensemble: Ensemble,
    steps: int,
    *,
    records: Sequence[int] | None = None,
    members: Sequence[int] | None = None,
    momentum: Fraction = Fraction(0),
    until_loss: Fraction | None = None,
    precision: str = "float64",
    device: str = "cpu",
    path: str = "fastest",
    bounded: bool = False,
) -> EnsembleRun:
    """Run gradient descent, or heavy ball, on an ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    steps : int
        Most steps of a member.
    records : sequence of int, optional
        Steps at which the weights are kept; the first and the last when left out.
    members : sequence of int, optional
        All when left out.
    momentum : Fraction
    until_loss : Fraction, optional
        A member whose loss is at most this has converged and stays.
    precision : {"float64", "float32", "tf32"}
    device : str
    path : {"fastest", "batched", "lanes"}
    bounded : bool
        Whether the distance to the exact run is bounded along, on the batched path.
    """
    if precision not in PRECISIONS:
        raise InputError(f"the precision is {precision!r}; give one of {', '.join(PRECISIONS)}")
    chosen = list(range(ensemble.count)) if members is None else list(members)
    batch = batch_of(ensemble, chosen, momentum=momentum, until_loss=until_loss)
    kept = sorted({0, steps} if records is None else {*records, steps})
    if kept[0] < 0 or kept[-1] > steps:
        raise InputError(f"the records {kept[0]} ... {kept[-1]} leave the run of {steps} steps")
    with _session(device, precision):
        state, bound = _state(batch, precision, device, path, bounded)
        found, errors = _follow(state, bound, kept)
    states, ended = np.asarray(state.state).tolist(), np.asarray(state.ended_at).tolist()
    return EnsembleRun(
        ensemble,
        chosen,
        tuple(kept),
        found,
        errors,
        [_STATUS[s] for s in states],
        [steps if at < 0 else at for at in ended],
        {"path": state.path, "precision": precision, "device": device, "allow_tf32": precision == "tf32"},
    )


def _state(batch: Batch, precision: str, device: str, path: str, bounded: bool) -> tuple[Any, ErrorBound | None]:
    """Return the batch on the path that was asked for, with its error bound where one is wanted."""
    if path not in ("fastest", "batched", "lanes"):
        raise InputError(f"the path is {path!r}; give fastest, batched or lanes")
    if bounded and (path == "lanes" or precision == "tf32"):
        raise UnsupportedError("errors are bounded along batched products in float64 or float32 only")
    if path == "lanes" or (path == "fastest" and not bounded and lanes.available(batch, precision, device)):
        return lanes.Lanes(batch, precision), None
    state = Batched(batch, precision, device)
    bound = ErrorBound(state) if bounded else None
    state.watch = bound
    return state, bound


@contextmanager
def _session(device: str, precision: str) -> Iterator[None]:
    """Open the device's session, where TF32 is allowed only if it was asked for."""
    import torch

    from workbench.backends.torch import Torch

    with Torch(device).session():
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        yield


def _follow(state: Any, bound: ErrorBound | None, kept: list[int]) -> tuple[list[list[np.ndarray]], np.ndarray | None]:
    """Carry the state from record to record."""
    found, errors, at = [], [], 0
    for record in kept:
        while at < record:
            stride = min(record - at, _LOOK)
            _stride(state, at, stride)
            at += stride
        if record == kept[-1]:
            state.judge(record)
        found.append(state.weights)
        if bound is not None:
            errors.append(bound.bound.cpu().numpy().copy())
    return found, np.array(errors) if bound is not None else None


def _stride(state: Any, first: int, count: int) -> None:
    """Take some steps, and end the running members that the last of them did not move at all."""
    state.advance(first, count - 1)
    before = state.weights
    running = np.asarray(state.running)
    state.advance(first + count - 1, 1)
    same = running & np.asarray(state.running)
    for old, new in zip(before, state.weights, strict=True):
        same &= (old == new).all(axis=(1, 2))
    if same.any():
        state.end(_like(state, same), STALLED, first + count - 1)


def _like(state: Any, mask: np.ndarray) -> Any:
    """Return a mask where the state's own arrays live."""
    if isinstance(state.state, np.ndarray):
        return mask
    import torch

    return torch.from_numpy(mask).to(state.state.device)
