"""The validated flow: closed forms, a second precision, invariants, events, and faults planted in the bound."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from workbench import dynamics, targets
from workbench.backends import load
from workbench.backends.ball import arb, precision
from workbench.dynamics._flow_bound import StepBound, enclosed_error
from workbench.dynamics._flow_series import FlowSeries
from workbench.evidence import compare
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop


def problem(widths, rows, start=None, inputs=None):
    target = targets.matrix(rows)
    given = None if inputs is None else targets.matrix(inputs)
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(target, given), start or Start())


def flow(given, *, time="1", digits=30, level=None, observes=("loss",)):
    stop = Stop(time=Fraction(time), until_loss=level)
    return dynamics.run(given, Method("gradient_flow", stop), Arithmetic("ball", digits), observes, keep_weights=True)


def given_weights(*values):
    return Start("given", {"weights": [[[str(v)]] for v in values]})


def mp_of(value, mp):
    return mp.mpf(value.numerator) / value.denominator


@pytest.mark.parametrize(("target", "start", "time"), [("2", "1/3", "3"), ("-1", "1/2", "4"), ("1/10", "1", "5")])
def test_two_scalar_layers_contain_the_closed_form_at_every_time(target, start, time):
    run = flow(problem([1, 1, 1], [[target]], given_weights(start, start)), time=time, digits=40)
    assert run.grade == "enclosure"
    mp = mpmath.MPContext()
    mp.dps = 80
    s, initial = mp_of(Fraction(target), mp), mp_of(Fraction(start), mp) ** 2
    for moment, weights in zip(run.times, run.weights, strict=True):
        growth = mp.exp(2 * s * mp_of(moment, mp))
        wanted = mp.sqrt(s * growth / (growth - 1 + s / initial))
        for layer in weights:
            value = layer[0][0]
            assert abs(mp_of(value.value, mp) - wanted) <= mp_of(value.error, mp)
            assert value.error < Fraction(1, 10**40)


def test_one_layer_contains_the_exponential():
    run = flow(problem([1, 1], [["3"]], given_weights("1")), time="2", digits=50)
    mp = mpmath.MPContext()
    mp.dps = 90
    for moment, weights in zip(run.times, run.weights, strict=True):
        value = weights[0][0][0]
        wanted = 3 - 2 * mp.exp(-mp_of(moment, mp))
        assert abs(mp_of(value.value, mp) - wanted) <= mp_of(value.error, mp)


CASES = [
    problem(
        [2, 3, 2], {"family": "uniform", "shape": [2, 2], "seed": 1}, Start("gaussian", {"seed": 1, "scale": "1/2"})
    ),
    problem([2, 2, 2, 2], {"family": "uniform", "shape": [2, 2], "seed": 4}),
    problem(
        [2, 2, 1],
        [["1", "2", "-1"]],
        Start("gaussian", {"seed": 2, "scale": "1/2"}),
        [["1", "0", "2"], ["0", "1", "1"]],
    ),
]


@pytest.mark.parametrize("given", CASES)
def test_the_enclosure_contains_the_flow_of_a_higher_precision(given):
    low, high = flow(given, digits=15), flow(given, digits=40)
    assert low.times == high.times
    for rough, fine in zip(low.weights, high.weights, strict=True):
        for a, b in zip(rough, fine, strict=True):
            for x, y in zip((v for r in a for v in r), (v for r in b for v in r), strict=True):
                assert abs(x.value - y.value) <= x.error + y.error


@pytest.mark.parametrize("given", CASES)
def test_the_extrapolated_flow_of_mpmath_lies_within_both_errors(given):
    stop = Stop(time=Fraction(1))
    other = dynamics.run(given, Method("gradient_flow", stop), Arithmetic("mp", 20), ("loss",))
    mine = flow(given, digits=25).observables["loss"][-1]
    theirs = other.observables["loss"][-1]
    assert other.grade == "estimate"
    assert abs(mine.value - theirs.value) <= mine.error + theirs.error


@pytest.mark.parametrize("given", CASES)
def test_the_invariants_are_enclosed_at_every_time(given):
    run = flow(given, observes=("loss", "balancedness_change"))
    for change in run.observables["balancedness_change"]:
        assert change.bounds()[0] <= 0
        assert change.error < Fraction(1, 10**25)


def test_a_point_of_rest_stays_where_it_is():
    run = flow(problem([2, 2, 2], [["1", "0"], ["0", "1"]]), time="10")
    assert all(loss.bounds()[0] <= 0 <= loss.bounds()[1] for loss in run.observables["loss"])
    assert run.status is Status.FINISHED


def test_the_saddle_at_zero_weights_is_a_point_of_rest():
    run = flow(problem([1, 1, 1], [["1"]], given_weights("0", "0")), time="2")
    assert run.observables["loss"][-1].bounds()[0] <= Fraction(1, 2) <= run.observables["loss"][-1].bounds()[1]


def test_the_crossing_of_a_level_is_enclosed_by_two_records():
    level = Fraction(1, 1000)
    run = flow(problem([1, 1, 1], [["2"]], given_weights("1", "1")), time="50", level=level)
    assert run.status is Status.CONVERGED
    before, after = run.observables["loss"][-2:]
    assert before.bounds()[0] > level >= after.bounds()[1]
    # (sigma - 2)^2 / 2 = level at sigma = 2 - sqrt(2 level), and the closed form gives the time.
    mp = mpmath.MPContext()
    mp.dps = 60
    sigma = 2 - mp.sqrt(mp.mpf(2) / 1000)
    crossing = mp.log(sigma / (2 - sigma)) / 4
    assert mp_of(run.times[-2], mp) <= crossing <= mp_of(run.times[-1], mp)
    assert run.times[-1] - run.times[-2] < Fraction(1, 10**10)
    assert any("proved" in note for note in run.notes)


@pytest.mark.parametrize("name", ["balancedness", "end_to_end_flow"])
def test_theorems_about_the_flow_are_enclosures_on_balls(name):
    from workbench import theorems

    theorem = theorems.load(name)
    run = flow(CASES[1], observes=tuple(dict.fromkeys(("loss", *theorem.observes))))
    evidence = compare(theorem, run)
    assert evidence.verdict == "consistent"
    assert evidence.grade == "enclosure"


def one_step(given, order, length, before):
    """Return the polynomial after one step at low order, and the bound of its error."""
    backend = load("ball", bits=200)
    with backend.session():
        target = backend.matrix(given.loss.target.rows)
        series = FlowSeries(backend._flint, arb(2 * given.loss.factor), target, None, precision)
        start = tuple(p.mid() for p in build(given, backend).parameters)
        expansion = series.expand(start, order)
        bound = StepBound(given, backend)
        error = enclosed_error(bound, expansion, bound.majorants(expansion), length, arb(before), 200)
        points = [float(p[0, 0].mid()) for p in expansion.at(arb(length))]
        return points, None if error is None else float(error)


LENGTH = Fraction(1, 16)


def relaxation_error():
    """Return the true error of one step of order 2 of w' = 1 - w, and its bound."""
    (point,), bound = one_step(problem([1, 1], [["1"]], given_weights("0")), 2, LENGTH, Fraction(0))
    return abs(1 - float(mpmath.exp(-float(LENGTH))) - point), bound


