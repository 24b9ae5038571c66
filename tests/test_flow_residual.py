"""The validated flow of a residual network: a closed form, a second precision, invariants, planted faults."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import mpmath
import pytest

from workbench import dynamics, targets
from workbench.backends import load
from workbench.backends.ball import arb
from workbench.dynamics import _flow_tape
from workbench.dynamics._flow_bound import enclosed_error
from workbench.dynamics._hessian_balls import CurvatureBound
from workbench.dynamics._taylor import ingredients
from workbench.networks import build
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop


def problem(width=2, depth=2, samples=2, activation="tanh", scale="1/2", seed=1):
    target = targets.matrix({"family": "uniform", "shape": [width, samples], "seed": seed})
    inputs = targets.matrix({"family": "uniform", "shape": [width, samples], "seed": seed + 5})
    start = Start("gaussian", {"seed": seed, "scale": "1/2"})
    return Problem(ResidualNetwork(width, depth, activation, Fraction(scale)), SquareLoss(target, inputs), start)


def flow(given, *, time="1", digits=15, observes=("loss",)):
    method = Method("gradient_flow", Stop(time=Fraction(time)))
    return dynamics.run(given, method, Arithmetic("ball", digits), observes, keep_weights=True)


def scalar(target="2", start="1/3", scale="3/2", depth=1, activation="tanh"):
    weights = Start("given", {"weights": [[[start]]] * depth})
    loss = SquareLoss(targets.matrix([[target]]), targets.matrix([["4/5"]]))
    return Problem(ResidualNetwork(1, depth, activation, Fraction(scale)), loss, weights)


@pytest.mark.parametrize(("target", "start"), [("2", "1/3"), ("-1", "1/2"), ("1/10", "2")])
def test_one_scalar_block_passes_each_value_at_the_time_that_an_integral_tells(target, start):
    run = flow(scalar(target, start), time="3", digits=20)
    assert run.grade == "enclosure"
    mp = mpmath.MPContext()
    mp.dps = 40
    x, y, delta, first = mp.mpf(4) / 5, mp.mpf(Fraction(target).numerator), mp.mpf(3) / 2, Fraction(start)
    y /= Fraction(target).denominator
    # With u = tanh(a x), du/dt = -(delta x)^2 (u - (y - x) / delta) (1 - u^2)^2 for the loss with the factor 1/2.
    rest, begin = (y - x) / delta, mp.tanh(x * first.numerator / first.denominator)

    def time(weight):
        u = mp.tanh(x * weight.numerator / weight.denominator)
        return mp.quad(lambda v: -1 / ((delta * x) ** 2 * (v - rest) * (1 - v * v) ** 2), [begin, u])

    for moment, weights in list(zip(run.times, run.weights, strict=True))[1::13]:
        low, high = weights[0][0][0].bounds()
        times = sorted([time(low), time(high)])
        wanted = mp.mpf(moment.numerator) / moment.denominator
        assert times[0] <= wanted <= times[1]
        assert times[1] - times[0] < mp.mpf(10) ** -18


CURVES = {
    "tanh": (lambda mp, z: mp.tanh(z), lambda mp, z: 1 - mp.tanh(z) ** 2),
    "arctan": (lambda mp, z: mp.atan(z), lambda mp, z: 1 / (1 + z * z)),
    "softplus": (lambda mp, z: mp.log((1 + mp.exp(z)) / 2), lambda mp, z: 1 / (1 + mp.exp(-z))),
}


@pytest.mark.parametrize("activation", CURVES)
@pytest.mark.parametrize(("target", "start"), [("2", "1/3"), ("-1", "1/2"), ("1/10", "2"), ("3", "0")])
def test_one_scalar_block_of_any_activation_passes_each_weight_at_the_time_of_an_integral(activation, target, start):
    run = flow(scalar(target, start, activation=activation), time="2", digits=20)
    mp = mpmath.MPContext()
    mp.dps = 40
    x, y, delta = mp.mpf(4) / 5, mp.mpf(Fraction(target).numerator) / Fraction(target).denominator, mp.mpf(3) / 2
    value, slope = CURVES[activation]

    def rate(a):
        return -delta * x * slope(mp, a * x) * (x + delta * value(mp, a * x) - y)

    def time(weight):
        ends = [mp.mpf(w.numerator) / w.denominator for w in (Fraction(start), weight)]
        return mp.quad(lambda a: 1 / rate(a), mp.linspace(*ends, 5))

    for moment, weights in list(zip(run.times, run.weights, strict=True))[1::13]:
        low, high = weights[0][0][0].bounds()
        times = sorted([time(low), time(high)])
        assert times[0] <= mp.mpf(moment.numerator) / moment.denominator <= times[1]
        assert times[1] - times[0] < mp.mpf(10) ** -18


CASES = [
    problem(),
    problem(1, 3, 1),
    problem(2, 1, 3, seed=2),
    problem(2, 2, 2, "identity"),
    problem(2, 2, 2, "arctan"),
    problem(2, 2, 1, "softplus"),
]


@pytest.mark.parametrize("given", CASES)
def test_the_enclosure_contains_the_flow_of_a_higher_precision(given):
    low, high = flow(given, digits=12), flow(given, digits=30)
    assert low.times == high.times
    for rough, fine in zip(low.weights, high.weights, strict=True):
        for a, b in zip(rough, fine, strict=True):
            for x, y in zip((v for r in a for v in r), (v for r in b for v in r), strict=True):
                assert abs(x.value - y.value) <= x.error + y.error
                assert x.error < Fraction(1, 10**12)


def test_the_loss_falls_from_record_to_record_for_certain():
    losses = [loss.bounds() for loss in flow(problem(), time="2").observables["loss"]]
    assert all(later[1] < earlier[0] for earlier, later in pairwise(losses))


def test_the_imbalance_with_skips_is_conserved_without_tanh_and_not_with_it():
    observes = ("loss", "residual_balancedness_change")
    linear = flow(CASES[3], observes=observes).observables["residual_balancedness_change"]
    assert all(change.bounds()[0] <= 0 and change.error < Fraction(1, 10**15) for change in linear)
    curved = flow(CASES[0], observes=observes).observables["residual_balancedness_change"]
    assert curved[-1].bounds()[0] > Fraction(1, 1000)


def one_step(given, order, length):
    """Return the true error of one step of low order, and its bound."""
    backend = load("ball", bits=160)
    with backend.session():
        series, bound = ingredients(given, backend)
        start = tuple(p.mid() for p in build(given, backend).parameters)
        expansion = series.expand(start, order)
        norms = bound.majorants(expansion)
        error = enclosed_error(bound, expansion, norms, length, arb(0), 160)
        points = expansion.at(arb(length))
        fine = series.expand(start, 60).at(arb(length))
        apart = sum(((a - b) * (a - b).transpose()).trace() for a, b in zip(points, fine, strict=True)).sqrt()
        return float(apart), None if error is None else float(error)


@pytest.mark.parametrize("given", [*CASES[:1], *CASES[4:], scalar("2", "0"), scalar("1", "2", depth=2)])
@pytest.mark.parametrize("order", [2, 3, 5])
def test_the_bound_of_a_step_holds_and_is_not_idle(given, order):
    true, bound = one_step(given, order, Fraction(1, 16))
    assert 0 < true <= bound <= 100 * true
    # The remainder is of order N + 1 in the length.
    assert one_step(given, order, Fraction(1, 32))[1] <= bound / 2**order / 1.6


@pytest.mark.parametrize("rule", ["_self_made", "_product"])
def test_a_tail_that_is_left_out_is_caught(monkeypatch, rule):
    monkeypatch.setattr(_flow_tape._Tails, rule, lambda self, *_: arb(0))
    caught = [one_step(given, 2, Fraction(1, 16)) for given in (CASES[0], scalar("2", "0"), scalar("1", "2", depth=2))]
    assert any(true > bound for true, bound in caught)


def test_a_step_beyond_the_convergence_of_the_series_is_refused():
    assert one_step(scalar("100", "0"), 4, Fraction(1))[1] is None


@pytest.mark.parametrize(
    ("activation", "rule"),
    [("arctan", "_inverse"), ("arctan", "_driven"), ("softplus", "_self_made"), ("softplus", "_driven")],
)
def test_a_tail_of_arctan_or_softplus_that_is_left_out_is_caught(monkeypatch, activation, rule):
    cases = [scalar("3", start, "4", activation=activation) for start in ("2", "1", "1/4")]
    steps = [(given, order) for given in cases for order in (1, 2, 3)]
    assert all(true <= bound for true, bound in (one_step(g, n, Fraction(1, 64)) for g, n in steps))
    monkeypatch.setattr(_flow_tape._Tails, rule, lambda self, *_: arb(0))
    assert any(true > bound for true, bound in (one_step(g, n, Fraction(1, 64)) for g, n in steps))


@pytest.mark.parametrize("activation", ["tanh", "arctan", "softplus"])
def test_the_hessian_of_an_activation_is_the_second_derivative(activation):
    given = scalar("2", "1/3", activation=activation)
    mp = mpmath.MPContext()
    mp.dps = 40
    value = CURVES[activation][0]
    x = mp.mpf(4) / 5
    wanted = mp.diff(lambda a: (x + mp.mpf(3) / 2 * value(mp, a * x) - 2) ** 2 / 2, mp.mpf(1) / 3, 2)
    backend = load("ball", bits=120)
    with backend.session():
        found = CurvatureBound(given, backend).hessian(build(given, backend).parameters)
        assert abs(float(found[0, 0]) - float(wanted)) < 1e-14
