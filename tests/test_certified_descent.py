"""The a-posteriori bound of certified descent: its floats against adversaries, its enclosures against more digits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from workbench import dynamics, targets
from workbench.dynamics._error_bounds import HessianBound, spectral_norm_bound
from workbench.networks.curvature import Curvature
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop

UNIFORM = {"family": "uniform", "shape": [2, 2], "seed": 1}


def problem(widths, target=UNIFORM, start=None, inputs=None):
    given = None if inputs is None else targets.matrix(inputs)
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(targets.matrix(target), given), start or Start())


def descent(given, name="gradient_descent", *, steps=30, eta="1/10", digits=30, backend="ball", **parameters):
    exact = {k: Fraction(v) for k, v in parameters.items()}
    method = Method(name, Stop(steps=steps), Fraction(eta), exact)
    return dynamics.run(given, method, Arithmetic(backend, digits), keep_weights=True)


def entries(weights):
    return [x for layer in weights for row in layer for x in row]


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-150, 1.0, 1e150, 1e300])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 5), (1, 8)])
def test_the_norm_bound_is_above_the_norm_at_every_scale_and_near_it(scale, shape):
    rng = np.random.default_rng(0)
    for _ in range(50):
        a = rng.standard_normal(shape) * scale
        bound, size = spectral_norm_bound(a), float(np.abs(a).max())
        norm = 0.0 if size == 0 else size * float(np.linalg.norm(a / size, 2))
        assert bound >= norm * (1 - 1e-12)
        if scale > 1e-200:
            assert bound <= norm * 1.02


@pytest.mark.parametrize("poison", [np.inf, -np.inf, np.nan])
def test_a_matrix_that_is_not_finite_has_no_finite_bound(poison):
    assert spectral_norm_bound(np.array([[1.0, poison]])) == np.inf
    assert HessianBound(problem([2, 2, 2])).extremes([np.eye(2), np.full((2, 2), poison)], 0.0) == (-np.inf, np.inf)


ADVERSARIES = {
    "one layer nearly zero": [1e-20, 1.0, 1.0, 1.0],
    "one layer zero": [0.0, 1.0, 1.0, 1.0],
    "two layers nearly zero": [1e-20, 1e-18, 1.0, 1.0],
    "layers of every size": [1e-12, 1e12, 1e-3, 1e3],
    "all tiny": [1e-100] * 4,
    "all ordinary": [0.7, 1.3, 1.0, 0.9],
}


@pytest.mark.parametrize("name", ADVERSARIES)
def test_the_hessian_lies_within_its_bound_for_layers_of_any_size(name):
    given = problem([1] * 5, [["1"]])
    sizes = ADVERSARIES[name]
    low, high = HessianBound(given).extremes([np.array([[w]]) for w in sizes], 0.0)
    whole = float(np.prod(sizes))
    others = [float(np.prod(sizes[:i] + sizes[i + 1 :])) for i in range(4)]
    hessian = np.outer(others, others)
    for i in range(4):
        for j in range(4):
            if i != j:
                hessian[i, j] += (whole - 1) * float(np.prod([w for k, w in enumerate(sizes) if k not in (i, j)]))
    values = np.linalg.eigvalsh(hessian)
    slack = 1e-10 * max(1e-300, np.abs(values).max())
    assert low <= values[0] + slack
    assert high >= values[-1] - slack


def test_the_hessian_at_every_point_of_a_ball_lies_within_the_bound_of_the_ball():
    given = problem([2, 3, 2])
    rng, radius = np.random.default_rng(1), 0.2
    layers = [rng.standard_normal((3, 2)), rng.standard_normal((2, 3))]
    low, high = HessianBound(given).extremes(layers, radius)
    for _ in range(100):
        steps = [rng.standard_normal(layer.shape) for layer in layers]
        size = np.sqrt(sum((s**2).sum() for s in steps))
        bottom, top = Curvature(given).extremes([a + radius * s / size for a, s in zip(layers, steps, strict=True)])
        assert low <= bottom + 1e-6
        assert top <= high + 1e-6


def test_entries_beyond_the_floats_are_infinite_not_an_error():
    huge = problem([1, 1, 1], [[str(10**400)]])
    assert HessianBound(huge).extremes([np.eye(1), np.eye(1)], 0.0) == (-np.inf, np.inf)


RUNS = {
    "gradient_descent": {},
    "penalised_descent": {"penalty": "1/10"},
    "heavy_ball": {"momentum": "1/5"},
    "nesterov": {"momentum": "1/5"},
    "projected_descent": {"radius": "1/4"},
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("start", [Start(), Start("gaussian", {"seed": 3, "scale": "1/2"})])
def test_every_iterate_lies_within_the_enclosure_of_fewer_digits(name, start):
    given = problem([2, 2, 2, 2], start=start)
    low, high = (descent(given, name, digits=d, **RUNS[name]) for d in (12, 60))
    assert low.grade == high.grade == "enclosure"
    for rough, fine in zip(low.weights, high.weights, strict=True):
        for x, y in zip(entries(rough), entries(fine), strict=True):
            assert abs(x.value - y.value) <= x.error + y.error


def test_projected_descent_in_balls_contains_that_of_mpmath():
    given = problem([2, 2, 2], [["3", "1"], ["-1", "2"]])
    mine, theirs = (descent(given, "projected_descent", radius="1/4", digits=25, backend=b) for b in ("ball", "mp"))
    for a, b in zip(mine.weights, theirs.weights, strict=True):
        assert all(abs(x.value - y.value) <= x.error + y.error for x, y in zip(entries(a), entries(b), strict=True))


def test_a_layer_that_starts_at_zero_is_certified():
    start = Start("given", {"weights": [[["1", "0"], ["0", "1"]], [["0", "0"], ["0", "0"]], [["1", "0"], ["0", "1"]]]})
    given = problem([2, 2, 2, 2], start=start)
    low, high = (descent(given, digits=d, steps=60) for d in (12, 60))
    for x, y in zip(entries(low.weights[-1]), entries(high.weights[-1]), strict=True):
        assert abs(x.value - y.value) <= x.error + y.error


def test_a_step_far_too_long_diverges_and_never_encloses_wrongly():
    given = problem([2, 2, 2, 2])
    run = descent(given, eta="5", steps=50, digits=15)
    assert run.status is Status.DIVERGED
    assert run.steps[-1] < 50


def test_few_digits_are_lost_over_many_steps():
    given = problem([2] * 5)
    method = Method("gradient_descent", Stop(steps=2000), Fraction(1, 100))
    run = dynamics.run(given, method, Arithmetic("ball", 50), keep_weights=True)
    lost = max(x.error for x in entries(run.weights[-1])) * 2**run.arithmetic.precision_bits
    assert lost < 10**8
