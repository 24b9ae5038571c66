"""Carries a state from record to record and keeps what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from workbench.ensembles import observed

# Steps between two looks for members whose step moves nothing.
_LOOK = 64


class State(Protocol):
    """A batch that moves: what every path offers."""

    path: str
    factor: float
    state: Any

    def stride(self, first: int, count: int) -> None:
        """Take `count` steps, and end the running members that the last of them did not move at all."""

    def judge(self, step: int) -> None:
        """End members that have converged or diverged at this step."""

    @property
    def weights(self) -> list[np.ndarray]:
        """The layers as they stand, copied to the CPU in double precision."""

    @property
    def tensors(self) -> tuple[list[Any], Any]:
        """The layers and the target as tensors where they lie."""


@dataclass
class Kept:
    """What the records hold: `weights` and `errors` only where they were asked for.

    Parameters
    ----------
    weights : list of list of numpy.ndarray
    errors : list of numpy.ndarray, shapes (B,)
    observables, observable_errors : mapping of str to list of numpy.ndarray, shapes (B,)
    """

    weights: list[list[np.ndarray]] = field(default_factory=list)
    errors: list[np.ndarray] = field(default_factory=list)
    observables: dict[str, list[np.ndarray]] = field(default_factory=dict)
    observable_errors: dict[str, list[np.ndarray]] = field(default_factory=dict)


def follow(state: State, bound: Any, records: Sequence[int], observe: Sequence[str], keep_weights: bool) -> Kept:
    """Carry the state to its last record.

    Parameters
    ----------
    state : State
    bound : object or None
        Its `bound` is the distance of each member to the exact run.
    records : sequence of int
        Ascending.
    observe : sequence of str
        Names of `workbench.ensembles.observed`.
    keep_weights : bool
    """
    kept = Kept(observables={name: [] for name in observe}, observable_errors={name: [] for name in observe})
    at = 0
    for record in records:
        while at < record:
            stride = min(record - at, _LOOK)
            state.stride(at, stride)
            at += stride
        if record == records[-1]:
            state.judge(record)
        _keep(state, bound, kept, keep_weights)
    return kept


def _keep(state: State, bound: Any, kept: Kept, keep_weights: bool) -> None:
    if keep_weights:
        kept.weights.append(state.weights)
    if bound is not None:
        kept.errors.append(bound.bound.cpu().numpy().copy())
    if kept.observables:
        layers, target = state.tensors
        for name, series in kept.observables.items():
            values, errors = observed.measure(name, layers, target, state.factor)
            series.append(values.cpu().numpy())
            kept.observable_errors[name].append(errors.cpu().numpy())