def saddle_error():
    """Return how far a start moved by 2^-40 along the unstable direction of the saddle gets, and its bound."""
    offset, length = 2.0**-40, Fraction(1, 2)
    _, bound = one_step(problem([1, 1, 1], [["1"]], given_weights("0", "0")), 8, length, Fraction(offset))
    sigma0 = offset * offset / 2
    growth = float(mpmath.exp(2 * length))
    return float(mpmath.sqrt(2 * growth / (growth - 1 + 1 / sigma0))), bound


def test_the_bounds_of_the_defect_and_of_its_growth_hold_and_are_not_idle():
    for true, bound in (relaxation_error(), saddle_error()):
        assert true <= bound * (1 + 1e-12) <= 1.2 * true


def test_a_remainder_that_is_halved_is_caught(monkeypatch):
    whole = StepBound.defect
    monkeypatch.setattr(StepBound, "defect", lambda *a: whole(*a) / 2)
    true, bound = relaxation_error()
    assert true > bound


def test_a_logarithmic_norm_of_the_wrong_sign_is_caught(monkeypatch):
    right = StepBound.logarithmic_norm
    monkeypatch.setattr(StepBound, "logarithmic_norm", lambda *a: -right(*a))
    true, bound = saddle_error()
    assert true > bound


def test_a_step_too_long_for_the_lemma_is_refused():
    _, bound = one_step(problem([1, 1, 1], [["100"]], given_weights("1", "1")), 3, Fraction(1), Fraction(0))
    assert bound is None


def test_the_integral_of_the_norm_of_a_defect_is_within_its_bound():
    given = problem([1, 1, 1], [["-1"]], given_weights("1", "-2"))
    backend = load("ball", bits=200)
    with backend.session():
        target = backend.matrix(given.loss.target.rows)
        series = FlowSeries(backend._flint, arb(1), target, None, precision)
        start = tuple(p.mid() for p in build(given, backend).parameters)
        expansion, bound = series.expand(start, 1), StepBound(given, backend)
        found = float(bound.defect(expansion, bound.majorants(expansion), arb(Fraction(1, 4))))
    # p_1 = 1 + v t, p_2 = -2 + w t, E = p_1 p_2 + 1: v = -E(0) p_2(0) = -2, w = -E(0) p_1(0) = 1.
    (v, w), h = (-2, 1), 0.25
    assert [[float(x[0, 0].mid()) for x in layer] for layer in expansion.layers] == [[1, v], [-2, w]]
    total, steps = 0.0, 4000
    for k in range(steps):
        t = (k + 0.5) * h / steps
        a, b = 1 + v * t, -2 + w * t
        residual = a * b + 1
        total += mpmath.hypot(v + residual * b, w + residual * a) * h / steps
    assert total <= found
