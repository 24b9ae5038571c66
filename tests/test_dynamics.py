"""Descent and flow: closed forms, exact rationals, higher precision, and the claimed errors themselves."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from small_problems import (
    PROBLEMS,
    RESIDUAL,
    SADDLE,
    SMALLEST,
    SPD,
    agree,
    certified,
    descend,
    flow,
    numbers,
    precise_flow,
)

from workbench import backends, dynamics
from workbench.dynamics import _error_bounds, _iteration, gradient_descent
from workbench.dynamics.gradient_flow import _Flow, extrapolation_weights
from workbench.errors import UnsupportedError
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Method, Status, Stop

# Closed forms.


@pytest.mark.parametrize("backend", backends.catalogue())
def test_one_layer_contracts_by_one_minus_eta(backend: str) -> None:
    eta, target = Fraction(1, 3), Fraction(1, 5)
    problem = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([[target]])))
    run = descend(problem, backend, 6, step_size=eta)
    assert run.steps == tuple(range(7))
    assert run.times == tuple(eta * k for k in range(7))
    for k, loss in enumerate(run.observables["loss"]):
        truth = Fraction(1, 2) * ((1 - eta) ** k * (1 - target)) ** 2
        bounds = loss.bounds()
        assert bounds is not None
        assert bounds[0] <= truth <= bounds[1]
        assert bounds[1] - bounds[0] < Fraction(1, 10**13)


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
def test_the_scalar_flow_of_depth_two_is_its_closed_form(backend: str) -> None:
    # W = w^2 with dW/dt = 2 W (s - W): W(t) = s e^{2st} / (e^{2st} - 1 + s / W(0)).
    s = Fraction(2)
    problem = Problem(
        LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([[s]])), Start("identity", {"scale": "1/2"})
    )
    run = flow(problem, backend, Fraction(3, 2), 30 if backend in ("mp", "ball") else None)
    assert run.grade == ("enclosure" if backend == "ball" else "estimate")
    assert run.status is Status.FINISHED
    assert run.times[-1] == Fraction(3, 2)
    with mpmath.workprec(300):
        for time, loss in zip(run.times, run.observables["loss"], strict=True):
            growth = mpmath.exp(2 * mpmath.mpf(s.numerator) * time.numerator / time.denominator)
            truth = (s.numerator * growth / (growth - 1 + 8) - s.numerator) ** 2 / 2
            assert loss.value is not None
            assert loss.error is not None
            error = abs(truth - mpmath.mpf(loss.value.numerator) / loss.value.denominator)
            assert error <= mpmath.mpf(loss.error.numerator) / loss.error.denominator
            assert loss.error < Fraction(1, 10**9 if backend in ("float64", "torch") else 10**29)


def test_a_flow_asked_to_the_same_digits_twice_as_far_agrees_with_itself() -> None:
    short, long = (flow(SPD, "mp", Fraction(1), digits) for digits in (10, 30))
    last = short.observables["loss"][-1].minus(long.observables["loss"][-1])
    assert last.value is not None
    assert last.error is not None
    assert abs(last.value) <= last.error < Fraction(1, 10**9)


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_the_order_of_extrapolation_is_twice_its_columns(columns: int) -> None:
    problem = Problem(LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([[2]])))
    base = backends.load("mp", bits=400)
    method = Method("gradient_flow", Stop(None, Fraction(1)))
    with base.session():
        state = _Flow(problem, base, method, ("loss",), False, 60)
        state.columns = columns
        state.weights, state.lower = extrapolation_weights(columns), extrapolation_weights(columns, 2)
        errors = []
        for halvings in (12, 13):
            length = Fraction(1, 2**halvings)
            after, local = state._step(state.network.parameters, length)
            with mpmath.workprec(400):
                growth = mpmath.exp(mpmath.mpf(4) * length.numerator / length.denominator)
                truth = mpmath.sqrt(2 * growth / (growth + 1))
                error = abs(mpmath.mpf(after[0][0, 0]) - truth)
            assert error < local
            errors.append(error)
    assert mpmath.log(errors[0] / errors[1], 2) == pytest.approx(2 * columns + 1, abs=0.3)


@pytest.mark.parametrize("columns", [1, 2, 5, 30])
def test_extrapolation_weights_are_consistent(columns: int) -> None:
    weights = extrapolation_weights(columns)
    assert sum(weights) == 1
    for power in range(1, columns):
        assert sum(w / Fraction(2 * j) ** (2 * power) for j, w in enumerate(weights, start=1)) == 0


# Descent against exact rationals.


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_descent_holds_exact_rationals_within_its_error(backend: str, name: str) -> None:
    exact, found = (descend(PROBLEMS[name], which, 3) for which in ("exact", backend))
    assert exact.grade == "enclosure"
    assert agree(found, exact)


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize(
    ("dynamics_name", "parameters"),
    [
        ("heavy_ball", {"momentum": Fraction(9, 10)}),
        ("nesterov", {"momentum": Fraction(9, 10)}),
        ("penalised_descent", {"penalty": Fraction(1, 3)}),
    ],
)
def test_variants_hold_exact_rationals_within_their_error(
    backend: str, dynamics_name: str, parameters: dict[str, Fraction]
) -> None:
    exact, found = (descend(SPD, which, 3, name=dynamics_name, **parameters) for which in ("exact", backend))
    assert agree(found, exact)
    plain = descend(SPD, "exact", 3)
    assert not agree(found, plain)


def test_heavy_ball_without_momentum_is_descent() -> None:
    assert numbers(descend(SPD, "exact", 3, name="heavy_ball", momentum=Fraction(0))) == numbers(
        descend(SPD, "exact", 3)
    )


@pytest.mark.parametrize("backend", ["float64", "torch", "mp"])
def test_a_projected_run_stays_in_its_ball(backend: str) -> None:
    radius = Fraction(1, 8)
    run = descend(
        SADDLE, backend, 60, name="projected_descent", radius=radius, observes=("loss", "distance_to_identity")
    )
    distances = run.observables["distance_to_identity"]
    assert all(d.value is not None and d.error is not None and d.value - d.error <= radius for d in distances)
    assert any(d.value is not None and d.error is not None and d.value + d.error >= radius for d in distances)
    free = descend(SADDLE, backend, 60, observes=("loss", "distance_to_identity"))
    last = free.observables["distance_to_identity"][-1].bounds()
    assert last is not None
    assert last[0] > radius


# The claimed error itself.


@pytest.mark.parametrize("backend", ["float64", "torch", "mp"])
@pytest.mark.parametrize("name", ["spd", "saddle", "rectangular", "data", "zero layer"])
def test_the_estimate_of_descent_is_at_least_the_true_error(backend: str, name: str) -> None:
    truth = certified(name, 150, 60)
    found = descend(PROBLEMS[name], backend, 150, digits=20 if backend == "mp" else None)
    assert truth.grade == "enclosure"
    assert found.grade == "estimate"
    assert agree(found, truth)


@pytest.mark.parametrize("backend", ["float64", "mp"])
@pytest.mark.parametrize(
    ("dynamics_name", "parameters", "referee"),
    [
        ("heavy_ball", {"momentum": Fraction(1, 2)}, "ball"),
        ("nesterov", {"momentum": Fraction(1, 2)}, "ball"),
        ("penalised_descent", {"penalty": Fraction(1, 3)}, "ball"),
        ("projected_descent", {"radius": Fraction(1, 4)}, "mp"),
    ],
)
def test_the_estimate_of_a_variant_is_at_least_the_true_error(
    backend: str, dynamics_name: str, parameters: dict[str, Fraction], referee: str
) -> None:
    truth = descend(SADDLE, referee, 60, digits=50, name=dynamics_name, **parameters)
    found = descend(SADDLE, backend, 60, digits=20 if backend == "mp" else None, name=dynamics_name, **parameters)
    assert agree(found, truth)


def test_the_estimate_of_a_residual_network_is_at_least_the_true_error() -> None:
    truth = descend(RESIDUAL, "ball", 40, digits=50)
    assert truth.grade == "enclosure"
    for backend in ("float64", "torch", "mp"):
        assert agree(descend(RESIDUAL, backend, 40, digits=20 if backend == "mp" else None), truth)


def test_the_estimate_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = certified("saddle", 300, 80)
    last = descend(SADDLE, "float64", 300).observables["loss"][-1]
    assert last.error is not None
    assert 0 < last.error < Fraction(1, 10**6)
    # Were the growth of errors along the saddle left out, the claim would be false.
    monkeypatch.setattr(gradient_descent.Step, "growth", lambda self, low, high: 0.5)
    assert not agree(descend(SADDLE, "float64", 300), truth)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_a_certified_ball_contains_what_higher_precision_finds(name: str) -> None:
    found, truth = (certified(name, 150, digits) for digits in (1, 60))
    assert found.grade == truth.grade == "enclosure"
    assert agree(found, truth)


@pytest.mark.parametrize("digits", [1, 30, 200])
def test_every_recorded_weight_has_the_digits_asked_for(digits: int) -> None:
    for backend in ("ball", "mp"):
        run = descend(SADDLE, backend, 150, digits=digits)
        assert run.weights is not None
        assert run.arithmetic.digits == digits
        errors = [m.error for record in run.weights for layer in record for row in layer for m in row]
        assert all(e is not None and e <= 4 * Fraction(1, 10**digits) for e in errors)


def in_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run full matrices in balls: neither the modes nor the fixed point."""
    monkeypatch.setattr(dynamics, "runner", lambda *given: None)
    monkeypatch.setattr(_iteration, "applies", lambda problem, method: False)


