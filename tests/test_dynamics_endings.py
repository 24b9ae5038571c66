"""How a run ends: divergence, stalling, levels and times, and what is kept of it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from small_problems import (
    IDENTITY,
    SADDLE,
    SMALLEST,
    SPD,
    descend,
    flow,
)

from workbench import backends, dynamics
from workbench.dynamics import _error_bounds, _recorder, penalised_descent
from workbench.evidence import compare
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, ResidualNetwork, SquareLoss
from workbench.theorems import load
from workbench.trajectory import Arithmetic, Method, Status, Stop

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
