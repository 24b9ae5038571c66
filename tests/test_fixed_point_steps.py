"""One step of descent in fixed point: what it errs by, and how errors grow, beside the lemmas; the integers it uses."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from fixed_point_cases import BITS, CASES, carried, difference, distance, exact_step, machinery, units

from workbench.backends import integer_matrices

pytestmark = pytest.mark.skipif(integer_matrices.library() is None, reason="this FLINT is not called in place")


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