def test_a_wrong_lipschitz_constant_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    in_balls(monkeypatch)
    truth = certified("saddle", 300, 80)
    assert agree(descend(SADDLE, "ball", 300, digits=1), truth)
    monkeypatch.setattr(gradient_descent.Step, "growth", lambda self, low, high: 0.5)
    assert not agree(descend(SADDLE, "ball", 300, digits=1), truth)


def test_a_hessian_bound_without_its_twist_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    in_balls(monkeypatch)
    truth = certified("saddle", 1500, 80)
    # As though the loss were convex: no growth along the saddle's directions.
    monkeypatch.setattr(_error_bounds.HessianBound, "extremes", lambda self, layers, error: (0.0, 1.0))
    assert not agree(descend(SADDLE, "ball", 1500, digits=1), truth)


@pytest.mark.parametrize("backend", ["float64", "torch", "mp"])
@pytest.mark.parametrize("name", ["spd", "saddle", "data"])
def test_the_estimate_of_a_flow_is_at_least_the_true_error(backend: str, name: str) -> None:
    found = flow(PROBLEMS[name], backend, Fraction(1), 8 if backend == "mp" else None)
    truth = precise_flow(name)
    assert found.times[-1] == truth.times[-1] == 1
    assert found.weights is not None
    assert truth.weights is not None
    pairs = [(found.observables["loss"][-1], truth.observables["loss"][-1])]
    for mine, true in zip(found.weights[-1], truth.weights[-1], strict=True):
        pairs += list(zip(itertools.chain(*mine), itertools.chain(*true), strict=True))
    for one, two in pairs:
        gap = one.minus(two)
        assert gap.value is not None
        assert gap.error is not None
        assert abs(gap.value) <= gap.error < Fraction(1, 10**8)


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1.0, 1e160, 1e300])
def test_a_norm_neither_vanishes_nor_overflows(size: float) -> None:
    arrays = [np.array([[3 * size]]), np.array([[0.0], [4 * size]])]
    assert _error_bounds.norm(arrays) == pytest.approx(5 * size, rel=1e-14)
    assert _error_bounds.norm([np.zeros((2, 2))]) == 0
    assert _error_bounds.norm([np.array([[np.inf]])]) == np.inf
    assert np.isnan(_error_bounds.norm([np.array([[np.nan, 1.0]])]))


def test_a_flow_of_more_digits_than_its_estimate_can_hold_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="digits"):
        flow(SMALLEST, "mp", Fraction(1, 8), 400)
