"""A theorem on an ensemble: every member judged by the rule of `workbench.evidence`, and the four verdicts counted.

A member is judged as its exact problem, on the floating iterates of the batch with the member's own error bound in
every entry; where that bound does not decide, the member is undecided. The ensemble's verdict is the worst present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import evidence, observables
from workbench.backends.float64 import Float64
from workbench.backends.reals import reals
from workbench.backends.running_error import RunningError
from workbench.ensembles.descent import EnsembleRun, stream
from workbench.ensembles.members import Ensemble
from workbench.ensembles.plan import Plan
from workbench.errors import InputError
from workbench.evidence import CONSISTENT, UNDECIDED, VACUOUS, VIOLATED
from workbench.exact import Measured
from workbench.experiment import read_method
from workbench.networks import Parameters, build
from workbench.problem import Problem
from workbench.theorems import Theorem
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory

# From the worst to the best.
VERDICTS = (VIOLATED, UNDECIDED, VACUOUS, CONSISTENT)

# Members whose weights are held at once, and records kept of each when none are named.
_CHUNK = 512
_RECORDS = 16

_ROUNDOFF = 2.0**-53

_MEMBER = "one member of an ensemble"


@dataclass(frozen=True)
class EnsembleEvidence:
    """What an ensemble says of a theorem.

    Parameters
    ----------
    theorem : Theorem
    ensemble : Ensemble
    counts : mapping of str to int
        Members by verdict, all four named.
    worst_member : int
        Of the worst verdict present, the member of the smallest margin.
    worst_margin : Measured
    statuses : mapping of str to int
        Members by how their runs ended.
    verdicts : list of str
        Of each member.
    notes : tuple of str
        Sentences that a reader of the verdict should see.
    """

    theorem: Theorem
    ensemble: Ensemble
    counts: dict[str, int]
    worst_member: int
    worst_margin: Measured
    statuses: dict[str, int] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst verdict present: violated, undecided, vacuous, consistent."""
        return next(v for v in VERDICTS if self.counts[v])


def compare(
    theorem: Theorem,
    ensemble: Ensemble,
    steps: int,
    *,
    without: Sequence[str] = (),
    records: Sequence[int] | None = None,
    momentum: Fraction = Fraction(0),
    precision: str = "float64",
    device: str = "cpu",
    flow: bool = False,
    memory: int | None = None,
    keep: Callable[[int, Trajectory], None] | None = None,
) -> EnsembleEvidence:
    """Run an ensemble and judge a theorem on every member.

    Parameters
    ----------
    theorem : Theorem
    ensemble : Ensemble
    steps : int
    without : sequence of str
        Hypotheses to set aside.
    records : sequence of int, optional
        Steps at which members are judged; when left out, about sixteen, spread in ratio, or all that a theorem needs.
    momentum : Fraction
    precision : {"float64", "float32"}
    device : str
    flow : bool
        The gradient flow in steps of flow time eta, in place of descent.
    memory : int, optional
        Bytes that members may take at once; half of what is free when left out.
    keep : callable, optional
        Takes each member's number and its run, as soon as it is judged.
    """
    if steps < 1:
        raise InputError(f"the steps are {steps}; give a positive integer")
    kept = _recorded(theorem, steps) if records is None else sorted({0, *records})
    method = Method("gradient_flow" if flow else "gradient_descent", Stop(steps))
    if momentum:
        method = Method("heavy_ball", Stop(steps), None, {"momentum": momentum})
    given: dict[str, Any] = {"precision": precision, "device": device, "momentum": momentum, "flow": flow}
    plan = Plan(steps, kept, bounded=True, memory=memory, **given)
    notes: dict[str, None] = {}
    verdicts: list[str] = []
    margins: list[Measured] = []
    statuses: dict[str, int] = {}
    for first in range(0, ensemble.count, _CHUNK):
        members = range(first, min(first + _CHUNK, ensemble.count))
        for carried in stream(ensemble, plan, members):
            notes |= dict.fromkeys(carried.notes)
            followed = trajectories(carried, method, theorem.observes)
            for index, trajectory in zip(carried.members, followed, strict=True):
                found = evidence.compare(theorem, trajectory, without)
                notes |= dict.fromkeys(note for note in trajectory.notes if note != _MEMBER)
                verdicts.append(found.verdict)
                margins.append(found.margin)
                word = trajectory.status.name.lower()
                statuses[word] = statuses.get(word, 0) + 1
                if keep is not None:
                    keep(index, trajectory)
    counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
    worst = min(range(ensemble.count), key=lambda i: (VERDICTS.index(verdicts[i]), _rank(margins[i]), i))
    return EnsembleEvidence(theorem, ensemble, counts, worst, margins[worst], statuses, verdicts, tuple(notes))


