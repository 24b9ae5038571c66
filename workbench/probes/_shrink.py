"""A witness made small: fewer steps, simpler numbers, fewer layers, each change kept only where balls still refute."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench import dynamics, experiment, witness
from workbench.errors import WorkbenchError
from workbench.evidence import VIOLATED
from workbench.probes._leaves import Specification, coordinates, placed
from workbench.probes._trial import CERTIFYING, TooSlow, Trial, attempt, audit, certify, limited, posed
from workbench.theorems import Bound, Identity, Theorem

# Denominators that are tried for all numbers at once, then for each alone.
_DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32, 40, 64, 100, 128, 250, 1000)

# Exact rationals grow in digits by the factor 2L - 1 a step: beyond this growth a single product of two is slow, and
# nothing can break it off.
_GROWTH, _EXACT_STEPS = 500, 40

_SLOW = 4.0


@dataclass(frozen=True)
class Witness:
    """A problem that meets the hypotheses and breaks the statement.

    Parameters
    ----------
    specification : mapping
        For `compare`: problem, dynamics, backend, what was set aside; every number rational.
    trial : Trial
        Its run in balls.
    rechecked : tuple of str
        The other computations that agree, in words.
    """

    specification: Specification
    trial: Trial
    rechecked: tuple[str, ...]


class Shrinking:
    """The shrinking of one witness, within some seconds."""

    def __init__(
        self, theorem: Theorem, trial: Trial, without: tuple[str, ...], seconds: float, broken: str | None = None
    ) -> None:
        self.theorem, self.without, self._broken = theorem, without, broken
        self.trial, self._end = trial, time.monotonic() + seconds

    def run(self) -> Witness:
        """Return the smallest witness that was found, rechecked."""
        self._name_the_step()
        self._shorten()
        self._round_all()
        for change in (_plainer, _shallower):
            self._while_it_helps(change)
        self._round_each()
        self._shorten()
        backend = CERTIFYING[0] if self.trial.evidence is None else _backend(self.trial)
        specification = posed(self.trial.specification, backend, self.without)
        return Witness(specification, self.trial, rechecked(self.theorem, specification))

    def _accepts(self, specification: Specification) -> bool:
        left = self._end - time.monotonic()
        if left <= 0 or specification == self.trial.specification:
            return False
        if audit(self.theorem, specification, self.without, self._broken) != 0:
            return False
        found = certify(self.theorem, specification, self.without, min(left, _SLOW))
        if found is not None:
            self.trial = found
        return found is not None

    def _name_the_step(self) -> None:
        """Write the largest step size that the theorem allows as the number it is."""
        specification, evidence = copy.deepcopy(self.trial.specification), self.trial.evidence
        if evidence is not None and evidence.trajectory.method.step_size is not None:
            specification["dynamics"]["step_size"] = str(evidence.trajectory.method.step_size)
            self._accepts(specification)

    def _shorten(self) -> None:
        """End the run at its first record that breaks the statement."""
        first = _first_break(self.trial)
        if first is None:
            return
        specification = copy.deepcopy(self.trial.specification)
        step, moment = first
        if dynamics.module(specification["dynamics"]["name"]).FLOW:
            specification["dynamics"]["stop"] = {"time": str(moment)}
        else:
            specification["dynamics"]["stop"] = {"steps": step}
        self._accepts(specification)

    def _round_all(self) -> None:
        for bound in _DENOMINATORS:
            found = coordinates(self.trial.specification)
            rounded = [(c, _rounded(c.value, bound)) for c in found]
            if self._accepts(placed(self.trial.specification, rounded)):
                return

    def _round_each(self) -> None:
        for number in range(len(coordinates(self.trial.specification))):
            found = coordinates(self.trial.specification)
            if number >= len(found):
                return
            for value in _simpler(found[number].value):
                if self._accepts(placed(self.trial.specification, [(found[number], value)])):
                    break

    def _while_it_helps(self, change: Any) -> None:
        helped = True
        while helped:
            helped = any(self._accepts(s) for s in change(self.trial.specification))


def _backend(trial: Trial) -> dict[str, Any]:
    arithmetic = None if trial.evidence is None else trial.evidence.trajectory.arithmetic
    return CERTIFYING[0] if arithmetic is None else {"name": arithmetic.name, "digits": arithmetic.digits}


def _first_break(trial: Trial) -> tuple[int, Fraction] | None:
    """Return the step and the time of the first record at which a bound or an equality is broken for certain."""
    if trial.evidence is None:
        return None
    run, places = trial.evidence.trajectory, []
    for judged in trial.evidence.judged:
        if judged.verdict != VIOLATED or not isinstance(judged.prediction, Bound | Identity):
            continue
        sides = zip(judged.lhs, judged.rhs, strict=True)
        equality = isinstance(judged.prediction, Identity)
        upward = not equality and getattr(judged.prediction, "relation", "<=") == ">="
        for place, (a, b) in enumerate(sides):
            ends = (a.minus(b) if upward else b.minus(a)).bounds()
            broken = ends is not None and (ends[1] < 0 or (equality and ends[0] > 0))
            if broken and run.steps[place] > 0:
                places.append(place)
                break
    first = min(places, default=None)
    return None if first is None else (run.steps[first], run.times[first])


def _rounded(value: Fraction, bound: int) -> Fraction:
    """Return a near rational of a small denominator that is not zero where the value is not."""
    return value.limit_denominator(bound) or value


def _simpler(value: Fraction) -> Iterator[Fraction]:
    """Yield simpler numbers than one, the simplest first."""
    size = _weight(value)
    sign = -1 if value < 0 else 1
    candidates = [Fraction(0), *(sign * Fraction(x) for x in ("1", "2", "1/2", "3", "3/2", "1/3", "1/4", "1/10"))]
    candidates += [_rounded(value, bound) for bound in _DENOMINATORS]
    for candidate in dict.fromkeys(candidates):
        if _weight(candidate) < size:
            yield candidate


def _weight(value: Fraction) -> int:
    return abs(value.numerator) + 2 * value.denominator


def _plainer(specification: Specification) -> Iterator[Specification]:
    """Yield the problem without its rotation, without its inputs, and from the identity."""
    problem = specification["problem"]
    target = problem["loss"]["target"]
    if isinstance(target, dict) and "rotate" in target:
        found = copy.deepcopy(specification)
        del found["problem"]["loss"]["target"]["rotate"]
        yield found
    if problem.get("start", {}).get("scheme") not in ("identity", None):
        found = copy.deepcopy(specification)
        found["problem"]["start"] = {"scheme": "identity"}
        yield found


def _shallower(specification: Specification) -> Iterator[Specification]:
    """Yield the problem with one square layer less, and with one dimension less of a diagonal target."""
    network, start = specification["problem"]["network"], specification["problem"].get("start", {})
    widths = network.get("widths")
    if not widths:
        return
    for place in range(len(widths) - 1):
        if widths[place] == widths[place + 1] and len(widths) > 2:
            found = copy.deepcopy(specification)
            del found["problem"]["network"]["widths"][place]
            if "weights" in start:
                del found["problem"]["start"]["weights"][place]
            yield found
    values = specification["problem"]["loss"]["target"].get("eigenvalues")
    if values and len(values) > 1 and len(set(widths)) == 1 and "weights" not in start and "matrix" not in start:
        for place in range(len(values)):
            found = copy.deepcopy(specification)
            del found["problem"]["loss"]["target"]["eigenvalues"][place]
            found["problem"]["network"]["widths"] = [len(values) - 1] * len(widths)
            yield found


def rechecked(theorem: Theorem, specification: Specification, seconds: float = 10.0) -> tuple[str, ...]:
    """Return which other computations say the same: exact rationals where the run is short, and a second witness."""
    found = []
    method = specification["dynamics"]
    steps = method["stop"].get("steps")
    depth = len(specification["problem"]["network"].get("widths", ())) - 1
    if depth >= 1 and steps is not None and steps <= _EXACT_STEPS and (2 * depth - 1) ** steps <= _GROWTH:
        bare = {k: specification[k] for k in ("problem", "dynamics")}
        exact = attempt(theorem, bare, tuple(specification["without"]), seconds, {"name": "exact"})
        if exact.verdict == VIOLATED:
            found.append("violated in exact rationals")
    testimony = _testimony(theorem, specification, seconds)
    return tuple(found) if testimony is None else (*found, testimony)


def _testimony(theorem: Theorem, specification: Specification, seconds: float) -> str | None:
    asked = experiment.read(specification, theorem)
    if not witness.applies(asked):
        return None
    try:
        with limited(seconds):
            told = witness.recompute(asked)
    except (WorkbenchError, ArithmeticError, TooSlow):
        return None
    if told.disagreement > 1:
        return f"the second witness DISAGREES by {told.disagreement:.3g} radii"
    return f"a second witness at {told.digits} digits agrees, within {told.disagreement:.2g} of the radii"
