"""Descent in fixed point: its lemmas as theorems, each with a constant that must not be smaller."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from workbench import backends, dynamics, targets
from workbench.backends import integer_matrices
from workbench.dynamics import _iteration, _mode_step
from workbench.dynamics._fixed_point import FixedPoint, cut, within_one
from workbench.dynamics._fixed_point_bounds import RegionBounds
from workbench.dynamics._fixed_point_descent import FixedPointDescent, rule_of
from workbench.dynamics._fixed_point_error import Error
from workbench.dynamics._fixed_point_rules import Momentum
from workbench.exact import Matrix, Power
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop
from workbench.witness import examine

pytestmark = pytest.mark.skipif(integer_matrices.library() is None, reason="this FLINT is not called in place")

BITS = 96


def problem(widths, seed=1, inputs=None, normalisation="half", scale="1/2"):
    target = targets.matrix({"family": "uniform", "shape": [widths[-1], inputs or widths[0]], "seed": seed})
    given = None
    if inputs is not None:
        given = targets.matrix({"family": "uniform", "shape": [widths[0], inputs], "seed": seed + 1})
    start = Start("gaussian", {"seed": seed, "scale": scale})
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(target, given, normalisation), start)


def method(name="gradient_descent", steps=30, eta="1/7", level=None, **parameters):
    exact = {k: Fraction(v) for k, v in parameters.items()}
    return Method(name, Stop(steps=steps, until_loss=level), Fraction(eta), exact)


CASES = {
    "square": (problem([2, 2, 2, 2]), method()),
    "rectangular": (problem([2, 3, 1, 4]), method()),
    "depth one": (problem([3, 2]), method(eta="3/1024")),
    "width one": (problem([1, 1, 1, 1, 1]), method(eta="1")),
    "data": (problem([2, 3, 2], inputs=5), method()),
    "one sample, mean": (problem([3, 2, 2], inputs=1, normalisation="mean"), method()),
    "no factor": (problem([2, 2, 2], normalisation="none"), method(eta="2/31")),
    "penalised": (problem([2, 2, 2]), method("penalised_descent", penalty="1/3")),
    "decay": (problem([2, 3, 2]), method("weight_decay", decay="2/7")),
    "large weights": (problem([3, 3, 3], scale="4"), method(eta="1/1000")),
    "heavy ball": (problem([2, 3, 2]), method("heavy_ball", momentum="3/7")),
    "heavy ball, long step": (problem([2, 2, 2, 2]), method("heavy_ball", eta="1/2", momentum="9/10", steps=12)),
    "no momentum": (problem([2, 2, 2]), method("heavy_ball", momentum="0")),
    "ahead": (problem([2, 3, 2], inputs=4), method("nesterov", momentum="5/9")),
    "ahead, width one": (problem([1, 1, 1]), method("nesterov", momentum="99/100", eta="1/100")),
}


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def turned(a):
    return [list(column) for column in zip(*a, strict=True)]


def exact_step(given, rule, layers, velocities):
    """Return the next weights and velocities and the residual in fractions, from the definition of the gradient."""
    loss = given.loss
    inputs = [list(r) for r in (loss.inputs or Matrix.identity(given.network.widths[0])).rows]

    def chain(part, rows):
        result = [[Fraction(i == j) for j in range(rows)] for i in range(rows)]
        for layer in part:
            result = product(layer, result)
        return result

    whole = product(chain(layers, given.network.widths[0]), inputs)
    residual = [[x - t for x, t in zip(r, s, strict=True)] for r, s in zip(whole, loss.target.rows, strict=True)]
    after, moving = [], []
    for i, (layer, velocity) in enumerate(zip(layers, velocities, strict=True)):
        above = chain(layers[i + 1 :], given.network.widths[i + 1])
        below = product(chain(layers[:i], given.network.widths[0]), inputs)
        gradient = product(product(turned(above), residual), turned(below))
        pulled, b = rule.parameter("penalty") or rule.parameter("decay"), rule.parameter("momentum")
        anchor = int(rule.name == "penalised_descent")
        places = [(i, j) for i in range(len(layer)) for j in range(len(layer[0]))]
        pull = {
            (i, j): 2 * loss.factor * gradient[i][j] + pulled * (layer[i][j] - anchor * (i == j)) for i, j in places
        }
        speed = {(i, j): b * velocity[i][j] - rule.step_size * pull[i, j] for i, j in places}
        ahead = rule.name == "nesterov"
        step = {at: b * speed[at] - rule.step_size * pull[at] if ahead else speed[at] for at in places}
        rows, columns = range(len(layer)), range(len(layer[0]))
        after.append([[layer[i][j] + step[i, j] for j in columns] for i in rows])
        moving.append([[speed[i, j] for j in columns] for i in rows])
    return after, moving, residual


def distance(first, second):
    """Return the Frobenius norm of the difference."""
    pairs = zip(first, second, strict=True)
    total = sum((x - y) ** 2 for a, b in pairs for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True))
    return math.sqrt(total)


def units(layers, bits=BITS):
    return [[[Fraction(x, 2**bits) for x in row] for row in layer] for layer in layers]


def machinery(given, rule):
    """Return the integers, the lemmas' constants and the rule of a run."""
    base = backends.load("ball", bits=BITS)
    with base.session():
        floats = [base.shadow(p) for p in build(given, base).parameters]
    moves, anchor = rule_of(given, rule, floats)
    return (
        FixedPoint(given, BITS, rule.step_size, moves, anchor),
        RegionBounds(given, 2.0**-BITS, rule.step_size, moves),
        moves,
    )


