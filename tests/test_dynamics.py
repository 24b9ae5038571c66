"""Descent and flow: closed forms, exact rationals, higher precision, and the claimed errors themselves."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from workbench import backends, dynamics
from workbench.dynamics import _error_bounds, _iteration, _recorder, gradient_descent, penalised_descent
from workbench.dynamics.gradient_flow import _Flow, extrapolation_weights
from workbench.errors import InputError, ShapeError, UnknownNameError, UnsupportedError
from workbench.evidence import compare
from workbench.exact import Matrix, Measured
from workbench.experiment import read
from workbench.problem import LinearNetwork, Network, Problem, ResidualNetwork, SquareLoss, Start
from workbench.targets import matrix
from workbench.theorems import load
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory

IDENTITY = Start("identity")
GAUSSIAN = Start("gaussian", {"seed": 1, "scale": "1/2"})

SPD = Problem(
    LinearNetwork((2, 2, 2, 2)),
    SquareLoss(matrix({"family": "spectrum", "eigenvalues": ["1/2", "2"], "rotate": 1})),
)
SADDLE = Problem(
    LinearNetwork((3, 3, 3, 3)),
    SquareLoss(matrix({"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"], "rotate": 1})),
)
RECTANGULAR = Problem(
    LinearNetwork((2, 3, 1)), SquareLoss(matrix({"family": "uniform", "shape": [1, 2], "seed": 4})), GAUSSIAN
)
WITH_DATA = Problem(
    LinearNetwork((2, 3, 2)),
    SquareLoss(
        matrix({"family": "uniform", "shape": [2, 4], "seed": 5}),
        matrix({"family": "uniform", "shape": [2, 4], "seed": 6}),
        "mean",
    ),
    GAUSSIAN,
)
ZERO_LAYER = Problem(SPD.network, SPD.loss, Start("zero_asymmetric"))
RESIDUAL = Problem(ResidualNetwork(2, 3, "tanh", Fraction(1, 3)), WITH_DATA.loss, GAUSSIAN)
SMALLEST = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["1/3"]])))
ZERO_TARGET = Problem(LinearNetwork((2, 2, 2)), SquareLoss(Matrix.from_rows([[0, 0], [0, 0]])))

PROBLEMS = {
    "spd": SPD,
    "saddle": SADDLE,
    "rectangular": RECTANGULAR,
    "data": WITH_DATA,
    "zero layer": ZERO_LAYER,
    "smallest": SMALLEST,
    "zero target": ZERO_TARGET,
}


def descend(
    problem: Problem,
    backend: str,
    steps: int | None = 20,
    *,
    digits: int | None = None,
    step_size: Fraction = Fraction(1, 10),
    name: str = "gradient_descent",
    observes: tuple[str, ...] = ("loss",),
    until_loss: Fraction | None = None,
    keep_weights: bool = True,
    **parameters: Fraction,
) -> Trajectory:
    method = Method(name, Stop(steps, None, until_loss), step_size, parameters)
    return dynamics.run(problem, method, Arithmetic(backend, digits), observes, keep_weights=keep_weights)


def flow(problem: Problem, backend: str, time: Fraction, digits: int | None = None, **options: Any) -> Trajectory:
    method = Method("gradient_flow", Stop(None, time, options.pop("until_loss", None)))
    return dynamics.run(problem, method, Arithmetic(backend, digits), ("loss",), keep_weights=True, **options)


@functools.cache
def precise_flow(name: str) -> Trajectory:
    return flow(PROBLEMS[name], "mp", Fraction(1), 22)


@functools.cache
def certified(name: str, steps: int, digits: int) -> Trajectory:
    return descend(PROBLEMS[name], "ball", steps, digits=digits)


def numbers(trajectory: Trajectory) -> list[Measured]:
    """Return the loss and every weight at every record."""
    assert trajectory.weights is not None
    weights = [m for record in trajectory.weights for layer in record for row in layer for m in row]
    return [*trajectory.observables["loss"], *weights]


def agree(one: Trajectory, two: Trajectory) -> bool:
    """Say whether two runs of one object overlap within their errors, everywhere."""
    assert one.steps == two.steps
    gaps = [a.minus(b) for a, b in zip(numbers(one), numbers(two), strict=True)]
    assert all(g.value is not None and g.error is not None for g in gaps)
    return all(abs(g.value) <= g.error for g in gaps)  # type: ignore[arg-type, operator]


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


# Divergence, stalling, stopping.

DIVERGING = Problem(LinearNetwork((2, 2, 2)), SPD.loss)


@pytest.mark.parametrize("backend", backends.catalogue())
@pytest.mark.parametrize("step_size", [Fraction(5), Fraction(10) ** 30, Fraction(10) ** 400])
@pytest.mark.parametrize("theorem", ["positive_definite", "balancedness_drift", "equal_layers", "negative_eigenvalue"])
def test_a_run_that_diverges_says_so_and_is_never_consistent(backend: str, step_size: Fraction, theorem: str) -> None:
    statement = load(theorem)
    observes = tuple(dict.fromkeys(("loss", *statement.observes)))
    run = descend(DIVERGING, backend, 6, step_size=step_size, observes=observes)
    assert run.status is Status.DIVERGED
    without = [h for h in ("step_size", "negative_eigenvalue", "positive_definite") if h in statement.hypothesis_texts]
    assert compare(statement, run, without).verdict in ("violated", "undecided")


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
def test_a_residual_network_diverges_as_a_status(backend: str) -> None:
    problem = Problem(ResidualNetwork(2, 2, "identity", Fraction(1)), SPD.loss)
    assert descend(problem, backend, 40, step_size=Fraction(5)).status is Status.DIVERGED


@pytest.mark.parametrize("backend", backends.catalogue())
def test_a_target_beyond_the_floats_is_a_status_too(backend: str) -> None:
    problem = Problem(LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([["1e400"]])))
    assert descend(problem, backend, 3).status is Status.DIVERGED


@pytest.mark.parametrize("backend", backends.catalogue())
def test_a_target_that_is_reached_at_the_start_stays_reached(backend: str) -> None:
    problem = Problem(LinearNetwork((2, 2, 2)), SquareLoss(Matrix.identity(2)))
    run = descend(problem, backend, 3)
    assert run.status is (Status.FINISHED if backend in ("ball", "exact") else Status.STALLED)
    assert all(m.value == 0 for m in run.observables["loss"])
    assert descend(problem, backend, 3, until_loss=Fraction(1, 100)).status is Status.CONVERGED


@pytest.mark.parametrize("backend", ["float64", "torch", "mp"])
def test_a_step_too_small_to_move_anything_stalls(backend: str) -> None:
    run = descend(SPD, backend, 5, digits=10 if backend == "mp" else None, step_size=Fraction(1, 10**60))
    assert run.status is Status.STALLED
    assert run.steps == (0,)


def test_a_small_step_in_balls_is_taken() -> None:
    assert descend(SPD, "ball", 5, step_size=Fraction(1, 10**60)).status is Status.FINISHED


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
def test_a_run_stops_at_the_first_step_below_its_level(backend: str) -> None:
    level = Fraction(1, 10**6)
    run = descend(SPD, backend, 500, until_loss=level)
    losses = [m.value for m in run.observables["loss"]]
    assert run.status is Status.CONVERGED
    assert losses[-1] is not None
    assert losses[-2] is not None
    assert losses[-1] <= level < losses[-2]
    assert descend(SPD, backend, 100).steps[-1] == 100
    assert descend(SPD, backend, 5, until_loss=level).status is Status.FINISHED


@pytest.mark.parametrize("level", [Fraction(10) ** 400, Fraction(1, 10**400)])
def test_a_level_beyond_the_floats_is_a_level(level: Fraction) -> None:
    run = descend(SPD, "ball", 3, until_loss=level)
    assert run.status is (Status.CONVERGED if level > 1 else Status.FINISHED)
    assert flow(SPD, "float64", Fraction(1), until_loss=level).status is run.status


def test_a_time_beyond_the_floats_is_a_time() -> None:
    assert flow(SPD, "float64", Fraction(10) ** 400, until_loss=Fraction(1, 10)).status is Status.CONVERGED


def test_the_growth_of_an_error_is_never_rounded_to_zero() -> None:
    # eta kappa = 1 cancels the error of the start all but exactly: the Hessian's 1e-24 is below a rounding of 1.
    tiny = Problem(LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([["0"]])), IDENTITY)
    balls = backends.load("ball", bits=100)
    growth = penalised_descent.PenalisedStep(Fraction(1), Fraction(1)).growth
    assert growth(-1e-24, 1e-24) == 0
    with balls.session():
        bound = _error_bounds.CertifiedBound(tiny, balls, growth)
        points = bound.start((balls.matrix([[Fraction(1, 10**12)]]),) * 2)
        bound.bound = balls._flint.arb(2) ** -100
        zero = balls.matrix([[Fraction(0)]])
        bound.advance(points, (zero, zero), ())
        assert float(bound.bound) > 1e-24 * 2.0**-100


def test_a_time_gives_the_whole_steps_that_fit() -> None:
    method = Method("gradient_descent", Stop(None, Fraction(1)), Fraction(3, 10))
    run = dynamics.run(SMALLEST, method, Arithmetic("exact"))
    assert run.steps == (0, 1, 2, 3)
    assert run.times[-1] == Fraction(9, 10)


@pytest.mark.parametrize("steps", [19, 20, 21, 23, 39, 40, 79])
def test_thinned_records_keep_the_start_and_the_end(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    monkeypatch.setattr(_recorder, "_MOST_RECORDS", 10)
    run = descend(SMALLEST, "float64", steps)
    assert run.steps[0] == 0
    assert run.steps[-1] == steps
    assert len(run.steps) <= 11
    assert sorted(set(run.steps)) == list(run.steps)
    whole = descend(SMALLEST, "exact", steps)
    for step, loss in zip(run.steps, run.observables["loss"], strict=True):
        gap = loss.minus(whole.observables["loss"][whole.steps.index(step)]) if step in whole.steps else None
        assert gap is None or (gap.value is not None and gap.error is not None and abs(gap.value) <= gap.error)
    assert run.weights is not None
    assert len(run.weights) == len(run.steps) == len(run.times)


def test_a_flow_stops_at_its_level() -> None:
    run = flow(SPD, "float64", Fraction(100), until_loss=Fraction(1, 10**4))
    assert run.status is Status.CONVERGED
    assert run.times[-1] < 100
    value = run.observables["loss"][-1].value
    assert value is not None
    assert value <= Fraction(1, 10**4)


def test_a_run_that_ran_out_of_bits_says_that_its_digits_are_not_guaranteed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamics, "_MOST_BITS", 90)
    run = descend(SADDLE, "ball", 2000, digits=20, keep_weights=False)
    assert any("not guaranteed" in note for note in run.notes)
    assert not any("not guaranteed" in note for note in descend(SADDLE, "ball", 5, digits=1).notes)


# Wrong questions.


def test_what_the_exact_backend_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="too many"):
        descend(SPD, "exact", 100)
    with pytest.raises(UnsupportedError, match="flow"):
        flow(SPD, "exact", Fraction(1))
    with pytest.raises(UnsupportedError, match="float64"):
        descend(SPD, "exact", 2, name="projected_descent", radius=Fraction(1))
    with pytest.raises(UnsupportedError):
        descend(RESIDUAL, "exact", 2)


def test_a_penalty_needs_square_layers() -> None:
    for name, parameters in (("penalised_descent", "penalty"), ("projected_descent", "radius")):
        with pytest.raises(ShapeError, match="layer 1 is 3 x 2"):
            descend(RECTANGULAR, "float64", 2, name=name, **{parameters: Fraction(1)})


def test_parameters_of_a_dynamics_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="gradient_descent"):
        dynamics.module("gradient_decent")
    with pytest.raises(InputError, match="takes no parameter"):
        dynamics.parameters("gradient_descent", {"momentum": "1/2"})
    with pytest.raises(InputError, match="needs momentum"):
        dynamics.parameters("heavy_ball", {})
    with pytest.raises(InputError, match="negative"):
        dynamics.parameters("heavy_ball", {"momentum": "-1/2"})
    assert dynamics.parameters("momentum", {"momentum": "0.5"}) == {"momentum": Fraction(1, 2)}


@pytest.mark.parametrize(
    ("stop", "step"),
    [
        ({}, "1/4"),
        ({"steps": 0}, "1/4"),
        ({"steps": -3}, "1/4"),
        ({"steps": True}, "1/4"),
        ({"steps": 2.5}, "1/4"),
        ({"time": "0"}, "1/4"),
        ({"until_loss": "-1"}, "1/4"),
        ({"until_los": "1"}, "1/4"),
        ({"steps": 3}, "0"),
        ({"steps": 3}, "-1/4"),
        ({"steps": 3}, "nan"),
        ({"steps": 3}, float("inf")),
    ],
)
def test_a_stop_or_step_that_means_nothing_is_refused(stop: dict[str, Any], step: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": {"widths": [1, 1]}, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": step, "stop": stop},
    }
    with pytest.raises((InputError, UnknownNameError)):
        read(specification)


@pytest.mark.parametrize(
    "network",
    [
        {"widths": 5},
        {"widths": []},
        {"widths": "222"},
        {"widths": None},
        {"kind": "residual", "width": "x", "depth": 1},
        {"kind": "residual", "width": 2.7, "depth": 1},
        {"kind": "residual", "width": 1, "depth": -1},
        {"kind": "residual", "width": 1, "depth": 1, "branch_scale": "0"},
        {"kind": "convolutional"},
        [1, 2],
    ],
)
def test_a_network_that_is_none_is_refused(network: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": network, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": "1/4", "stop": {"steps": 1}},
    }
    with pytest.raises((InputError, UnknownNameError)) as caught:
        read(specification)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arithmetic",
    [
        {"name": "float46"},
        {"name": "float64", "digits": 20},
        {"name": "ball", "digits": 0},
        {"name": "ball", "digits": 1.5},
        {"name": "ball", "digits": "40"},
        {"name": "mp", "digits": True},
        {"name": "mp", "device": "cuda"},
        {"digits": 4},
        "ball",
    ],
)
def test_an_arithmetic_that_is_none_is_refused(arithmetic: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": {"widths": [1, 1]}, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": "1/4", "stop": {"steps": 1}},
        "backend": arithmetic,
    }
    with pytest.raises((InputError, UnknownNameError)):
        read(specification)


def test_networks_share_one_contract() -> None:
    networks: Sequence[Network] = (LinearNetwork((2, 2)), ResidualNetwork(2, 1))
    for network in networks:
        problem = Problem(network, SquareLoss(Matrix.from_rows([["1/2", 0], [0, "2"]])), IDENTITY)
        assert agree(descend(problem, "float64", 3), descend(problem, "exact", 3))


def test_equality_of_layers_is_never_read_off_a_run_that_supposes_it() -> None:
    arithmetic = Arithmetic("ball", 20)
    method = Method("gradient_descent", Stop(steps=5), Fraction(1, 10))
    supposing = dynamics.run(SADDLE, method, arithmetic, ("loss",))
    judging = dynamics.run(SADDLE, method, arithmetic, ("loss", "layer_spread"))
    assert any("structure used" in note for note in supposing.notes)
    assert not any("structure used" in note for note in judging.notes)
