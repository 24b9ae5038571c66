"""One problem tried against a statement: does it meet the hypotheses, and how near is it to a violation."""

from __future__ import annotations

import gc
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from types import FrameType
from typing import Any

from workbench import dynamics, experiment
from workbench.errors import TheoremFileError, WorkbenchError
from workbench.evidence import UNDECIDED, VACUOUS, VIOLATED, Evidence, Judged, run_of
from workbench.exact import Measured, to_float
from workbench.probes._leaves import Specification
from workbench.theorems import Bound, Count, Hypothesis, Theorem
from workbench.trajectory import Arithmetic, Status, Trajectory

# Flows are cheapest in double precision, and descents in balls of few digits cost no more than in floats.
_CHEAP_FLOW: dict[str, Any] = {"name": "float64"}
_CHEAP_DESCENT: dict[str, Any] = {"name": "ball", "digits": 16}

# What a witness is certified with, in this order.
CERTIFYING: tuple[dict[str, Any], ...] = ({"name": "ball", "digits": 30}, {"name": "ball", "digits": 80})

# Seconds after which a limit that met what must not be broken off tries again.
_AGAIN = 0.005

# A ratio counts where the errors are below this fraction of the larger side.
_ROOM = 1000

# Severity of a problem outside of the hypotheses: below that of every problem within.
_OUTSIDE = -10.0


class TooSlow(BaseException):
    """Raised within a trial that has had its time; no handler of errors on the way may take it for one of its own."""


