"""Descent in fixed point: its lemmas as theorems, each with a constant that must not be smaller."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fixed_point_cases import BITS, CASES, machinery, method, problem

from workbench import backends, dynamics, targets
from workbench.backends import integer_matrices
from workbench.dynamics import _iteration, _mode_step
from workbench.dynamics._fixed_point import FixedPoint, cut, within_one
from workbench.dynamics._fixed_point_bounds import RegionBounds
from workbench.dynamics._fixed_point_descent import FixedPointDescent
from workbench.dynamics._fixed_point_error import Error
from workbench.exact import Matrix, Power
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop
from workbench.witness import examine

pytestmark = pytest.mark.skipif(integer_matrices.library() is None, reason="this FLINT is not called in place")


def descend(given, rule, digits, **keep):
    return dynamics.run(given, rule, Arithmetic("ball", digits, structured=False), **keep)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"decay"}))
def test_every_recorded_number_lies_within_its_radius_by_the_witness_of_mpmath(name):
    given, rule = CASES[name]
    run = descend(given, rule, 20, keep_weights=True)
    assert run.grade == "enclosure"
    assert examine(run).disagreement <= 1


def test_fixed_point_and_balls_agree(monkeypatch):
    for given, rule in CASES.values():
        short = descend(given, rule, 20, keep_weights=True)
        monkeypatch.setattr(_iteration, "applies", lambda problem, method: False)
        long = descend(given, rule, 20, keep_weights=True)
        monkeypatch.undo()
        assert short.steps == long.steps
        for mine, theirs in zip(short.weights, long.weights, strict=True):
            for a, b in zip(entries(mine), entries(theirs), strict=True):
                assert abs(a.value - b.value) <= a.error + b.error
        for a, b in zip(short.observables["loss"], long.observables["loss"], strict=True):
            assert abs(a.value - b.value) <= a.error + b.error


def entries(weights):
    return [x for layer in weights for row in layer for x in row]


SADDLE = Problem(
    LinearNetwork((3, 3, 3, 3)),
    SquareLoss(targets.matrix({"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"], "rotate": 1})),
)


def at_fixed_bits(given, rule, bits, steps):
    """Return the loss and its error at the end, the precision never raised."""
    base = backends.load("ball", bits=bits)
    rule = replace(rule, stop=Stop(steps=steps))
    with base.session():
        run = FixedPointDescent(given, base, rule, ("loss",), True, None).run()
    return entries(run.weights[-1])


def lies_within(rough, fine):
    return all(abs(x.value - y.value) <= x.error + y.error for x, y in zip(rough, fine, strict=True))


def test_the_growth_along_a_saddle_is_enclosed_and_a_bound_without_it_is_caught(monkeypatch):
    rule, steps = method(eta="1/10"), 700
    fine = at_fixed_bits(SADDLE, rule, 700, steps)
    assert lies_within(at_fixed_bits(SADDLE, rule, 300, steps), fine)
    honest = RegionBounds.around
    monkeypatch.setattr(RegionBounds, "around", lambda self, *where: replace(honest(self, *where), growth_slope=0.0))
    assert not lies_within(at_fixed_bits(SADDLE, rule, 300, steps), fine)


def test_a_step_whose_cuts_are_forgotten_is_caught(monkeypatch):
    given, rule = CASES["square"]
    fine = at_fixed_bits(given, rule, 300, 20)
    honest = RegionBounds.around
    monkeypatch.setattr(
        RegionBounds, "around", lambda self, *where: replace(honest(self, *where), rounding=0.0, rounding_slope=0.0)
    )
    assert not lies_within(at_fixed_bits(given, rule, 100, 20), fine)


def stays_in_its_regions(given, rule, steps):
    """Say whether every layer is within the reach of the centre that the constants in force were taken at."""
    integers, bounds, _ = machinery(given, rule)
    error, centre, regions = Error(bounds, 2.0**-BITS, 0.0), integers.shadow(), 0
    for _ in range(steps):
        norm, region = integers.forward(), error.region
        residual = error.look(integers.shadow, norm)
        if error.region is not region:
            centre, regions = integers.shadow(), regions + 1
        layers = zip(integers.shadow(), centre, strict=True)
        if math.sqrt(sum(np.linalg.norm(a - b) ** 2 for a, b in layers)) > error.region.reach:
            return False
        error.advance(norm, residual, integers.backward())
    assert 1 < regions < steps
    return True


def test_the_path_stays_in_its_regions_and_a_path_thought_still_is_caught(monkeypatch):
    # Weights that grow sixfold from a point where the constants are small.
    start = Start("given", {"weights": [[["1/2"]]] * 3})
    given = Problem(LinearNetwork((1, 1, 1, 1)), SquareLoss(Matrix.from_rows([["27"]])), start)
    rule = method(eta="1/300")
    assert stays_in_its_regions(given, rule, 200)
    for other, its in (CASES["penalised"], CASES["data"]):
        assert stays_in_its_regions(other, replace(its, step_size=Fraction(1, 200)), 200)
    honest = FixedPoint.backward
    monkeypatch.setattr(FixedPoint, "backward", lambda self: honest(self) / 10)
    assert not stays_in_its_regions(given, rule, 200)


@pytest.mark.parametrize("depth", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("spring", ["0", "1/9"])
def test_a_step_of_a_mode_errs_by_no_more_than_its_lemma_allows(depth, spring):
    bits = 80
    recursion = _mode_step.Recursion(depth, bits, Fraction(3, 40 * depth), Fraction(spring), 1, 1e6)
    rng = random.Random(depth)
    ratios = []
    for _ in range(30):
        lam = Fraction(rng.randrange(-200, 200), 150)
        target, radius = cut(lam, bits)
        y = Fraction(rng.randrange(-120, 120), 100) if depth < 8 else Fraction(rng.randrange(80, 110), 100)
        whole = cut(y, bits)[0]
        error = float(rng.randrange(0, 2**20))
        mode = _mode_step.Mode(whole, target, radius, error)
        found = _mode_step.advance(mode, recursion, 1)
        x = Fraction(whole, 2**bits) + Fraction(int(error) * rng.choice([-1, 1]), 2**bits)
        exact = x - recursion.pull * x ** (depth - 1) * (x**depth - lam) - recursion.spring * (x - 1)
        miss = float(abs(exact - Fraction(int(mode.y), 2**bits)) * 2**bits)
        assert miss <= mode.error
        ratios.append(miss / mode.error)
        gap = math.isqrt(found.squares[0])
        true_gap = abs(x**depth - lam) * 2**bits
        assert abs(float(true_gap - gap)) <= found.gaps[0] + 1e-6
    assert max(ratios) > 0.5


def test_a_mode_whose_slope_is_taken_too_small_is_caught(monkeypatch):
    given = Problem(LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([["1/3"]])))
    rule = method(eta="1/50", steps=60)
    fine, rough = (dynamics.run(given, rule, Arithmetic("ball", d)) for d in (40, 10))

    def agree(run):
        pairs = zip(run.observables["loss"], fine.observables["loss"], strict=True)
        return all(abs(a.value - b.value) <= a.error + b.error for a, b in pairs)

    assert agree(rough)
    honest = _mode_step.region
    monkeypatch.setattr(
        _mode_step, "region", lambda mode, recursion: (*honest(mode, recursion)[:3], 0.0, 0.01, 1.0, 0.0)
    )
    assert not agree(dynamics.run(given, rule, Arithmetic("ball", 10)))


def test_a_spectrum_that_is_not_known_is_certified_and_agrees_with_the_matrices():
    rows = [["2", "1", "0"], ["1", "1/3", "1/7"], ["0", "1/7", "2"]]
    given = Problem(LinearNetwork((3, 3, 3)), SquareLoss(Matrix.from_rows(rows)))
    rule = method(eta="1/20", steps=100)
    short = dynamics.run(given, rule, Arithmetic("ball", 30))
    assert any("certified" in note for note in short.notes)
    long = descend(given, rule, 30)
    pairs = list(zip(short.observables["loss"], long.observables["loss"], strict=True))
    assert all(abs(a.value - b.value) <= a.error + b.error for a, b in pairs)
    assert any("certified" in note for note in dynamics.run(given, rule, Arithmetic("ball", 600)).notes)
    kept = dynamics.run(given, rule, Arithmetic("ball", 30), keep_weights=True)
    assert not any("structure" in note for note in kept.notes)


DIVERGING = {
    "square": (problem([2, 2, 2, 2]), "5"),
    "deep": (problem([2] * 17, scale="1"), "3"),
    "rectangular": (problem([2, 5, 1, 3], scale="2"), "50"),
    "data": (problem([2, 2, 2], inputs=7), "100"),
    "width one": (problem([1, 1], seed=3), "1000"),
    "by modes": (Problem(LinearNetwork((2,) * 9), SquareLoss(Matrix.from_rows([["9", "1"], ["1", "-4"]]))), "1"),
}


@pytest.mark.parametrize("name", DIVERGING)
def test_a_path_that_leaves_every_bound_diverges_at_the_step_that_proves_it(name):
    given, eta = DIVERGING[name]
    rule = method(eta=eta, steps=400)
    run = dynamics.run(given, rule, Arithmetic("ball", 15))
    assert run.status is Status.DIVERGED
    step = run.steps[-1]
    assert any(f"proved at step {step}" in note for note in run.notes)
    low, high = (Fraction(10) ** 100 * part for part in (Fraction(999, 1000), Fraction(1001, 1000)))
    finite = [b for b in (x.bounds() for x in run.observables["loss"]) if b is not None]
    assert all(b[0] <= high for b in finite[:-1])
    assert finite[-1][0] > low or run.observables["loss"][-1].value is None
    more = dynamics.run(given, rule, Arithmetic("ball", 60))
    assert more.steps[-1] == step
    for a, b in zip(run.observables["loss"], more.observables["loss"], strict=True):
        if a.bounds() is not None and b.bounds() is not None:
            assert abs(a.value - b.value) <= a.error + b.error


def test_a_named_start_that_is_irrational_is_cut_with_its_radius():
    root = Power(Fraction(2), Fraction(1, 2))
    base = backends.load("ball", bits=90)
    with base.session():
        whole, error = cut(root, 90)
    assert 0 < error < 16
    assert (Fraction(whole, 2**90) - Fraction(int(error), 2**90)) ** 2 < 2
    assert (Fraction(whole, 2**90) + Fraction(int(error), 2**90)) ** 2 > 2


def test_without_the_library_balls_take_over(monkeypatch):
    monkeypatch.setattr("workbench.dynamics._fixed_point_descent.library", lambda: None)
    run = descend(*CASES["square"], 20, keep_weights=True)
    assert run.grade == "enclosure"
    assert examine(run).disagreement <= 1


@pytest.mark.long
def test_a_hundred_thousand_steps_lose_at_most_eight_digits():
    target = targets.matrix({"family": "uniform", "shape": [2, 2], "seed": 1})
    given = Problem(LinearNetwork((2,) * 5), SquareLoss(target))
    base = backends.load("ball", bits=231)
    with base.session():
        run = FixedPointDescent(given, base, method(eta="1/100", steps=100_000), ("loss",), False, None)
        run.recorder.wants = lambda step: False
        assert run.run().status is Status.FINISHED
    assert run.error.bound < 10**8


@pytest.mark.long
def test_ten_thousand_enclosures_contain_the_value_at_double_precision():
    rng, checked = random.Random(0), 0
    for seed in itertools.count():
        depth = rng.randrange(1, 6)
        widths = [rng.randrange(1, 5) for _ in range(depth + 1)]
        inputs = rng.choice([None, None, rng.randrange(1, 6)])
        given = problem(widths, seed, inputs, rng.choice(["half", "mean", "none"]) if inputs else "half")
        if rng.random() < 0.3:
            given = replace(given, start=Start()) if len(set(widths)) == 1 else given
        run = descend(given, method(steps=rng.randrange(1, 40), eta=f"1/{rng.randrange(5, 40)}"), 20, keep_weights=True)
        found = examine(run)
        assert found.disagreement <= 1, (seed, widths)
        checked += found.numbers
        if checked >= 10_000:
            return


@pytest.mark.parametrize("base", [2, 1_000_000_007])
def test_irrational_targets_and_inputs_are_within_a_unit(base):
    named = Power(Fraction(base), Fraction(7, 3))
    with backends.load("ball", bits=BITS).session():
        found = within_one(named, BITS)
    assert (found - 1) ** 3 < Fraction(base) ** 7 * 2 ** (3 * BITS) < (found + 1) ** 3


def test_a_large_irrational_target_is_enclosed():
    # Depth one, a zero start, no step: the loss is half the square of the target, base^(14/3) / 2.
    base = Fraction(1_000_000_007)
    given = Problem(
        LinearNetwork((1, 1)),
        SquareLoss(Matrix(((Power(base, Fraction(7, 3)),),))),
        Start("given", {"weights": [[["0"]]]}),
    )
    loss = dynamics.run(given, method(steps=1, eta="1/3"), Arithmetic("ball", digits=20), keep_weights=True)
    found = loss.observables["loss"][0]
    assert 8 * (found.value - found.error) ** 3 <= base**14 <= 8 * (found.value + found.error) ** 3


def test_errors_that_outgrow_the_floats_are_left_to_balls() -> None:
    # A saddle in a rotated basis: the error grows by 2^1000 in units, and digits are left all the same.
    target = targets.matrix({"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"], "rotate": 1})
    given = Problem(LinearNetwork((3,) * 4), SquareLoss(target))
    method = Method("gradient_descent", Stop(steps=3000), Fraction(1, 10))
    run = dynamics.run(given, method, Arithmetic("ball", 40, structured=False))
    last = run.observables["loss"][-1]
    assert last.value is not None
    assert last.error is not None
    assert last.error < Fraction(1, 10**35)
    assert last.value > Fraction(1, 2)
