"""Is one the true radius around the identity: the slowest target at each distance below it, and none beyond.

At distance r the target diag(1 - r, 1) takes a number of steps that grows without bound as r tends to one, and
`failure_beyond_radius` proves that targets beyond are out of reach. Below, a target that descent does not reach, or
reaches more slowly, is searched for; the slowest is run in balls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from workbench import experiment
from workbench.probes.base import (
    NONE_FOUND,
    UNDECIDED,
    Axis,
    Figure,
    Finding,
    Number,
    Panel,
    Series,
    Table,
    TimeLimit,
    Witness,
)
from workbench.trajectory import Status

_DISTANCES = (Fraction(1, 10), Fraction(1, 2), Fraction(3, 4), Fraction(9, 10), Fraction(19, 20))
_LEVEL, _MOST_STEPS, _EVALUATIONS = 1e-8, 4000, 80

# Targets are rounded to multiples of this, towards the identity, so that their distance stays below r.
_GRID = 100_000


@dataclass(frozen=True)
class Slowest:
    """At one distance: the steps of diag(1 - r, 1), the slowest target that was met and its steps."""

    distance: Fraction
    diagonal: int
    steps: int
    target: list[list[str]]
    tried: int


def steps_to(target: Any, depth: int) -> int:
    """Return the steps of descent at 1/(2L) to the level, in double precision, or the most that are taken."""
    size = len(target)
    layers = np.array([np.eye(size)] * depth)
    for count in range(_MOST_STEPS):
        before = [np.eye(size)]
        for layer in layers:
            before.append(layer @ before[-1])
        error = before[-1] - target
        if float(np.sum(error**2)) / 2 <= _LEVEL:
            return count
        above, gradients = np.eye(size), []
        for j in reversed(range(depth)):
            gradients.append(above.T @ error @ before[j].T)
            above = above @ layers[j]
        layers = layers - np.array(gradients[::-1]) / (2 * depth)
    return _MOST_STEPS


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Search at each distance, certify the slowest target of all, and set it beside the diagonal one."""
    depth, random = int(question["depth"]), Random(int(question["seed"]))
    found = []
    for distance in _DISTANCES:
        if limit.over:
            break
        found.append(_slowest(distance, depth, random, limit))
    certified = _certified(found[-1], depth) if found else None
    slower = [s for s in found if s.steps > s.diagonal]
    unreached = [s for s in found if s.steps >= _MOST_STEPS]
    longest = max((s.steps for s in found), default=0)
    rows = [
        (str(s.distance), str(s.diagonal), str(s.steps), str(s.tried), str(s.target).replace("'", "")) for s in found
    ]
    answer = (
        f"Every target that was met within distance one was reached; the slowest took {longest} steps, and "
        f"{'one was' if slower else 'none was'} slower than diag(1 - r, 1)."
    )
    numbers: dict[str, Number] = {}
    if certified is not None and found:
        label = f"steps to the loss {_LEVEL:g} of the slowest target at r = {found[-1].distance}, in balls"
        numbers["steps"] = Number(label, certified, "exact")
    return Finding(
        UNDECIDED if limit.was_over or unreached else NONE_FOUND,
        f"Does descent from the identity reach every target within distance one of it, at depth {depth}?",
        answer if not unreached else "A target was not reached within the steps that were taken.",
        numbers,
        witness=None if not found else Witness("the slowest target met", {"rows": found[-1].target, "L": str(depth)}),
        searched=[
            f"{sum(s.tried for s in found)} targets of size 2 at the distances "
            f"{', '.join(str(s.distance) for s in found)}, step size 1/(2 L), "
            f"CMA-ES over the direction, seed {question['seed']}"
        ],
        not_found=["a target within distance one that descent does not reach", "a proof that there is none"],
        figure=_figure(found),
        tables=[
            Table("The slowest target at each distance", ("r", "diag(1-r, 1)", "slowest", "tried", "target"), rows)
        ],
    )


def _placed(point: Sequence[float], distance: Fraction) -> list[list[Fraction]]:
    """Return the rational target in a direction from the identity, within the distance."""
    length = max(1e-9, float(np.sqrt(sum(x * x for x in point))))
    offsets = [Fraction(int(float(distance) * x / length * _GRID), _GRID) for x in point]
    return [[Fraction(i == j) + offsets[2 * i + j] for j in range(2)] for i in range(2)]


def _slowest(distance: Fraction, depth: int, random: Random, limit: TimeLimit) -> Slowest:
    from cma import CMAEvolutionStrategy

    start = [[1 - distance, Fraction(0)], [Fraction(0), Fraction(1)]]
    diagonal = steps_to(np.array(start, dtype=float), depth)
    best, rows, tried = 0, start, 0
    options = {"verbose": -9, "seed": random.randrange(1, 2**31), "maxfevals": _EVALUATIONS}
    strategy = CMAEvolutionStrategy([-1.0, *(random.uniform(-0.5, 0.5) for _ in range(3))], 0.5, options)
    while not strategy.stop() and not limit.over:
        points = strategy.ask()
        costs = []
        for point in points:
            target = _placed(list(point), distance)
            steps = steps_to(np.array(target, dtype=float), depth)
            tried += 1
            costs.append(-float(steps))
            if steps > best:
                best, rows = steps, target
        strategy.tell(points, costs)
    return Slowest(distance, diagonal, best, [[str(x) for x in row] for row in rows], tried)


def _certified(slowest: Slowest, depth: int) -> int | None:
    """Return the step at which balls prove that the loss is at most the level, None where they do not."""
    run = experiment.read(
        {
            "theorem": "failure_beyond_radius",
            "problem": {
                "network": {"kind": "linear", "widths": [2] * (depth + 1)},
                "loss": {"kind": "square", "target": {"rows": slowest.target}, "normalisation": "half"},
                "start": {"scheme": "identity"},
            },
            "dynamics": {
                "name": "gradient_descent",
                "step_size": str(Fraction(1, 2 * depth)),
                "stop": {"until_loss": "1e-8", "steps": _MOST_STEPS},
            },
            "backend": {"name": "ball", "digits": 20},
        }
    ).trajectory()
    return run.steps[-1] if run.status is Status.CONVERGED and run.grade == "enclosure" else None


def _figure(found: list[Slowest]) -> Figure | None:
    if not found:
        return None
    distances = [float(s.distance) for s in found]
    series = (
        Series("slowest met", distances, [float(s.steps) for s in found], "joined"),
        Series(r"$\mathrm{diag}(1 - r, 1)$", distances, [float(s.diagonal) for s in found], "dashed"),
    )
    panel = Panel(Axis("distance to the identity", high=1.0), Axis("steps to the loss", "log"), series)
    return Figure((panel,), "Steps of descent to targets within distance one of the identity.")
