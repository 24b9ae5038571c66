"""The one rule for a verdict, on numbers whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from workbench import evidence
from workbench.errors import InputError, UnknownNameError, WorkbenchError
from workbench.evidence import (
    CONSISTENT,
    UNDECIDED,
    VACUOUS,
    VIOLATED,
    Evidence,
    compare,
    identity_verdict,
    inequality_verdict,
)
from workbench.exact import UNKNOWN, Matrix, Measured
from workbench.problem import LinearNetwork, Problem, SquareLoss
from workbench.theorems import Bound, Count, Hypothesis, Identity, Rate
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory


def m(value: Any, error: Any = 0) -> Measured:
    return Measured(Fraction(value), Fraction(error))


UNBOUNDED = Measured(Fraction(5), None)


@pytest.mark.parametrize(
    ("slacks", "verdict"),
    [
        ([m(1)], CONSISTENT),
        ([m(0)], CONSISTENT),
        ([m(1, 1)], CONSISTENT),
        ([m(-1)], VIOLATED),
        ([m(-1, "1/2")], VIOLATED),
        ([m(-1, 1)], UNDECIDED),
        ([m(1, 2)], UNDECIDED),
        ([m(0, "1/10")], UNDECIDED),
        ([m(1), m(-1), m(1)], VIOLATED),
        ([m(1), m(1, 2)], UNDECIDED),
        ([m(1, 2), m(-5, 1)], VIOLATED),
        ([UNKNOWN], UNDECIDED),
        ([m(1), UNKNOWN], UNDECIDED),
        ([UNKNOWN, m(-1)], VIOLATED),
        ([UNBOUNDED], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_the_rule_for_an_inequality(slacks: list[Measured], verdict: str) -> None:
    assert inequality_verdict(slacks) == verdict


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([m(0)], CONSISTENT),
        ([m(0, "1/100")], CONSISTENT),
        ([m("1/100", "1/100")], CONSISTENT),
        ([m("-1/100", "1/100")], CONSISTENT),
        ([m(0, "1/10")], UNDECIDED),
        ([m("1/10")], VIOLATED),
        ([m("-1/10", "1/11")], VIOLATED),
        ([m(1, "1/2")], VIOLATED),
        ([m(0), UNKNOWN], UNDECIDED),
        ([UNKNOWN, m(1)], VIOLATED),
        ([UNBOUNDED], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_the_rule_for_an_equality(gaps: list[Measured], verdict: str) -> None:
    assert identity_verdict(gaps, Fraction(1, 100)) == verdict


def trajectory(
    losses: list[Measured], steps: tuple[int, ...] | None = None, status: Status = Status.FINISHED
) -> Trajectory:
    taken = tuple(range(len(losses))) if steps is None else steps
    problem = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["1/2"]])))
    return Trajectory(
        problem=problem,
        method=Method("gradient_descent", Stop(taken[-1] or 1), Fraction(1, 4)),
        arithmetic=Arithmetic("float64", None, 53),
        steps=taken,
        times=tuple(Fraction(k, 4) for k in taken),
        observables={"loss": tuple(losses)},
        grade="estimate",
        status=status,
    )


def statement(predict: Callable[[Any], list[Any]], hypotheses: list[Hypothesis] | None = None) -> Any:
    return SimpleNamespace(
        name="planted",
        observes=("loss",),
        hypotheses=lambda run: hypotheses or [],
        predict=predict,
        chosen=dict,
    )


def at_most(bound: Any, relation: str = "<=") -> Any:
    return statement(lambda run: [Bound("b", "b", run.loss, [bound] * len(run.steps), relation)])


def judged(theorem: Any, losses: list[Measured], **options: Any) -> Evidence:
    without = options.pop("without", ())
    return compare(theorem, trajectory(losses, **options), without)


def test_an_envelope_is_judged_from_the_first_step_on() -> None:
    assert judged(at_most(1), [m(9), m(1), m("1/2")]).verdict == CONSISTENT
    assert judged(at_most(1), [m(9), m(2), m("1/2")]).verdict == VIOLATED


def test_a_run_that_converged_at_its_start_is_judged_there() -> None:
    assert judged(at_most(1), [m(9)], status=Status.CONVERGED).verdict == VIOLATED
    assert judged(at_most(1), [m(1)], status=Status.CONVERGED).verdict == CONSISTENT


def test_a_run_that_stalled_before_its_first_step_decides_nothing() -> None:
    assert judged(at_most(1), [m(1)], status=Status.STALLED).verdict == UNDECIDED


def test_flipped_inequality_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = [m(4), m(2), m(1)]
    assert judged(at_most(3), falling).verdict == CONSISTENT
    assert judged(at_most(3, ">="), falling).verdict == VIOLATED
    assert judged(at_most(Fraction(1, 2), ">="), falling).verdict == CONSISTENT
    # The verdict's own inequality, turned round, would call this violation consistent.
    monkeypatch.setattr(Measured, "minus", lambda self, other: Measured(other.value - self.value, Fraction(0)))
    assert judged(at_most(3), falling).verdict == VIOLATED


def test_a_relation_that_is_none_is_refused() -> None:
    for relation in ("<", "=", "≤", ""):
        with pytest.raises(InputError):
            Bound("b", "b", [], [], relation)


def test_the_margin_and_tightness_are_of_the_worst_record() -> None:
    found = judged(at_most(4), [m(9), m(3, "1/10"), m(1)])
    assert found.margin == m(1, "1/10")
    assert found.tightness == 0.75
    lower = judged(at_most(1, ">="), [m(9), m(4), m(2)])
    assert lower.margin == m(1)
    assert lower.tightness == 0.5


def test_errors_on_both_sides_add() -> None:
    assert judged(at_most(m(2, "1/2")), [m(9), m(1, "1/2")]).verdict == CONSISTENT
    assert judged(at_most(m(2, "1/2")), [m(9), m(1, "3/4")]).verdict == UNDECIDED


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), None, UNKNOWN])
def test_a_number_that_is_not_finite_is_never_agreement(bad: Any) -> None:
    assert judged(at_most(bad), [m(9), m(1)]).verdict == UNDECIDED
    assert judged(at_most(bad, ">="), [m(9), m(1)]).verdict == UNDECIDED
    same = statement(lambda run: [Identity("i", "i", run.loss, [bad] * len(run.steps), Fraction(1))])
    assert judged(same, [m(9), m(1)]).verdict == UNDECIDED


def test_a_series_of_the_wrong_length_decides_nothing() -> None:
    short = statement(lambda run: [Bound("b", "b", run.loss, [1])])
    assert judged(short, [m(9), m(0)]).verdict == UNDECIDED


def test_a_prediction_that_is_no_number_is_one_clear_line() -> None:
    for junk in ("abc", object(), 1j, [1]):
        with pytest.raises(WorkbenchError) as caught:
            judged(at_most(junk), [m(9), m(0)])
        assert "\n" not in str(caught.value)


def test_a_theorem_that_predicts_nothing_is_undecided() -> None:
    assert judged(statement(lambda run: []), [m(1), m(1)]).verdict == UNDECIDED
    assert judged(statement(lambda run: [Rate(2)]), [m(1), m(1)]).verdict == UNDECIDED


def test_the_worst_of_several_predictions_is_the_verdict() -> None:
    def both(first: Any, second: Any) -> Any:
        sides = [(first, "one"), (second, "two")]
        return statement(lambda run: [Bound(n, n, run.loss, [b] * len(run.steps)) for b, n in sides])

    losses = [m(9), m(2)]
    assert judged(both(3, 2), losses).verdict == CONSISTENT
    assert judged(both(3, 1), losses).verdict == VIOLATED
    assert judged(both(None, 3), losses).verdict == UNDECIDED
    assert judged(both(None, 1), losses).verdict == VIOLATED


def test_a_diverged_run_is_never_consistent() -> None:
    assert judged(at_most(10), [m(9), m(2)], status=Status.DIVERGED).verdict == UNDECIDED
    assert judged(at_most(1), [m(9), m(2)], status=Status.DIVERGED).verdict == VIOLATED
    assert judged(at_most(10), [m(9), m(2)], status=Status.FINISHED).verdict == CONSISTENT


# Counts.


def steps_to(level: Any, allowed: Any) -> Any:
    return statement(lambda run: [Count("c", "c", run.loss, Fraction(level), allowed)])


FALLING = [m(8), m(4), m(2), m(1)]


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [(3, CONSISTENT), (2, CONSISTENT), (1, VIOLATED), (m("3/2", "1/4"), CONSISTENT), (m(1, "1/4"), UNDECIDED)],
)
def test_a_count_is_the_first_step_at_its_level(allowed: Any, verdict: str) -> None:
    found = judged(steps_to(2, allowed), FALLING)
    assert found.verdict == verdict
    assert found.judged[0].measured == 2


def test_a_level_reached_at_the_start_takes_no_steps() -> None:
    found = judged(steps_to(8, 0), FALLING)
    assert found.verdict == CONSISTENT
    assert found.judged[0].measured == 0


def test_a_level_that_is_not_reached_in_time_is_a_violation() -> None:
    assert judged(steps_to("1/2", 3), FALLING).verdict == VIOLATED
    assert judged(steps_to("1/2", 2), FALLING).verdict == VIOLATED
    assert judged(steps_to("1/2", 4), FALLING).verdict == UNDECIDED


def test_a_count_of_a_run_recorded_from_late_on_is_undecided() -> None:
    late = trajectory([m("1/2"), m("1/4")], steps=(7, 8))
    found = compare(statement(lambda run: [Count("c", "c", run.loss, Fraction(1, 2), 3)]), late)
    assert found.verdict == UNDECIDED


def test_a_count_of_the_wrong_length_decides_nothing() -> None:
    short = statement(lambda run: [Count("c", "c", run.loss[:1], Fraction(1, 9), 1)])
    assert judged(short, [m(1), m(1), m(1)]).verdict == UNDECIDED


def test_a_level_that_is_straddled_is_undecided() -> None:
    assert judged(steps_to(2, 3), [m(8), m(4), m(2, "1/10"), m(1)]).verdict == UNDECIDED
    assert judged(steps_to(2, 2), [m(8), m(2, "1/10"), m(4), m(4)]).verdict == UNDECIDED
    assert judged(steps_to(2, 2), [m(8), UNKNOWN, m(4), m(4)]).verdict == UNDECIDED


def test_a_level_passed_between_thinned_records_is_undecided() -> None:
    assert judged(steps_to(2, 6), [m(8), m(4), m(1)], steps=(0, 2, 4)).verdict == UNDECIDED
    assert judged(steps_to(2, 6), [m(8), m(4), m(1)], steps=(0, 3, 4)).verdict == CONSISTENT


# Hypotheses.


HOLDS, FAILS, OPEN = (
    Hypothesis.decided("holds", True),
    Hypothesis.decided("fails", False),
    Hypothesis.unknown("open"),
)


@pytest.mark.parametrize(
    ("hypotheses", "without", "verdict"),
    [
        ([HOLDS], (), CONSISTENT),
        ([HOLDS, FAILS], (), VACUOUS),
        ([HOLDS, OPEN], (), UNDECIDED),
        ([OPEN, FAILS], (), VACUOUS),
        ([HOLDS, FAILS], ("fails",), CONSISTENT),
        ([OPEN, FAILS], ("fails",), UNDECIDED),
        ([OPEN, FAILS], ("open",), VACUOUS),
        ([OPEN, FAILS], ("fails", "open"), CONSISTENT),
    ],
)
def test_hypotheses_come_before_everything(
    hypotheses: list[Hypothesis], without: tuple[str, ...], verdict: str
) -> None:
    theorem = at_most(10)
    theorem.hypotheses = lambda run: hypotheses
    found = judged(theorem, [m(9), m(2)], without=without)
    assert found.verdict == verdict
    assert found.dropped == without
    assert bool(found.judged) == (verdict == CONSISTENT)


def test_a_vacuous_statement_predicts_nothing() -> None:
    def forbidden(run: Any) -> list[Any]:
        raise AssertionError("a bound was drawn where it does not apply")

    assert judged(statement(forbidden, [FAILS]), [m(1), m(1)]).verdict == VACUOUS
    assert judged(statement(forbidden, [OPEN]), [m(1), m(1)]).verdict == UNDECIDED


def test_an_unknown_hypothesis_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="holds"):
        judged(statement(lambda run: [], [HOLDS]), [m(1)], without=("hold",))


@pytest.mark.parametrize(
    ("margin", "strict", "holds"),
    [
        (m(1), False, True),
        (m(0), False, True),
        (m(0), True, False),
        (m(-1), False, False),
        (m(0, 1), False, None),
        (m(1, 1), False, True),
        (m(1, 1), True, None),
        (m(-1, 1), False, None),
        (m(-1, 1), True, False),
        (UNKNOWN, False, None),
        (None, False, None),
    ],
)
def test_a_margin_decides_a_hypothesis(margin: Measured | None, strict: bool, holds: bool | None) -> None:
    assert Hypothesis("h", margin, strict).holds is holds


def test_the_observed_rate_is_the_rate_of_an_exponential() -> None:
    losses = [Measured(Fraction(1, 4) ** k, Fraction(1, 10**60)) for k in range(40)]
    found = judged(at_most(10), losses)
    assert found.observed is not None
    # -ln(1/4) per step of flow time 1/4.
    assert found.observed.rate == pytest.approx(5.545177444479562, rel=1e-12)
    assert found.observed.band < 1e-9


def test_no_rate_is_observed_where_nothing_decays() -> None:
    assert judged(at_most(10), [m(1)] * 40).observed is None
    assert judged(at_most(10), [UNKNOWN] * 40).observed is None
    assert judged(at_most(10), [m(0)] * 40).observed is None


def test_evidence_never_imports_dynamics() -> None:
    modules = [v for v in vars(evidence).values() if isinstance(v, ModuleType)]
    assert not any(v.__name__.startswith("workbench.dynamics") for v in modules)
