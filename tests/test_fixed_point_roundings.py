"""The floats behind descent in fixed point: each constant on the safe side of the exact one."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from workbench import backends, dynamics, targets
from workbench.backends import integer_matrices
from workbench.dynamics import _mode_step
from workbench.dynamics._fixed_point_bounds import RegionBounds
from workbench.dynamics._fixed_point_descent import FixedPointDescent
from workbench.dynamics._fixed_point_rules import Momentum, Pull, spectral_norm
from workbench.dynamics._fixed_point_twist import Products
from workbench.dynamics._hessian_bound import floats_of, spectral_norm_bounds
from workbench.exact import Matrix
from workbench.networks.curvature import Curvature
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop

pytestmark = pytest.mark.skipif(integer_matrices.library() is None, reason="this FLINT is not called in place")


@pytest.mark.parametrize("spring", ["1/3", "2/7", "1", "3/2", "2", "7/3", "1e-20", "1e-400"])
def test_the_growth_under_a_pull_is_that_of_a_quadratic_or_more(spring):
    eta_kappa = Fraction(spring)
    assert Fraction(Pull(eta_kappa).growth(0.0)[0]) >= abs(1 - eta_kappa)
    assert Pull(eta_kappa).growth(0.0)[0] <= abs(1 - eta_kappa) + 1e-14
    assert Pull(eta_kappa).rounding(1.0, 2.0) == 3.0


@pytest.mark.parametrize("digits", range(266, 272))
def test_the_unit_of_a_run_is_no_less_than_a_unit(digits):
    given = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["1/3"]])))
    base = backends.load("ball", bits=backends.bits_of(digits) + 64)
    with base.session():
        run = FixedPointDescent(given, base, Method("gradient_descent", Stop(steps=1), Fraction(1, 2)), (), False, None)
    assert Fraction(run._unit) * 2**run.bits >= 1


@pytest.mark.parametrize(("size", "eta"), [("1e-400", "1/3"), ("1e-60", "1e119"), ("1", "1/3"), ("1e60", "1e-121")])
def test_inputs_of_any_size_are_enclosed(size, eta):
    x = Fraction(size)
    given = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["1"]]), Matrix.from_rows([[x]])))
    method = Method("gradient_descent", Stop(steps=3), Fraction(eta))
    run = dynamics.run(given, method, Arithmetic("ball", 420), keep_weights=True)
    w = Fraction(1)
    for weights in run.weights:
        assert abs(weights[0][0][0].value - w) <= weights[0][0][0].error
        w -= method.step_size * x * (w * x - 1)


def test_the_norm_of_a_matrix_of_order_two():
    rng = np.random.default_rng(3)
    for a in rng.standard_normal((200, 2, 2)) * 10.0 ** rng.integers(-8, 8, (200, 1, 1)):
        assert spectral_norm(*a.ravel()) == pytest.approx(np.linalg.norm(a, 2), rel=1e-13)


@pytest.mark.parametrize("momentum", ["0", "1/1000000", "1/5", "9/10", "999/1000"])
@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("top", [0.0, 1e-9, 0.03, 0.9, 3.0])
def test_no_eigenvalue_of_the_range_lets_an_error_grow_faster(momentum, ahead, top):
    rule, b = Momentum(Fraction(momentum), ahead, top), float(Fraction(momentum))
    c, g = rule._norm
    turn = np.array([[1, c], [0, g]])
    growth, slope = rule.growth(top)
    rng = random.Random(1)
    for twist in (0.0, 1e-12, 1e-3 * (1 - b), 0.5):
        worst = 0.0
        for h in [-twist, top + twist, *(rng.uniform(-twist, top + twist) for _ in range(30))]:
            step = [[1 - (1 + b) * h, b * b], [-h, b]] if ahead else [[1 - h, b], [-h, b]]
            worst = max(worst, np.linalg.norm(turn @ np.array(step) @ np.linalg.inv(turn), 2))
        assert worst <= (growth + rule.dip(twist, slope)) * (1 + 1e-12)
    if top * (1 + b) < (1 - b) ** 2:
        assert growth < 1 + 1e-9


NETWORKS = {
    "square": ([3, 3, 3, 3], None),
    "rectangular": ([2, 4, 1, 3], None),
    "data": ([2, 3, 2], 5),
    "depth one": ([3, 2], None),
    "width one": ([1, 1, 1, 1], None),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("reach", [0.0, 1e-3, 0.2])
def test_the_products_of_layers_bound_the_hessian_on_a_region(name, reach):
    widths, count = NETWORKS[name]
    target = targets.matrix({"family": "uniform", "shape": [widths[-1], count or widths[0]], "seed": 4})
    inputs = None if count is None else targets.matrix({"family": "uniform", "shape": [widths[0], count], "seed": 5})
    given = Problem(LinearNetwork(tuple(widths)), SquareLoss(target, inputs))
    rng = np.random.default_rng(2)
    layers = [rng.standard_normal(shape) * 0.7 for shape in given.network.shapes]
    floats = None if inputs is None else floats_of(inputs)
    norm = 1.0 if floats is None else float(spectral_norm_bounds([floats])[0])
    products = Products.at(layers, floats_of(target), floats, norm)
    dip, top = products.around(spectral_norm_bounds(layers) + reach, reach)
    curvature, lows = Curvature(given), []
    for _ in range(25):
        away = [rng.standard_normal(a.shape) for a in layers]
        size = np.sqrt(sum((a**2).sum() for a in away)) / reach if reach else np.inf
        low, high = curvature.extremes([a + d / size for a, d in zip(layers, away, strict=True)])
        assert -low <= dip + 1e-7
        assert high <= top + dip + 1e-7
        lows.append(-low)
    if not reach and len(widths) > 2 and widths[0] > 1:
        assert max(lows) > dip / 20


def test_the_products_of_layers_see_that_a_sleeping_mode_hides_the_residual():
    layers = [np.diag([1.0, 1e-3])] * 4
    target = np.diag([1.0, 1.0])
    dip, _ = Products.at(layers, target, None, 1.0).around(np.ones(4) * (1 + 1e-12), 0.0)
    # The residual is one in the second mode: the ends of the chain meet it with the first between them, no more.
    assert dip == pytest.approx(1.0, rel=0.02)


def test_a_region_with_the_products_looked_at_is_a_region():
    target = targets.matrix({"family": "spectrum", "eigenvalues": ["-1/2", "3/2"], "rotate": 1})
    given = Problem(LinearNetwork((2,) * 5), SquareLoss(target), Start("identity"))
    bounds = RegionBounds(given, 2.0**-90, Fraction(1, 100), Pull())
    layers = [np.diag([1.1, 1e-2])] * 4
    plain, looked = bounds.around(layers, 1e-20, 1.0, 0.0), bounds.around(layers, 1e-20, 1.0, 1e-7)
    assert plain.twist == np.inf
    assert looked.twist < plain.growth_slope / 3
    assert 1e-20 < looked.reach <= plain.reach


@pytest.mark.parametrize("bits", [80, 959, 960, 961, 962, 963, 964, 1000, 3000])
def test_the_unit_of_a_mode_is_never_below_the_last_bit(bits):
    unit = _mode_step.Recursion(2, bits, Fraction(1, 8), Fraction(0), 1, 1e6).unit
    assert Fraction(unit) >= Fraction(1, 2**bits)