def carried(moves, weights, velocities):
    """Return the norm that a rule carries, of errors of weights and velocities."""
    if not isinstance(moves, Momentum):
        return distance(weights, [[[0] * len(r) for r in w] for w in weights])
    c, g = (Fraction(x) for x in moves._norm)
    squares = 0.0
    for w, v in zip(weights, velocities, strict=True):
        for r, s in zip(w, v, strict=True):
            squares += sum(float(x + c * y) ** 2 + float(g * y) ** 2 for x, y in zip(r, s, strict=True))
    return math.sqrt(squares)


def difference(first, second):
    return [
        [[x - y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]
        for a, b in zip(first, second, strict=True)
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_step_errs_by_no_more_than_the_lemma_allows_and_not_by_much_less(name):
    given, rule = CASES[name]
    integers, bounds, moves = machinery(given, rule)
    region = bounds.around(integers.shadow(), 0.0, 1.0, 0.0)
    still = difference(units(integers.layers()), units(integers.layers()))
    velocities, ratios = still, []
    for _ in range(5):
        before, was = units(integers.layers()), units(integers.velocities() or []) or still
        norm = integers.forward()
        exact, moving, residual = exact_step(given, rule, before, was)
        true_norm = math.sqrt(sum(float(x) ** 2 for row in residual for x in row))
        assert abs(norm - true_norm) <= region.residual * 2.0**-BITS + 1e-12 * true_norm
        stride = integers.backward()
        after, velocities = units(integers.layers()), units(integers.velocities() or []) or moving
        error = carried(moves, difference(exact, after), difference(moving, velocities)) * 2**BITS
        bound = region.rounding + region.rounding_slope * norm
        assert error <= bound
        ratios.append(error / bound)
        assert distance(before, after) == pytest.approx(stride, rel=1e-9)
    assert max(ratios) > 0.01


@pytest.mark.parametrize("name", ["heavy ball", "heavy ball, long step", "ahead", "ahead, width one", "no momentum"])
def test_an_error_grows_by_no_more_than_the_lemma_of_momentum_allows(name):
    given, rule = CASES[name]
    integers, bounds, moves = machinery(given, rule)
    for _ in range(4):
        norm = integers.forward()
        integers.backward()
    layers, velocities = units(integers.layers()), units(integers.velocities())
    region = bounds.around(integers.shadow(), 1e-5, norm, 0.0)
    rate = region.growth + moves.dip(region.growth_slope * (integers.forward() + region.slope * 1e-5), region.dip)
    rng, rates = random.Random(1), []
    for _ in range(40):
        away = [[[Fraction(rng.gauss(0, 1e-6)) for _ in r] for r in w] for w in layers]
        faster = [[[Fraction(rng.gauss(0, 1e-6)) * rng.randrange(2) for _ in r] for r in w] for w in layers]
        there = difference(layers, away), difference(velocities, faster)
        (here, moving, _), (other, others, _) = (exact_step(given, rule, *x) for x in ((layers, velocities), there))
        grown = carried(moves, difference(here, other), difference(moving, others))
        rates.append(grown / carried(moves, away, faster))
    assert max(rates) <= rate
    assert max(rates) > rate / 4


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


def test_the_self_test_refuses_a_library_that_shifts_the_other_way(monkeypatch):
    functions = integer_matrices.library()
    broken = type(functions)(**vars(functions))
    broken.fmpz_mat_scalar_tdiv_q_2exp = functions.fmpz_mat_scalar_mul_2exp
    assert integer_matrices._computes_right(functions)
    assert not integer_matrices._computes_right(broken)


@pytest.mark.parametrize("size", [1, 60, 64, 65, 5000])
def test_a_prepared_call_computes_what_the_checked_one_does(size):
    matrix, own, checked = (integer_matrices.IntegerMatrix(1, 2) for _ in range(3))
    matrix.fill([[-(3**size), 2**size - 1]])
    integer_matrices.library().fmpz_mat_scalar_tdiv_q_2exp(checked.pointer, matrix.pointer, size // 2)
    integer_matrices.prepared("fmpz_mat_scalar_tdiv_q_2exp", own, matrix, size // 2)()
    assert own.rows() == checked.rows() == [[-(3**size // 2 ** (size // 2)), (2**size - 1) >> size // 2]]


@pytest.mark.parametrize("poor", [None, 1.5, "a"])
def test_a_prepared_call_refuses_what_is_no_pointer(poor):
    matrix = integer_matrices.IntegerMatrix(1, 2)
    with pytest.raises(TypeError, match="pointer"):
        integer_matrices.prepared("fmpz_mat_set", matrix, poor)
    with pytest.raises(ValueError, match="shorter"):
        integer_matrices.prepared("fmpz_mat_set", matrix)


def test_a_window_beyond_its_matrix_is_refused():
    matrix = integer_matrices.IntegerMatrix(2, 2)
    with pytest.raises(IndexError):
        matrix.window(1, 2, 2)


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
