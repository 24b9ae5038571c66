"""The verdict on a statement about a limit, along a family of runs.

A finite family neither proves nor refutes a limit, so the statement names a resolution. With the gaps |value - limit|
in the order of the family: `consistent` when the last gap is at most the resolution for certain and no gap is larger
than the one before for certain; `violated` when the last of three or more is above the resolution for certain and none
is smaller than the one before for certain; otherwise `undecided`: the family may still approach, or its errors do not
tell. Hypotheses are
audited for every member, and one that fails anywhere makes the family `vacuous`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from workbench.backends.reals import reals
from workbench.errors import InputError, UnknownNameError
from workbench.evidence import CONSISTENT, UNDECIDED, VACUOUS, VIOLATED, measured, run_of
from workbench.exact import UNKNOWN, Measured
from workbench.theorems import Hypothesis, Limit, Run, Theorem
from workbench.trajectory import Status, Trajectory

# Bits of the predictions beyond those of the finest member.
_GUARD = 64


@dataclass(frozen=True)
class JudgedLimit:
    """One limit along a family.

    Parameters
    ----------
    prediction : Limit
    verdict : str
    values : sequence of Measured
    limit : Measured
    gaps : sequence of Measured
        |value - limit|.
    """

    prediction: Limit
    verdict: str
    values: Sequence[Measured]
    limit: Measured
    gaps: Sequence[Measured]


@dataclass(frozen=True)
class FamilyEvidence:
    """A theorem, a family of runs, and the verdict.

    Parameters
    ----------
    theorem : Theorem
    trajectories : sequence of Trajectory
    verdict : str
    hypotheses : list of list of Hypothesis
        Those of each member.
    judged : list of JudgedLimit
    """

    theorem: Theorem
    trajectories: Sequence[Trajectory]
    verdict: str
    hypotheses: list[list[Hypothesis]]
    judged: list[JudgedLimit] = field(default_factory=list)

    @property
    def grade(self) -> str:
        """An enclosure where every member is one."""
        return "enclosure" if all(t.grade == "enclosure" for t in self.trajectories) else "estimate"

    @property
    def gap(self) -> Measured:
        """The largest of the last gaps."""
        return Measured.largest(j.gaps[-1] for j in self.judged if j.gaps) if self.judged else UNKNOWN


def judge(theorem: Theorem, trajectories: Sequence[Trajectory], without: Iterable[str] = ()) -> FamilyEvidence:
    """Judge a statement about a limit on a family of runs, in their order."""
    if len(trajectories) < 2:
        raise InputError(f"a family has {len(trajectories)} runs; give at least two, in the order of the limit")
    bits = max(t.arithmetic.precision_bits or 53 for t in trajectories) + _GUARD
    arithmetic, dropped = reals(bits), tuple(without)
    runs = [Run(run_of(t).trajectory, arithmetic) for t in trajectories]
    with arithmetic.session():
        hypotheses = [theorem.hypotheses(run) for run in runs]
        names = [h.name for h in hypotheses[0]]
        for name in dropped:
            if name not in names:
                raise UnknownNameError(f"hypothesis of {theorem.name}", name, names)
        held = {h.holds for audited in hypotheses for h in audited if h.name not in dropped}
        if held != {True}:
            return FamilyEvidence(theorem, trajectories, VACUOUS if False in held else UNDECIDED, hypotheses)
        judged = [_judged(limit, runs[0]) for limit in theorem.predict_family(runs)]
    verdicts = {j.verdict for j in judged}
    diverged = any(t.status is Status.DIVERGED for t in trajectories)
    verdict = CONSISTENT if verdicts == {CONSISTENT} and not diverged else UNDECIDED
    return FamilyEvidence(theorem, trajectories, VIOLATED if VIOLATED in verdicts else verdict, hypotheses, judged)


def _judged(prediction: Limit, run: Run) -> JudgedLimit:
    values = [measured(run.reals, value) for value in prediction.values]
    limit = measured(run.reals, prediction.limit)
    gaps = [_absolute(value.minus(limit)) for value in values]
    return JudgedLimit(prediction, limit_verdict(gaps, prediction.resolution), values, limit, gaps)


def _absolute(number: Measured) -> Measured:
    bounds = number.bounds()
    if bounds is None:
        return UNKNOWN
    low, high = bounds
    return Measured.between(max(Fraction(0), low, -high), max(abs(low), abs(high)))


def limit_verdict(gaps: Sequence[Measured], resolution: Fraction) -> str:
    """Return the verdict on gaps that are to vanish along a family."""
    bounds = [gap.bounds() for gap in gaps]
    known = [b for b in bounds if b is not None]
    if len(known) < max(len(bounds), 2):
        return UNDECIDED
    last, pairs = known[-1], list(itertools.pairwise(known))
    if last[1] <= resolution and all(b[0] <= a[1] for a, b in pairs):
        return CONSISTENT
    away = len(known) > 2 and all(b[1] >= a[0] for a, b in pairs)
    return VIOLATED if last[0] > resolution and away else UNDECIDED
