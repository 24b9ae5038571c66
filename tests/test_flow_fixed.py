"""Expansions in fixed point: the lemma of the cuts against exact rational polynomials, odd shapes, planted faults."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import flint
import numpy as np
import pytest

from workbench import dynamics, targets
from workbench.backends import load
from workbench.backends.ball import arb
from workbench.dynamics import _flow_fixed, _flow_fixed_bound, _flow_polynomial, _taylor
from workbench.dynamics._flow_fixed import SPREAD, FixedSeries
from workbench.dynamics._flow_fixed_bound import FixedBound
from workbench.dynamics._flow_series import FlowSeries
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop, Watch


def problem(widths, samples=None, scale="1/2", seed=1, start=None):
    given = None
    if samples is not None:
        given = targets.matrix({"family": "uniform", "shape": [widths[0], samples], "seed": seed + 5})
    target = targets.matrix({"family": "uniform", "shape": [widths[-1], samples or widths[0]], "seed": seed})
    start = start or Start("gaussian", {"seed": seed, "scale": scale})
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(target, given), start)


def zero_target(*widths):
    return Problem(
        LinearNetwork(widths),
        SquareLoss(targets.matrix([[0] * widths[0]] * widths[-1])),
        Start("gaussian", {"seed": 3, "scale": "2/3"}),
    )


SHAPES = [
    problem([1, 3, 2]),
    problem([2, 2, 2, 2]),
    problem([2, 3, 2], samples=3),
    problem([3, 2], samples=1),
    problem([2, 2]),
    problem([1, 1, 1, 1, 1], scale="3/2"),
    problem([2, 1, 3], scale="3"),
    zero_target(2, 3, 2),
]


def exact(rows):
    return [[flint.fmpq_poly([flint.fmpq(x.numerator, x.denominator)]) for x in map(Fraction, row)] for row in rows]


def times(a, b):
    return [
        [sum((x * y for x, y in zip(r, c, strict=True)), flint.fmpq_poly()) for c in zip(*b, strict=True)] for r in a
    ]


def transposed(a):
    return [list(column) for column in zip(*a, strict=True)]


def polynomials(expansion):
    """Return the layers as matrices of exact polynomials in s."""
    rows, place, layers = expansion.coefficients.rows(), 0, []
    units = [flint.fmpz(2) ** (expansion.bits - drop) for drop in expansion.drops]
    for height, width in expansion.shapes:
        columns = [
            [flint.fmpq(row[place + k], u) for row, u in zip(rows, units, strict=True)] for k in range(height * width)
        ]
        flat = [flint.fmpq_poly(column) for column in columns]
        layers.append([flat[i * width : (i + 1) * width] for i in range(height)])
        place += height * width
    return layers


def exact_defect(given, expansion, s):
    """Return sum_k ||d_k||_F s^(k+1) / (k+1), below degree N and from there on; d = dp/ds + tau grad l(p)."""
    layers, rate = polynomials(expansion), 2 * given.loss.factor * expansion.unit
    size = given.network.widths[0]
    rows = np.eye(size, dtype=int).tolist() if given.loss.inputs is None else given.loss.inputs.rows
    below = [exact(rows)]
    for layer in layers:
        below.append(times(layer, below[-1]))
    gap = zip(below[-1], exact(given.loss.target.rows), strict=True)
    suffix = [[(x - y) * flint.fmpq(rate.numerator, rate.denominator) for x, y in zip(*r, strict=True)] for r in gap]
    defects = []
    for layer, under in zip(reversed(layers), reversed(below[:-1]), strict=True):
        gradient = times(suffix, transposed(under))
        defects += [x.derivative() + y for r, q in zip(layer, gradient, strict=True) for x, y in zip(r, q, strict=True)]
        suffix = times(transposed(layer), suffix)
    parts = [0.0, 0.0]
    for k in range(max(d.degree() for d in defects) + 1):
        norm = sqrt(sum(float(Fraction(int(d[k].p), int(d[k].q)) * 2**120) ** 2 for d in defects)) / 2**120
        parts[k >= expansion.order] += norm * s ** (k + 1) / (k + 1)
    return parts


def expanded(given, order, accuracy=40):
    backend = load("ball", bits=160)
    with backend.session():
        series, bound = FixedSeries(given, accuracy), FixedBound(given, backend)
        point, _ = series.on_grid(tuple(p.mid() for p in build(given, backend).parameters), order)
        expansion = series.expand(point, order)
        return bound, expansion, bound.majorants(expansion)


@pytest.mark.parametrize("order", [1, 3, 8])
@pytest.mark.parametrize("given", SHAPES)
def test_the_exact_defect_is_within_its_bound_and_the_bound_is_not_idle(given, order):
    bound, expansion, norms = expanded(given, order)
    for s in (Fraction(1, 4), Fraction(1), Fraction(9, 8)):
        length = arb(expansion.unit / SPREAD * s)
        low, high = exact_defect(given, expansion, float(s / SPREAD))
        cuts, rest = float(bound.cuts(expansion, norms, length)), float(bound.remainder(expansion, norms, length))
        assert low <= cuts * (1 + 1e-9)
        assert low + high <= (cuts + rest) * (1 + 1e-9)
        # Cuts add up like random signs, and what is bounded does not; norms of products lose little.
        assert cuts <= 3000 * low or low == 0
        assert rest <= 40 * high + 1e-12


@pytest.mark.parametrize("given", [SHAPES[0], SHAPES[2], SHAPES[5], SHAPES[7]])
def test_the_bound_holds_where_the_unit_of_numbers_grows(given):
    bound, expansion, norms = expanded(given, 40, accuracy=116)
    assert expansion.drops[-1] >= 64
    for s in (Fraction(1, 2), Fraction(1), Fraction(9, 8)):
        length = arb(expansion.unit / SPREAD * s)
        low, high = exact_defect(given, expansion, float(s / SPREAD))
        cuts, rest = float(bound.cuts(expansion, norms, length)), float(bound.remainder(expansion, norms, length))
        assert 0 < low <= cuts * (1 + 1e-9)
        assert low + high <= (cuts + rest) * (1 + 1e-9)
        assert cuts <= 10**5 * low


def only_the_quotients(self, *given):
    """Forget the cuts of all products, and the data's."""
    _flow_fixed_bound._Cuts.correct(self, *given)
    self._cut, self._back, self._own = ([0.0] * len(self._cut) for _ in range(3))
    self._before, self.residual, self._top_cut = [0.0] * len(self._before), 0.0, 0.0


