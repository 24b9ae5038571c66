"""Events of a certified flow: their times against closed forms, what does not happen, and output between steps."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from workbench import dynamics, targets
from workbench.dynamics import _flow_events
from workbench.errors import InputError, UnsupportedError
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop, Watch


def numbers(target, *starts):
    start = Start("given", {"weights": [[[s]] for s in starts]})
    return Problem(LinearNetwork((1,) * (len(starts) + 1)), SquareLoss(targets.matrix([[target]])), start)


def matrices(target, widths=(2, 2, 2), start=None):
    return Problem(LinearNetwork(widths), SquareLoss(targets.matrix(target)), start or Start())


def flow(given, *watch, time="2", digits=20, **stop):
    rule = Stop(time=Fraction(time), watch=tuple(Watch.read(w) for w in watch), **stop)
    return dynamics.run(given, Method("gradient_flow", rule), Arithmetic("ball", digits), keep_weights=True)


def crossing(start, level, target):
    """Return the time at which two equal numbers have the product `level`: logistic growth."""
    mp = mpmath.MPContext()
    mp.dps = 60
    odds = [mp.mpf(x.numerator) / x.denominator for x in (level * (target - start), start * (target - level))]
    return mp.log(odds[0] / odds[1]) * target.denominator / (2 * target.numerator)


def contains(event, time):
    low, high = (mpmath.mpf(t.numerator) / t.denominator for t in (event.low, event.high))
    return low <= time <= high


@pytest.mark.parametrize("quantity", ["determinant", "singular_value:1"])
def test_a_product_of_two_numbers_crosses_at_the_logistic_time(quantity):
    (event,) = flow(numbers("2", "1/2", "1/2"), f"{quantity}=1").events
    assert event.outcome == "crossed"
    with mpmath.workdps(60):
        assert contains(event, crossing(Fraction(1, 4), Fraction(1), 2))
    assert event.high - event.low < Fraction(1, 10**15)
    assert event.low - Fraction(1, 10**4) < event.clear <= event.low


def test_the_loss_crosses_when_the_product_does():
    (event,) = flow(numbers("2", "1/2", "1/2"), "loss=1/2").events
    with mpmath.workdps(60):
        assert contains(event, crossing(Fraction(1, 4), Fraction(1), 2))


def test_each_singular_value_of_a_diagonal_target_crosses_at_its_own_time():
    given = matrices([["3", "0"], ["0", "1/4"]])
    first, second, never = flow(given, "singular_value:1=2", "singular_value:2=1/2", "singular_value:2=1/5").events
    with mpmath.workdps(60):
        assert contains(first, crossing(Fraction(1), Fraction(2), 3))
        assert contains(second, crossing(Fraction(1), Fraction(1, 2), Fraction(1, 4)))
    assert never.outcome == "not crossed"
    assert never.clear == 2


def test_rank_is_lost_where_unbalanced_numbers_change_sign():
    run = flow(numbers("-1", "1", "1/2"), "determinant=0")
    (event,) = run.events
    assert event.outcome == "crossed"
    before, after = (run.dense(t)[1][0][0].bounds() for t in (event.low, event.high))
    assert before[0] > 0 > after[1]


def test_rank_is_never_lost_where_layers_stay_positive():
    run = flow(matrices([["-1/2", "1/3"], ["1/3", "2"]], (2, 2, 2, 2)), "determinant=0", time="3")
    assert [event.outcome for event in run.events] == ["not crossed"]
    assert any("nowhere 0" in note for note in run.notes)


def test_a_start_on_the_level_stays_undecided():
    (event,) = flow(matrices([["3", "0"], ["0", "1/4"]]), "singular_value:1=1").events
    assert (event.outcome, event.clear) == ("undecided", 0)


def test_a_run_ends_where_a_singular_value_crosses():
    given = matrices([["3", "0"], ["0", "1/4"]])
    run = flow(given, until=Watch.read("singular_value:1=2"), time="50")
    assert run.status is Status.FINISHED
    assert run.times[-2:] == (run.events[0].low, run.events[0].high)


@pytest.mark.parametrize("level", ["1/18", "1/2"])
def test_a_run_until_the_loss_that_it_starts_with_ends(level):
    # (1/3)^2 / 2 = 1/18 at the start: balls cannot tell it from the level. Half is above it.
    method = Method("gradient_flow", Stop(time=Fraction(9), until_loss=Fraction(level)))
    run = dynamics.run(numbers("2/3", "1/3"), method, Arithmetic("ball", 20))
    assert run.status is Status.CONVERGED
    assert run.observables["loss"][-1].bounds()[1] <= Fraction(level)


def test_output_between_steps_contains_the_closed_form_and_times_asked_for_are_recorded():
    asked = (Fraction(1, 7), Fraction(9, 7))
    run = flow(numbers("2", "1/2", "1/2"), at=asked, digits=30)
    assert set(asked) <= set(run.times)
    for time in (*asked, Fraction(123, 457)):
        with mpmath.workdps(60):
            growth = mpmath.exp(4 * mpmath.mpf(time.numerator) / time.denominator)
            wanted = mpmath.sqrt(2 * growth / (growth + 7))
            value = run.dense(time)[0][0][0]
            gap = abs(mpmath.mpf(value.value.numerator) / value.value.denominator - wanted)
            assert gap <= mpmath.mpf(value.error.numerator) / value.error.denominator
    with pytest.raises(InputError, match="followed from 0 to 2"):
        run.dense(Fraction(3))


def test_a_run_that_is_over_at_its_start_still_has_its_start_between_steps():
    rule = Stop(time=Fraction(2), until_loss=Fraction(5))
    method, arithmetic = Method("gradient_flow", rule), Arithmetic("ball", 20)
    run = dynamics.run(numbers("2", "1/3", "1/2"), method, arithmetic, keep_weights=True)
    assert run.times == (Fraction(0),)
    low, high = run.dense(Fraction(0))[0][0][0].bounds()
    assert low <= Fraction(1, 3) <= high
    with pytest.raises(InputError, match="followed from 0 to 0"):
        run.dense(Fraction(1, 1000))


def test_a_sign_that_is_read_the_wrong_way_is_caught(monkeypatch):
    right = _flow_events.sign
    monkeypatch.setattr(_flow_events, "sign", lambda value: 1 if right(value + 1 / 4) > 0 else right(value))
    (event,) = flow(numbers("2", "1/2", "1/2"), "determinant=1").events
    with mpmath.workdps(60):
        assert event.outcome != "crossed" or not contains(event, crossing(Fraction(1, 4), Fraction(1), 2))


@pytest.mark.parametrize("text", ["rank", "singular_value=1", "singular_value:0=1", "loss:2=1", "loss=x", "=1"])
def test_a_text_that_names_no_event_is_refused(text):
    with pytest.raises(InputError):
        Watch.read(text)


def test_a_determinant_of_a_rectangle_is_refused():
    with pytest.raises(UnsupportedError, match="singular_value:1=0"):
        flow(matrices([["1", "2"]], (2, 1)), "determinant=0")


ARGUMENTS = ["compare", "balancedness", "--target", "[[2]]", "--depth", "2", "--dynamics", "flow"]


def test_the_command_line_prints_and_documents_an_event(workbench):
    tail = ["--backend", "ball", "--digits", "15", "--until-singular-value", "1=3/2", "--watch", "loss=1/5"]
    done = workbench(*ARGUMENTS, *tail, "--json")
    assert done.status == 0, done.err
    ending, other = done.document["events"]
    assert (ending["event"], ending["outcome"]) == ("singular_value:1=3/2", "crossed")
    assert other["event"] == "loss=1/5"
    assert Fraction(ending["low"]) < Fraction(ending["high"])


@pytest.mark.parametrize(
    "tail",
    [
        ["--watch", "determinant=0"],
        ["--backend", "ball", "--watch", "rank"],
        ["--backend", "ball", "--until-singular-value", "2=1"],
        ["--backend", "ball", "--until-determinant", "0", "--until-loss", "1"],
        ["--backend", "ball", "--at", "1/3,9"],
        ["--backend", "ball", "--time", "0"],
    ],
)
def test_a_wrong_question_about_an_event_is_one_line_and_status_two(workbench, tail):
    done = workbench(*ARGUMENTS, *tail)
    assert done.status == 2
    assert sum(line.startswith("workbench:") for line in done.err.splitlines()) == 1
    assert "Traceback" not in done.err
