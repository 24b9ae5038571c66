"""Carries an ensemble: chooses the path, splits what does not fit, and returns what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.float64 import nearest
from workbench.ensembles import cuda, drawing, lanes
from workbench.ensembles.batched import CONVERGED, DIVERGED, RUNNING, STALLED, Batch, Batched
from workbench.ensembles.error_bound import ErrorBound
from workbench.ensembles.flow import Flow
from workbench.ensembles.following import follow
from workbench.ensembles.members import Ensemble
from workbench.ensembles.memory import parts
from workbench.ensembles.plan import Plan
from workbench.problem import NORMALISATIONS
from workbench.trajectory import Status

_STATUS = {RUNNING: Status.FINISHED, CONVERGED: Status.CONVERGED, STALLED: Status.STALLED, DIVERGED: Status.DIVERGED}


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
        Path, precision, device, where members were drawn, whether TF32 was allowed, and into how many parts the
        members were split.
    observables, observable_errors : mapping of str to numpy.ndarray, shapes (records, B)
        Of the computed iterates, with the errors of measuring them.
    """

    ensemble: Ensemble
    members: Sequence[int]
    steps: tuple[int, ...]
    weights: list[list[np.ndarray]]
    errors: np.ndarray | None
    status: list[Status]
    ended_at: list[int]
    flags: dict[str, Any] = field(default_factory=dict)
    observables: dict[str, np.ndarray] = field(default_factory=dict)
    observable_errors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader should see."""
        number = self.flags.get("parts", 1)
        return (f"the members did not fit at once and were run in {number} parts",) if number > 1 else ()


def batch_of(
    ensemble: Ensemble,
    members: Sequence[int],
    *,
    momentum: Fraction = Fraction(0),
    until_loss: Fraction | None = None,
    drawn_on: str | None = None,
) -> Batch:
    """Return some members in double precision, as arrays, or as tensors on the device that they are drawn on."""
    normalisation = NORMALISATIONS[ensemble.normalisation]
    factor = normalisation / ensemble.widths[0] if ensemble.normalisation == "mean" else normalisation
    return Batch(
        drawing.starts(ensemble, members, drawn_on) if drawn_on is not None else ensemble.starts(members),
        drawing.targets(ensemble, members, drawn_on) if drawn_on is not None else ensemble.targets(members),
        np.array([nearest(ensemble.step_size(i)) for i in members]),
        float(factor),
        nearest(momentum),
        None if until_loss is None else nearest(until_loss),
    )


def run(ensemble: Ensemble, steps: int, *, members: Sequence[int] | None = None, **options: Any) -> EnsembleRun:
    """Run descent, heavy ball or the flow on an ensemble; all parts of one that was split, put together.

    Parameters
    ----------
    ensemble : Ensemble
    steps : int
        Most steps of a member.
    members : sequence of int, optional
        All when left out.
    options
        The fields of `workbench.ensembles.plan.Plan`.
    """
    return _joined(list(stream(ensemble, Plan(steps, **options), members)))


def stream(ensemble: Ensemble, plan: Plan, members: Sequence[int] | None = None) -> Iterator[EnsembleRun]:
    """Yield the run of one part of the members after another, as many at once as the memory holds."""
    chosen = range(ensemble.count) if members is None else list(members)
    found = list(parts(ensemble, plan, chosen))
    for part in found:
        yield _run_part(ensemble, plan, part, len(found))


def _run_part(ensemble: Ensemble, plan: Plan, members: Sequence[int], number: int) -> EnsembleRun:
    drawn_on = plan.device if plan.drawn_on_device else None
    batch = batch_of(ensemble, members, momentum=plan.momentum, until_loss=plan.until_loss, drawn_on=drawn_on)
    with _session(plan.device, plan.precision):
        state, bound = state_of(batch, plan)
        kept = follow(state, bound, plan.kept, plan.observe, plan.keep_weights)
    states, ended = (np.asarray(a.cpu() if hasattr(a, "cpu") else a).tolist() for a in (state.state, state.ended_at))
    flags = {
        "path": state.path,
        "precision": plan.precision,
        "device": plan.device,
        "drawn_on_device": plan.drawn_on_device,
        "allow_tf32": plan.precision == "tf32",
        "parts": number,
    }
    return EnsembleRun(
        ensemble,
        members,
        tuple(plan.kept),
        kept.weights,
        np.array(kept.errors) if bound is not None else None,
        [_STATUS[s] for s in states],
        [plan.steps if at < 0 else at for at in ended],
        flags,
        {name: np.array(series) for name, series in kept.observables.items()},
        {name: np.array(series) for name, series in kept.observable_errors.items()},
    )


def _joined(runs: list[EnsembleRun]) -> EnsembleRun:
    """Return the runs of the parts as one."""
    first = runs[0]
    if len(runs) == 1:
        return first
    records = range(len(first.weights))
    layers = range(len(first.weights[0]) if first.weights else 0)
    return replace(
        first,
        members=[index for part in runs for index in part.members],
        weights=[[np.concatenate([part.weights[k][j] for part in runs]) for j in layers] for k in records],
        errors=None if first.errors is None else np.concatenate([part.errors for part in runs], axis=1),
        status=[status for part in runs for status in part.status],
        ended_at=[step for part in runs for step in part.ended_at],
        observables=_beside([part.observables for part in runs]),
        observable_errors=_beside([part.observable_errors for part in runs]),
    )


def _beside(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}


def state_of(batch: Batch, plan: Plan) -> tuple[Any, Any]:
    """Return the batch on the path that was asked for, with its error bound where one is wanted."""
    possible = not plan.bounded and lanes.available(batch, plan.precision, plan.device)
    if plan.path == "lanes" or (plan.path == "fastest" and possible):
        return lanes.Lanes(batch, plan.precision, flow=plan.flow), None
    if (
        not plan.flow
        and not plan.bounded
        and plan.path == "fastest"
        and cuda.available(batch, plan.precision, plan.device)
    ):
        return cuda.Programs(batch, plan.precision, plan.device), None
    if plan.flow:
        flow = Flow(batch, plan.precision, plan.device, bounded=plan.bounded)
        return flow, flow.error
    state = Batched(batch, plan.precision, plan.device)
    bound = ErrorBound(state) if plan.bounded else None
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