def nothing_amplified(self, *given):
    """Forget that what was cut off early goes through the other layers."""
    _flow_fixed_bound._Cuts.correct(self, *given)
    self._w, self._before = [0.0] * len(self._w), [0.0] * len(self._before)
    self._cut, self._back, self._own = ([self._sums] * len(self._cut) for _ in range(3))
    self.residual, self._rate = 0.0, 0.0


@pytest.mark.parametrize("fault", [only_the_quotients, nothing_amplified])
def test_a_cut_that_is_left_out_is_caught(monkeypatch, fault):
    # Large weights, so that cuts are passed on.
    given = problem([2, 2, 2, 2, 2], scale="20")
    bound, expansion, norms = expanded(given, 8)
    low, _ = exact_defect(given, expansion, float(1 / SPREAD))
    assert low <= float(bound.cuts(expansion, norms, arb(expansion.unit / SPREAD)))
    monkeypatch.setattr(_flow_fixed_bound._Cuts, "correct", _flow_fixed_bound._Cuts.__init__, raising=False)
    monkeypatch.setattr(_flow_fixed_bound._Cuts, "__init__", fault)
    assert low > float(bound.cuts(expansion, norms, arb(expansion.unit / SPREAD)))


def test_a_remainder_without_the_late_coefficients_of_the_residual_is_caught(monkeypatch):
    bound, expansion, norms = expanded(SHAPES[1], 3)
    high = exact_defect(SHAPES[1], expansion, float(1 / SPREAD))[1]
    assert high <= float(bound.remainder(expansion, norms, arb(expansion.unit / SPREAD)))
    monkeypatch.setattr(bound, "_chi", 0.05)
    assert high > float(bound.remainder(expansion, norms, arb(expansion.unit / SPREAD)))


@pytest.mark.parametrize("given", SHAPES)
def test_the_value_at_a_time_encloses_the_exact_one(given):
    _, expansion, _ = expanded(given, 7)
    backend = load("ball", bits=160)
    layers = polynomials(expansion)
    for s in (Fraction(0), Fraction(1, 3), Fraction(1), Fraction(5, 4)):
        with backend.session():
            found = expansion.at(arb(expansion.unit / SPREAD * s))
            for ball, layer in zip(found, layers, strict=True):
                for x, p in zip(ball.entries(), (q for row in layer for q in row), strict=True):
                    value = p(flint.fmpq((s / SPREAD).numerator, (s / SPREAD).denominator))
                    assert x.contains(flint.arb(value))
                    assert float(x.rad()) < 2**-40


def test_powers_that_are_taken_for_exact_are_caught(monkeypatch):
    monkeypatch.setattr(_flow_polynomial.FixedExpansion, "_blurs", lambda self, *_: [flint.arb(0)] * len(self.shapes))
    with pytest.raises(AssertionError):
        test_the_value_at_a_time_encloses_the_exact_one(SHAPES[1])


