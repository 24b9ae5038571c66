"""A ladder of arithmetics beside an enclosure: where each rung parts from it, and what it would have concluded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import dynamics
from workbench.evidence import compare
from workbench.exact import Measured
from workbench.probes._rungs import Walk
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory


@dataclass(frozen=True)
class Ladder:
    """The runs of one question."""

    problem: Problem
    method: Method
    enclosure: Trajectory
    walks: list[Walk]
    tolerance: Fraction
    theorem: Any

    @property
    def steps(self) -> int:
        return self.enclosure.steps[-1]

    @property
    def exact(self) -> list[Measured]:
        return list(self.enclosure.observables["loss"])


def loss_parts(run: Walk, ladder: Ladder) -> int | None:
    """Return the first step at which a loss differs from the enclosed one by more than the tolerance of it."""
    share = ladder.tolerance
    for step, (seen, exact) in enumerate(zip(run.loss, ladder.exact, strict=True)):
        if exact.value is None or exact.error is None:
            return None
        room = share * exact.value + exact.error
        if not math.isfinite(seen) or abs(Fraction(seen) - exact.value) > room:
            return step
    return None


def symmetry_breaks(series: Sequence[float], run: Walk, ladder: Ladder) -> int | None:
    """Return the first step at which a defect that is exactly zero is more than the tolerance."""
    if not series or not _keeps_symmetry(ladder.problem):
        return None
    share = float(ladder.tolerance)
    return next((step for step, value in enumerate(series) if not value <= share), None)


def _keeps_symmetry(problem: Problem) -> bool:
    """Say whether exact descent keeps all layers equal and symmetric: Lemma 6, from the identity."""
    loss = problem.loss
    return problem.start.scheme == "identity" and loss.inputs is None and loss.target.is_symmetric()


def verdict(ladder: Ladder, run: Walk | None) -> str:
    """Return the verdict that a run's own numbers give, and the first step that breaks the bound."""
    if run is None:
        trajectory = ladder.enclosure
    elif not all(math.isfinite(x) for x in run.loss):
        return "undecided, overflow"
    else:
        seen = tuple(Measured(Fraction(x)) for x in run.loss)
        arithmetic = Arithmetic("float64", None, 53)
        trajectory = replace(
            ladder.enclosure, observables={"loss": seen}, arithmetic=arithmetic, grade="estimate", notes=()
        )
    evidence = compare(ladder.theorem, trajectory)
    broken = [
        step
        for judged in evidence.judged
        for step, (left, right) in enumerate(zip(judged.lhs, judged.rhs, strict=False))
        if _breaks(judged, left, right)
    ]
    return evidence.verdict + (f" from step {min(broken)}" if broken else "")


def _breaks(judged: Any, left: Measured, right: Measured) -> bool:
    relation = getattr(judged.prediction, "relation", None)
    if relation is None:
        return False
    slack = right.minus(left) if relation == "<=" else left.minus(right)
    bounds = slack.bounds()
    return bounds is not None and bounds[1] < 0


# Subsets of more singular values than this are not listed.
_MOST_MODES = 12


def settled(loss: Sequence[float], ladder: Ladder) -> str:
    """Return the critical value that a run's last loss is near: half the squares of the singular values left out."""
    target = np.array([[float(x) for x in row] for row in ladder.problem.loss.target.rows])
    values = [float(v) for v in np.linalg.svd(target, compute_uv=False)]
    if len(values) > _MOST_MODES or not math.isfinite(loss[-1]) or ladder.problem.loss.inputs is not None:
        return "-"
    factor = float(ladder.problem.loss.factor)
    subsets = [s for n in range(len(values) + 1) for s in itertools.combinations(values, n)]
    nearest = min(subsets, key=lambda left: abs(factor * sum(v * v for v in left) - loss[-1]))
    value = factor * sum(v * v for v in nearest)
    if abs(value - loss[-1]) > float(ladder.tolerance) * max(value, 2 * factor * min(values) ** 2):
        return "between critical values"
    return "a global minimum" if not nearest else f"{value:.4g}, without {', '.join(f'{v:.4g}' for v in nearest)}"


def halved(ladder: Ladder) -> Fraction | None:
    """Return the loss at the same flow time with half the step, enclosed."""
    method, step = ladder.method, ladder.method.step_size or Fraction(0)
    finer = replace(method, step_size=step / 2, stop=replace(method.stop, steps=2 * ladder.steps))
    run = dynamics.run(ladder.problem, finer, ladder.enclosure.arithmetic)
    return run.observables["loss"][-1].value if run.status is not Status.DIVERGED else None


def slacks(ladder: Ladder) -> list[tuple[str, Fraction | None]]:
    """Return each inequality of the statement with its slack in the last step of exact descent."""
    found = []
    for judged in _inequalities(ladder):
        gap = judged.rhs[-1].minus(judged.lhs[-1])
        found.append((judged.prediction.label, None if gap.value is None else abs(gap.value)))
    return found


def floors(ladder: Ladder) -> list[float]:
    """Return the floors that the statement names."""
    levels = [j.rhs[-1].value for j in _inequalities(ladder) if j.prediction.relation == ">="]
    return [float(level) for level in levels if level is not None]


def _inequalities(ladder: Ladder) -> list[Any]:
    if ladder.theorem is None:
        return []
    judged = compare(ladder.theorem, ladder.enclosure).judged
    return [j for j in judged if getattr(j.prediction, "relation", None) is not None and j.rhs]
