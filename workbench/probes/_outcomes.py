"""What became of a run, as one word that its error proves, or `undecided`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench import dynamics, experiment
from workbench.exact import Measured
from workbench.trajectory import Status, Trajectory

UNDECIDED = "undecided"


@dataclass(frozen=True)
class Side:
    """A value of the parameter, the word for its run, and the specification of that run."""

    x: Fraction
    word: str
    specification: Mapping[str, Any]


def verdict(specification: Mapping[str, Any]) -> str:
    """Return the verdict of a theorem on the run."""
    return experiment.read(specification).evidence().verdict


def falls(specification: Mapping[str, Any], level: Fraction | None) -> str:
    """Say whether the last loss is below the first."""
    loss = _trajectory(specification).observables["loss"]
    return _compared(loss[-1].minus(loss[0]), "falls", "rises")


def reaches(specification: Mapping[str, Any], level: Fraction | None) -> str:
    """Say whether any loss is at most the level."""
    run = _trajectory(specification)
    bounds = [value.bounds() for value in run.observables["loss"]]
    floor = level or Fraction(0)
    if any(b is not None and b[1] <= floor for b in bounds):
        return "reaches"
    return "stays above" if all(b is not None and b[0] > floor for b in bounds) else UNDECIDED


def diverges(specification: Mapping[str, Any], level: Fraction | None) -> str:
    """Say whether the run diverges."""
    run = _trajectory(specification)
    if run.status is Status.DIVERGED:
        return "diverges"
    return "stays bounded" if all(v.finite for v in run.observables["loss"]) else UNDECIDED


def _compared(gap: Measured, below: str, above: str) -> str:
    bounds = gap.bounds()
    if bounds is None:
        return UNDECIDED
    return below if bounds[1] < 0 else above if bounds[0] > 0 else UNDECIDED


def _trajectory(specification: Mapping[str, Any]) -> Trajectory:
    problem = experiment.read_problem(specification["problem"])
    method = experiment.read_method(specification["dynamics"], problem)
    arithmetic = experiment.read_arithmetic(specification["backend"])
    return dynamics.run(problem, method, arithmetic)


WORDS: Mapping[str, Callable[[Mapping[str, Any], Fraction | None], str]] = {
    "falls": falls,
    "reaches": reaches,
    "diverges": diverges,
}


def judged(outcome: str, specification: Mapping[str, Any], level: Fraction | None) -> str:
    """Return the word for a run; a specification that means nothing is refused as such."""
    if outcome == "verdict":
        return verdict(specification)
    return WORDS[outcome](specification, level)