def flow(given, digits, stop=None):
    stop = stop or Stop(time=Fraction(1))
    arithmetic = Arithmetic("ball", digits, structured=False)
    return dynamics.run(given, Method("gradient_flow", stop), arithmetic, ("loss",), keep_weights=True)


def all_entries(run):
    return [x for weights in run.weights for layer in weights for row in layer for x in row]


@pytest.mark.parametrize("given", SHAPES[:6])
def test_balls_and_fixed_point_enclose_the_same_flow(monkeypatch, given):
    ours = flow(given, 20)
    monkeypatch.setattr(_taylor, "applies", lambda *_: False)
    theirs = flow(given, 20)
    assert ours.times == theirs.times
    assert all(
        abs(x.value - y.value) <= x.error + y.error for x, y in zip(all_entries(ours), all_entries(theirs), strict=True)
    )
    assert max(x.error for x in all_entries(ours)) < Fraction(1, 10**26)


def test_without_the_library_the_flow_goes_on_in_balls(monkeypatch):
    monkeypatch.setattr(_flow_fixed, "library", lambda: None)
    backend = load("ball", bits=120)
    with backend.session():
        assert isinstance(_taylor.ingredients(SHAPES[1], backend)[0], FlowSeries)


def test_large_weights_are_counted_in_a_finer_unit():
    given = problem([2, 2, 2, 2], scale="1000")
    backend = load("ball", bits=120)
    with backend.session():
        series, bound = _taylor.ingredients(given, backend)
        order = _taylor.order_of(_taylor.accuracy_of(backend))
        before = series.bits(order)
        point, _ = series.on_grid(tuple(p.mid() for p in build(given, backend).parameters), order)
        expansion = series.expand(point, order)
        norms = bound.majorants(expansion)
        allowed = arb(2) ** -_taylor.accuracy_of(backend)
        missing = bound.missing_bits(expansion, norms, arb(expansion.unit / SPREAD), allowed)
        assert missing > 0
        series.refine(missing)
        assert series.bits(order) == before + missing
        finer = series.expand(point, order)
        assert bound.missing_bits(finer, bound.majorants(finer), arb(finer.unit / SPREAD), allowed) <= 2


def test_a_start_a_hair_from_a_saddle_leaves_it_for_certain():
    start = Start("given", {"weights": [[["1e-40"]], [["1e-40"]]]})
    run = flow(Problem(LinearNetwork((1, 1, 1)), SquareLoss(targets.matrix([["1"]])), start), 15)
    # While the product is small, both weights are 1e-40 e^t.
    value = run.weights[-1][0][0][0]
    assert value.bounds()[0] > Fraction(271828, 10**45)
    assert value.bounds()[1] < Fraction(271829, 10**45)


def test_an_event_is_found_in_both_forms(monkeypatch):
    stop = Stop(time=Fraction(1), watch=(Watch("loss", Fraction(1, 2)),))
    ours = flow(SHAPES[1], 20, stop).events[0]
    monkeypatch.setattr(_taylor, "applies", lambda *_: False)
    theirs = flow(SHAPES[1], 20, stop).events[0]
    assert ours.outcome == theirs.outcome
    if ours.low is not None:
        assert ours.low <= theirs.high
        assert theirs.low <= ours.high


@pytest.mark.parametrize(("widths", "time"), [([1, 1], "1/3"), ([2, 1, 2], "1/8")])
def test_digits_past_the_range_of_floats_are_had(widths, time):
    # 2^(D_k) alone is past the floats from 360 digits on, and so from 320 is the radius of a time that is no dyadic.
    method = Method("gradient_flow", Stop(time=Fraction(time)))
    run = dynamics.run(zero_target(*widths), method, Arithmetic("ball", 420), ("loss",), keep_weights=True)
    assert run.notes == ()
    assert run.times[-1] == Fraction(time)
    assert all(x.error < Fraction(1, 10**420) for w in run.weights for layer in w for row in layer for x in row)


def test_coefficients_past_the_range_of_floats_end_no_run_with_an_error():
    huge, tiny = str(10**200), f"1/{10**200}"
    start = Start("given", {"weights": [[[huge]], [[tiny]]]})
    given = Problem(LinearNetwork((1, 1, 1)), SquareLoss(targets.matrix([["1/2"]])), start)
    base, series = load("ball", bits=128), FixedSeries(given, 92)
    with base.session():
        point, _ = series.on_grid(build(given, base).parameters, 34)
        expansion, bound = series.expand(point, 34), FixedBound(given, base)
        assert not bound.defect(expansion, bound.majorants(expansion), arb(1)) < 1