def with_largest_steps(ensemble: Ensemble, theorem: Theorem) -> Ensemble:
    """Return the ensemble in which every member takes the largest step size that the theorem allows it."""
    asked = {"name": "gradient_descent", "step_size": "largest", "stop": {"steps": 1}}
    sizes = [read_method(asked, ensemble.member(i), theorem).step_size for i in range(ensemble.count)]
    return replace(ensemble, step_sizes=tuple(size for size in sizes if size is not None))


def _recorded(theorem: Theorem, steps: int) -> list[int]:
    """Return the steps to record: a theorem about sums over the run, or pairs of steps, has the hypothesis so named."""
    return list(range(steps + 1)) if "every_step" in theorem.hypothesis_texts else spread(steps)


def spread(steps: int, most: int = _RECORDS) -> list[int]:
    """Return the first step, the last, and a few between them in ratio."""
    return sorted({0, 1, steps} | {round(steps ** (k / (most - 2))) for k in range(most - 1)})


def trajectories(carried: EnsembleRun, method: Method, observes: Sequence[str]) -> Iterator[Trajectory]:
    """Yield each member's run as a judge sees it.

    Parameters
    ----------
    carried : EnsembleRun
        With its error bounds.
    method : Method
        Without a step size, which is the member's own.
    observes : sequence of str
    """
    names = tuple(dict.fromkeys(("loss", *observes)))
    errors = carried.errors
    if errors is None:
        raise InputError("the run of the ensemble has no error bounds; run it with bounded=True")
    for place, index in enumerate(carried.members):
        yield _trajectory(carried, errors, place, index, method, names)


def _trajectory(
    carried: EnsembleRun, errors: np.ndarray, place: int, index: int, method: Method, names: tuple[str, ...]
) -> Trajectory:
    ensemble, status, end = carried.ensemble, carried.status[place], carried.ended_at[place]
    problem, step_size = ensemble.member(index), ensemble.step_size(index)
    # A member that has ended stays where it ended, so any later record holds its last iterate.
    before = [k for k, step in enumerate(carried.steps) if step < end]
    rows = [*before, len(before)]
    steps = (*(carried.steps[k] for k in before), end)
    layers = [[w[place] for w in carried.weights[k]] for k in rows]
    bounds = [float(errors[k, place]) for k in rows]
    bits = 53 if carried.flags["precision"] == "float64" else 24
    flow = method.name == "gradient_flow"
    own = replace(method, step_size=step_size)
    if flow:
        own = replace(method, stop=Stop(time=carried.steps[-1] * step_size))
    measured, unmeasured = _measured(problem, None if flow else step_size, layers, bounds, steps, names)
    return Trajectory(
        problem,
        own,
        Arithmetic("torch", None, bits, carried.flags["device"]),
        steps,
        tuple(k * step_size for k in steps),
        measured,
        "estimate",
        status,
        notes=(*((_MEMBER,) if status is not Status.DIVERGED else ()), *unmeasured),
    )


def _measured(
    problem: Problem,
    step_size: Fraction | None,
    layers: list[list[np.ndarray]],
    bounds: list[float],
    steps: tuple[int, ...],
    names: tuple[str, ...],
) -> tuple[dict[str, tuple[Measured, ...]], tuple[str, ...]]:
    """Compute the observables from weights that carry the member's error; a sentence for each that there is none of."""
    backend = RunningError(Float64())
    network, real = build(problem, backend), reals(117)
    measures = {name: observables.load(name) for name in names}
    found: dict[str, list[Measured]] = {name: [] for name in names}
    unmeasured: dict[str, str] = {}
    previous: Parameters | None = None
    with backend.session(), real.session():
        for k, step in enumerate(steps):
            now = tuple(backend.wrap(layer, bounds[k] / _ROUNDOFF) for layer in layers[k])
            adjacent = previous if step_size is not None and k and steps[k - 1] == step - 1 else None
            snapshot = observables.Snapshot(network, now, network.parameters, adjacent, step_size, real)
            for name, measure in measures.items():
                found[name].append(observables.measured(name, measure, snapshot, unmeasured))
            previous = now
    return {name: tuple(values) for name, values in found.items()}, tuple(unmeasured.values())


def _rank(margin: Measured) -> Fraction:
    """Return a margin for ordering: one that is not known comes first among its verdict."""
    return Fraction(-(10**30)) if margin.value is None else margin.value