def _must_end(frame: FrameType | None) -> bool:
    """Say whether what runs now must not be broken off: an import, or what swallows errors.

    That is a finaliser, or what is called about a garbage collection.
    """
    swallowing = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if name == "__del__" or file.endswith("weakref.py") or file.startswith("<frozen importlib"):
            return True
        if frame.f_code in swallowing:
            return True
        frame = frame.f_back
    return False


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` within the block after some seconds of computing, where the system and the thread allow it.

    A busy machine then makes no problem too slow that is not.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if _must_end(frame):
            signal.setitimer(signal.ITIMER_VIRTUAL, _AGAIN)
            return
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, max(seconds, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@dataclass(frozen=True)
class Trial:
    """What came of one problem.

    Parameters
    ----------
    specification : mapping
        Without the theorem and the backend.
    verdict : str
        Of the cheap run; `outside` where a hypothesis fails, `failed` where the run could not be made.
    severity : float
        Positive where the cheap run breaks the statement, zero at equality, in [-1, 1]; below -10 outside.
    late : float
        How much slower the smaller side fell than the larger over the whole run, in [-1, 1].
    ratio : float or None
        Largest ratio of the smaller side to the larger over the inequalities.
    evidence : Evidence or None
    error : TheoremFileError or None
    """

    specification: Specification
    verdict: str
    severity: float = 2 * _OUTSIDE
    late: float = 2 * _OUTSIDE
    ratio: float | None = None
    evidence: Evidence | None = None
    error: TheoremFileError | None = None


def cheap_backend(specification: Specification) -> dict[str, Any]:
    """Return the backend of the cheap pass."""
    name = specification["dynamics"]["name"]
    return _CHEAP_FLOW if dynamics.module(name).FLOW else _CHEAP_DESCENT


def posed(specification: Specification, backend: dict[str, Any], without: tuple[str, ...]) -> Specification:
    """Return the specification of a run for `compare`."""
    return {**specification, "backend": backend, "without": list(without)}


def audit(
    theorem: Theorem, specification: Specification, without: tuple[str, ...] = (), broken: str | None = None
) -> float | None:
    """Return how far outside of the hypotheses a problem is before any run: 0 where none is known to fail.

    None where there is no such run at all. Hypotheses along the run cannot fail here. One that is to be broken must
    not be known to hold.
    """
    try:
        asked = experiment.read(posed(specification, cheap_backend(specification), without), theorem)
        hypotheses = _prospect(theorem, asked)
    except TheoremFileError:
        return 0.0
    except (WorkbenchError, ArithmeticError):
        return None
    kept = any(h.name == broken and h.holds for h in hypotheses)
    return _distance(hypotheses, without) + kept


def _prospect(theorem: Theorem, asked: experiment.Experiment) -> list[Hypothesis]:
    empty: dict[str, tuple[Measured, ...]] = dict.fromkeys(("loss", *theorem.observes), ())
    arithmetic = Arithmetic("prospect", None, 128)
    trajectory = Trajectory(asked.problem, asked.method, arithmetic, (), (), empty, "estimate", Status.FINISHED)
    run = run_of(trajectory, theorem.chosen(asked.constants))
    with run.reals.session():
        return theorem.hypotheses(run)


def _distance(hypotheses: list[Hypothesis], without: tuple[str, ...]) -> float:
    failing = [h for h in hypotheses if h.name not in without and h.holds is False]
    return sum(1.0 + min(1.0, abs(_value(h.margin))) for h in failing)


def _value(margin: Measured | None) -> float:
    found = None if margin is None else to_float(margin.value)
    return 1.0 if found is None else found


def attempt(
    theorem: Theorem,
    specification: Specification,
    without: tuple[str, ...] = (),
    seconds: float = 2.0,
    backend: dict[str, Any] | None = None,
) -> Trial:
    """Carry one problem out and judge the statement on it, within some seconds."""
    try:
        with limited(seconds):
            chosen = backend or cheap_backend(specification)
            evidence = experiment.read(posed(specification, chosen, without), theorem).evidence()
    except TheoremFileError as error:
        return Trial(specification, "failed", error=error)
    except (WorkbenchError, ArithmeticError, TooSlow):
        return Trial(specification, "failed")
    if evidence.verdict == VACUOUS:
        distance = _distance(evidence.hypotheses, without)
        return Trial(specification, "outside", _OUTSIDE - distance, _OUTSIDE - distance)
    return _scored(specification, evidence)


def _scored(specification: Specification, evidence: Evidence) -> Trial:
    scores = [_severities(judged, evidence) for judged in evidence.judged]
    whole = max((max(s, default=-1.0) for s in scores), default=-1.0)
    late = max((_late(judged, evidence) for judged in evidence.judged), default=-1.0)
    if evidence.verdict == VIOLATED:
        whole = max(whole, 1e-300)
    ratios = [r for judged in evidence.judged for r in _ratios(judged, evidence)]
    return Trial(specification, evidence.verdict, whole, late, max(ratios, default=None), evidence)


def _sides(judged: Judged, evidence: Evidence) -> list[tuple[Measured, Measured]]:
    """Return the smaller and the larger side at each record after the start."""
    first = 0 if evidence.trajectory.steps[-1] == 0 else 1
    sides = list(zip(judged.lhs[first:], judged.rhs[first:], strict=False))
    upward = isinstance(judged.prediction, Bound) and judged.prediction.relation == ">="
    return [(b, a) for a, b in sides] if upward else sides


def _severities(judged: Judged, evidence: Evidence) -> list[float]:
    """Return the relative excess of the smaller side over the larger at each record after the start."""
    if isinstance(judged.prediction, Count):
        return _count_severity(judged)
    score = _excess if isinstance(judged.prediction, Bound) else _gap
    return [score(a, b) for a, b in _sides(judged, evidence) if a.finite and b.finite]


def _late(judged: Judged, evidence: Evidence) -> float:
    """Return by how much the smaller side fell slower than the larger from the first record to the last.

    In units of the larger one's fall, so that a rate that is nearly right scores better than one that is not, long
    before or after both sides are too small to differ.
    """
    if not isinstance(judged.prediction, Bound):
        return max(_severities(judged, evidence), default=-1.0)
    sides = [(a.value, b.value) for a, b in _sides(judged, evidence)]
    known = [(to_float(a), to_float(b)) for a, b in (sides[:1] + sides[-1:]) if a and b and a > 0 and b > 0]
    if len(known) < 2 or not all(a and b for a, b in known):
        return -1.0
    (_, b0), (a1, b1) = known
    slower = math.log(a1 or 1.0) - math.log(b1 or 1.0)
    return max(-1.0, min(1.0, slower / (1.0 + abs(math.log(b1 or 1.0) - math.log(b0 or 1.0)))))


def _ratios(judged: Judged, evidence: Evidence) -> list[float]:
    """Return smaller over larger at each record where the errors leave three digits of it."""
    if not isinstance(judged.prediction, Bound):
        return []
    known = [
        (a.value or Fraction(0), b.value or Fraction(0))
        for a, b in _sides(judged, evidence)
        if a.finite and b.finite and b.value and (a.error or 0) + (b.error or 0) < abs(b.value) / _ROOM
    ]
    return [float(a / b) for a, b in known if b > 0]


def _excess(small: Measured, large: Measured) -> float:
    """Return the relative excess that is left when the errors are taken off."""
    a, b = small.value or Fraction(0), large.value or Fraction(0)
    error = (small.error or Fraction(0)) + (large.error or Fraction(0))
    return float((a - b - error) / (abs(a) + abs(b) + error)) if a or b or error else 0.0


def _gap(left: Measured, right: Measured) -> float:
    """Return the relative gap of an equality where it is beyond the errors, else minus what the errors leave open."""
    gap = left.minus(right)
    if gap.value is None or gap.error is None:
        return -1.0
    size = sum((abs(side.value or Fraction(0)) for side in (left, right)), gap.error)
    return float((abs(gap.value) - gap.error) / size) if size else 0.0


def _count_severity(judged: Judged) -> list[float]:
    allowed = judged.rhs[0].value if judged.rhs else None
    if allowed is None or judged.measured is None:
        return []
    return [_excess(Measured(Fraction(judged.measured)), Measured(allowed))]


def certified(trial: Trial) -> bool:
    """Say whether a trial is a violation that no rounding can have made."""
    return trial.verdict == VIOLATED and trial.evidence is not None and trial.evidence.grade == "enclosure"


def certify(theorem: Theorem, specification: Specification, without: tuple[str, ...], seconds: float) -> Trial | None:
    """Run a suspect again in balls; return the trial where it is a violation for certain."""
    for backend in CERTIFYING:
        trial = attempt(theorem, specification, without, seconds, backend)
        if certified(trial):
            return trial
        if trial.verdict != UNDECIDED:
            return None
    return None


__all__ = ["Trial", "attempt", "audit", "certified", "certify", "posed"]
