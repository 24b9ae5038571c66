"""Evidence: what a run says of a theorem, by one rule.

A failed hypothesis makes it `vacuous`, an unknown one `undecided`. Then, with slack = rhs - lhs and its error e at
each record from the first step on: slack + e < 0 somewhere is `violated`; slack - e >= 0 everywhere is `consistent`;
otherwise, and whenever a number is not finite, `undecided`. A run never proves, and one that diverged is never
`consistent`.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from workbench.backends.reals import Real, Reals, reals
from workbench.errors import TheoremFileError, UnknownNameError
from workbench.exact import UNKNOWN, Measured, Power, decimal_text, to_float
from workbench.rates import ObservedRate, observed_rate
from workbench.theorems import Bound, Count, Hypothesis, Identity, Rate, Run, Theorem
from workbench.trajectory import Status, Trajectory

CONSISTENT, VIOLATED, UNDECIDED, VACUOUS = "consistent", "violated", "undecided", "vacuous"

# Bits beyond the run's own in which predictions are computed.
_GUARD = 64


@dataclass(frozen=True)
class Judged:
    """One prediction against the run.

    Parameters
    ----------
    prediction : Bound, Identity or Count
    verdict : str
    margin : Measured
        Smallest slack, with its error.
    tightness : Fraction or None
        Largest ratio of the smaller side to the larger after the start: at most 1 when consistent.
    lhs, rhs : sequence of Measured
        The two sides at each record.
    measured : int or None
        For a count, the steps that were needed.
    """

    prediction: Bound | Identity | Count
    verdict: str
    margin: Measured
    tightness: Fraction | None = None
    lhs: Sequence[Measured] = ()
    rhs: Sequence[Measured] = ()
    measured: int | None = None


@dataclass(frozen=True)
class Evidence:
    """A theorem, a run, and the verdict.

    Parameters
    ----------
    theorem : Theorem
    trajectory : Trajectory
    verdict : {"consistent", "violated", "undecided", "vacuous"}
    hypotheses : list of Hypothesis
    dropped : tuple of str
        Hypotheses that the user set aside.
    judged : list of Judged
        Empty where the evidence is vacuous.
    predicted_rate : Measured or None
        Per unit of flow time.
    observed : ObservedRate or None
    notes : tuple of str
    """

    theorem: Theorem
    trajectory: Trajectory
    verdict: str
    hypotheses: list[Hypothesis]
    dropped: tuple[str, ...] = ()
    judged: list[Judged] = field(default_factory=list)
    predicted_rate: Measured | None = None
    observed: ObservedRate | None = None
    notes: tuple[str, ...] = ()

    @property
    def grade(self) -> str:
        """What the errors are: an enclosure, or an estimate."""
        return self.trajectory.grade

    @property
    def margin(self) -> Measured:
        """Smallest slack over all inequalities that were judged."""
        known = [j.margin for j in self.judged if j.margin.value is not None and not isinstance(j.prediction, Count)]
        known = known or [j.margin for j in self.judged if j.margin.value is not None]
        return min(known, key=lambda m: m.value or Fraction(0)) if known else UNKNOWN

    @property
    def margin_decimal(self) -> str | None:
        """The margin as a decimal."""
        return decimal_text(self.margin.value, max(17, self.trajectory.arithmetic.digits or 0))

    @property
    def tightness(self) -> float | None:
        """Largest ratio of the two sides after the start, over the inequalities."""
        known = [j.tightness for j in self.judged if j.tightness is not None and isinstance(j.prediction, Bound)]
        return to_float(max(known)) if known else None


def run_of(trajectory: Trajectory, constants: Mapping[str, Fraction] | None = None) -> Run:
    """Return a run as a theorem sees it, and cannot change it."""
    trajectory = replace(trajectory, observables=MappingProxyType(dict(trajectory.observables)))
    return Run(trajectory, reals((trajectory.arithmetic.precision_bits or 53) + _GUARD), constants or {})


def compare(
    theorem: Theorem,
    trajectory: Trajectory,
    without: Iterable[str] = (),
    constants: Mapping[str, Fraction] | None = None,
) -> Evidence:
    """Judge a theorem on a run.

    Parameters
    ----------
    theorem : Theorem
    trajectory : Trajectory
        It has recorded what `theorem.observes` names.
    without : iterable of str
        Hypotheses to set aside: they neither fail nor stay unknown.
    constants : mapping of str to Fraction, optional
        Values for constants that the statement leaves open; the evidence repeats them.
    """
    chosen = theorem.chosen(constants or {})
    trajectory = replace(trajectory, notes=(*trajectory.notes, *_assumed(chosen)))
    run = run_of(trajectory, chosen)
    dropped = tuple(without)
    with run.reals.session():
        hypotheses = theorem.hypotheses(run)
        names = [h.name for h in hypotheses]
        for name in dropped:
            if name not in names:
                raise UnknownNameError(f"hypothesis of {theorem.name}", name, names)
        kept = [h for h in hypotheses if h.name not in dropped]
        if any(h.holds is False for h in kept):
            return Evidence(theorem, trajectory, VACUOUS, hypotheses, dropped, notes=trajectory.notes)
        if any(h.holds is None for h in kept):
            unknown = ", ".join(h.name for h in kept if h.holds is None)
            notes = (*trajectory.notes, f"could not be decided: {unknown}")
            return Evidence(theorem, trajectory, UNDECIDED, hypotheses, dropped, notes=notes)
        predictions = theorem.predict(run)
        judged = [_judge(p, run, trajectory) for p in predictions if not isinstance(p, Rate)]
        rates = [measured(run.reals, p.value) for p in predictions if isinstance(p, Rate)]
    return Evidence(
        theorem,
        trajectory,
        _overall([j.verdict for j in judged], trajectory),
        hypotheses,
        dropped,
        judged,
        rates[0] if rates else None,
        observed_rate(trajectory.times, trajectory.observables["loss"]) if "loss" in trajectory.observables else None,
        trajectory.notes,
    )


def _assumed(constants: Mapping[str, Fraction]) -> list[str]:
    """Return a note for each constant that the statement leaves open."""
    return [f"assumed: {name} = {value}, which the statement leaves open" for name, value in constants.items()]


def _overall(verdicts: Sequence[str], trajectory: Trajectory) -> str:
    """Return the worst of the verdicts; a diverged run is never consistent."""
    if VIOLATED in verdicts:
        return VIOLATED
    if not verdicts or UNDECIDED in verdicts or trajectory.status is Status.DIVERGED:
        return UNDECIDED
    return CONSISTENT


def measured(arithmetic: Reals, value: Any) -> Measured:
    """Return what a theorem gave for a number, refusing what is none; not finite is unknown."""
    if isinstance(value, Measured):
        return _well_formed(value)
    if isinstance(value, numbers.Rational):
        return Measured(Fraction(int(value.numerator), int(value.denominator)))
    if isinstance(value, numbers.Real):
        return Measured(Fraction(float(value))) if math.isfinite(value) else UNKNOWN
    if value is None:
        return UNKNOWN
    if isinstance(value, Real | Power):
        return arithmetic.measured(value)
    raise TheoremFileError(f"a prediction holds {value!r}, which is no number")


def _well_formed(number: Measured) -> Measured:
    """Return a measured number; one with a negative error would count as known beyond doubt."""
    exact = all(part is None or isinstance(part, numbers.Rational) for part in (number.value, number.error))
    if not exact or (number.error is not None and number.error < 0):
        raise TheoremFileError(f"{number!r} is not a number with its error: give rationals, the error not negative")
    return number


def _judge(prediction: Bound | Identity | Count, run: Run, trajectory: Trajectory) -> Judged:
    if isinstance(prediction, Count):
        return _judge_count(prediction, run, trajectory)
    for side in (prediction.lhs, prediction.rhs):
        if not isinstance(side, Sequence) or isinstance(side, str):
            raise TheoremFileError(f"{prediction.name}: a side is {side!r}; give one number for each record")
    lhs = [measured(run.reals, x) for x in prediction.lhs]
    rhs = [measured(run.reals, x) for x in prediction.rhs]
    if len(lhs) != len(run.steps) or len(rhs) != len(run.steps):
        return Judged(prediction, UNDECIDED, UNKNOWN)
    if isinstance(prediction, Identity):
        return _judge_identity(prediction, run, lhs, rhs)
    small, large = (lhs, rhs) if prediction.relation == "<=" else (rhs, lhs)
    return _judge_bound(prediction, run, small, large, lhs, rhs)


def _after_start(run: Run, *series: Sequence[Measured]) -> Iterable[tuple[Measured, ...]]:
    """Yield the values at each record from the first step on; of a run that was done at its start, those of its start.

    A run that stalled before its first step yields nothing: rounding, not the dynamics, may have stopped it.
    """
    done_at_start = run.steps[-1] == 0 and run.trajectory.status is Status.CONVERGED
    first = 0 if done_at_start else 1
    for step, *values in zip(run.steps, *series, strict=True):
        if step >= first:
            yield tuple(values)


def _judge_bound(
    prediction: Bound,
    run: Run,
    small: Sequence[Measured],
    large: Sequence[Measured],
    lhs: Sequence[Measured],
    rhs: Sequence[Measured],
) -> Judged:
    slacks = [b.minus(a) for a, b in _after_start(run, small, large)]
    ratios = [a.value / b.value for a, b in _after_start(run, small, large) if a.value is not None and b.value]
    verdict = inequality_verdict(slacks)
    margin = _smallest(slacks)
    return Judged(prediction, verdict, margin, max(ratios, default=None), lhs, rhs)


def inequality_verdict(slacks: Sequence[Measured]) -> str:
    """Return the verdict on slack >= 0 at every record."""
    bounds = [slack.bounds() for slack in slacks]
    if any(b is not None and b[1] < 0 for b in bounds):
        return VIOLATED
    if bounds and all(b is not None and b[0] >= 0 for b in bounds):
        return CONSISTENT
    return UNDECIDED


def _smallest(slacks: Sequence[Measured]) -> Measured:
    """Return the smallest slack; where one is unknown the smallest known."""
    known = [s for s in slacks if s.value is not None]
    return min(known, key=lambda s: s.value or Fraction(0)) if known else UNKNOWN


def _judge_identity(prediction: Identity, run: Run, lhs: Sequence[Measured], rhs: Sequence[Measured]) -> Judged:
    gaps = [a.minus(b) for a, b in _after_start(run, lhs, rhs)]
    verdict = identity_verdict(gaps, prediction.resolution)
    known = [g for g in gaps if g.value is not None]
    worst = max(known, key=lambda g: abs(g.value or Fraction(0))) if known else UNKNOWN
    margin = UNKNOWN if worst.value is None else Measured(-abs(worst.value), worst.error)
    return Judged(prediction, verdict, margin, None, lhs, rhs)


def identity_verdict(gaps: Sequence[Measured], resolution: Fraction) -> str:
    """Return the verdict on gap = 0 at every record, with errors that must stay below the resolution."""
    if any(g.value is not None and g.error is not None and abs(g.value) > g.error for g in gaps):
        return VIOLATED
    if gaps and all(g.value is not None and g.error is not None and g.error <= resolution for g in gaps):
        return CONSISTENT
    return UNDECIDED


def _judge_count(prediction: Count, run: Run, trajectory: Trajectory) -> Judged:
    """Judge the first step at which a quantity is at most its level against the steps allowed."""
    values = [measured(run.reals, v) for v in prediction.values]
    allowed = _ceiling(measured(run.reals, prediction.at_most))
    if len(values) != len(run.steps):
        return Judged(prediction, UNDECIDED, UNKNOWN)
    watched = values == list(trajectory.observables.get("loss", ())) and _stopped_at(prediction.level, trajectory)
    reached = _first_step_below(run.steps, values, prediction.level, watched)
    if allowed is None:
        return Judged(prediction, UNDECIDED, UNKNOWN, measured=reached)
    if reached is None:
        verdict = VIOLATED if _still_above(run.steps, values, prediction.level, allowed) else UNDECIDED
        return Judged(prediction, verdict, UNKNOWN, rhs=[Measured(Fraction(allowed))])
    slack = Measured(Fraction(allowed - reached))
    ratio = Fraction(reached, allowed) if allowed else None
    verdict = CONSISTENT if reached <= allowed else VIOLATED
    return Judged(prediction, verdict, slack, ratio, rhs=[Measured(Fraction(allowed))], measured=reached)


def _ceiling(value: Measured) -> int | None:
    """Return the integer that both ends round up to, None where they disagree."""
    bounds = value.bounds()
    if bounds is None:
        return None
    low, high = (-((-b.numerator) // b.denominator) for b in bounds)
    return low if low == high else None


def _stopped_at(level: Fraction, trajectory: Trajectory) -> bool:
    """Say whether an enclosure watched the loss at every step, recorded or not, and stopped at the level."""
    certain = trajectory.grade == "enclosure" and trajectory.arithmetic.digits is not None
    return certain and trajectory.status is Status.CONVERGED and trajectory.method.stop.until_loss == level


def _first_step_below(
    steps: Sequence[int], values: Sequence[Measured], level: Fraction, watched: bool = False
) -> int | None:
    """Return the step at which the level is reached for certain and was not reached for certain one step before.

    The step before need not be recorded where the run watched the level itself.
    """
    for index, value in enumerate(values):
        bounds = value.bounds()
        if bounds is None:
            return None
        if bounds[1] <= level:
            if steps[index] == 0 or watched or (index and steps[index - 1] == steps[index] - 1):
                return steps[index]
            return None
        if bounds[0] <= level:
            return None
    return None


def _still_above(steps: Sequence[int], values: Sequence[Measured], level: Fraction, allowed: int) -> bool:
    """Say whether no record up to the steps allowed, or the first one after them, reaches the level, for certain."""
    late = next((index for index, step in enumerate(steps) if step >= allowed), None)
    if late is None:
        return False
    return all(b is not None and b[0] > level for b in (v.bounds() for v in values[: late + 1]))


__all__ = [
    "CONSISTENT",
    "UNDECIDED",
    "VACUOUS",
    "VIOLATED",
    "Evidence",
    "Judged",
    "compare",
    "identity_verdict",
    "inequality_verdict",
    "measured",
    "run_of",
]
