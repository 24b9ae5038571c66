"""Stochastic descent: one run on every backend, unbiased draws, honest errors, refusals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from conftest import Command
from small_problems import PROBLEMS, RESIDUAL, SADDLE, WITH_DATA, agree, numbers

from workbench import backends, dynamics
from workbench.draws import sample, signs
from workbench.dynamics import stochastic_descent
from workbench.dynamics.stochastic_descent import Draws
from workbench.errors import InputError, WorkbenchError
from workbench.exact import Matrix
from workbench.networks import build, with_loss
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory

NUMBERS = Problem(
    LinearNetwork((1, 1, 1)),
    SquareLoss(Matrix.from_rows([["1"]])),
    Start("given", {"weights": [[["1/2"]], [["2"]]]}),
)


def stochastic(problem: Problem, backend: str, steps: int, digits: int | None = None, **given: str) -> Trajectory:
    parameters = dynamics.parameters("stochastic_descent", {"noise": "1/4", "seed": 5, **given})
    method = Method("stochastic_descent", Stop(steps), Fraction(1, 10), parameters)
    return dynamics.run(problem, method, Arithmetic(backend, digits), ("loss",), keep_weights=True)


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("batch", ["0", "3"])
def test_a_run_is_the_same_on_every_backend(backend: str, name: str, batch: str) -> None:
    exact, found = (stochastic(PROBLEMS[name], which, 3, batch=batch) for which in ("exact", backend))
    assert exact.grade == "enclosure"
    assert agree(found, exact)


def test_a_residual_network_is_driven_by_the_same_labels() -> None:
    rough, fine = (stochastic(RESIDUAL, backend, 20, digits) for backend, digits in (("float64", None), ("mp", 40)))
    assert agree(rough, fine)
    assert numbers(stochastic(RESIDUAL, "float64", 20, seed="6")) != numbers(rough)


def test_without_noise_and_batches_it_is_descent() -> None:
    plain = dynamics.run(
        SADDLE, Method("gradient_descent", Stop(5), Fraction(1, 10)), Arithmetic("float64"), keep_weights=True
    )
    quiet = stochastic(SADDLE, "float64", 5, noise="0")
    assert [x.value for x in numbers(quiet)] == [x.value for x in numbers(plain)]


def test_a_long_run_is_enclosed_and_the_claimed_errors_are_honest() -> None:
    truth = stochastic(NUMBERS, "ball", 300, 30)
    assert (truth.grade, truth.status) == ("enclosure", Status.FINISHED)
    for backend, digits in (("float64", None), ("torch", None), ("mp", 20)):
        assert agree(stochastic(NUMBERS, backend, 300, digits), truth)
    other = stochastic(NUMBERS, "float64", 300, seed="6")
    assert not agree(other, truth)


def test_a_wrong_label_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = stochastic(NUMBERS, "ball", 5)
    monkeypatch.setattr(stochastic_descent, "signs", lambda *given: [[-x for x in row] for row in signs(*given)])
    assert not agree(stochastic(NUMBERS, "float64", 5), truth)


@pytest.mark.parametrize("normalisation", ["half", "mean", "none"])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_gradient_of_a_batch_is_unbiased(normalisation: str, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = replace(WITH_DATA, loss=replace(WITH_DATA.loss, normalisation=normalisation))
    network = build(problem, backends.load("exact"))
    backend = network.backend
    count = problem.loss.target.shape[1]
    draws, total, chosen = Draws(problem, Fraction(0), batch, 0), None, [0] * batch
    monkeypatch.setattr(stochastic_descent, "sample", lambda *given: chosen)
    for index in range(count**batch):
        chosen[:] = [index // count**place % count for place in range(batch)]
        found = draws.gradients(network, network.parameters, 0)
        total = found if total is None else tuple(backend.add(a, b) for a, b in zip(total, found, strict=True))
    assert total is not None
    for sum_of_batches, whole in zip(total, network.loss_and_gradients(network.parameters)[1], strict=True):
        mean = backend.scale(Fraction(1, count**batch), sum_of_batches)
        assert not any(x.value for row in backend.entries(backend.subtract(mean, whole)) for x in row)


def test_the_mean_over_both_signs_is_the_gradient() -> None:
    network = build(NUMBERS, backends.load("exact"))
    ends = [
        with_loss(network, SquareLoss(Matrix.from_rows([[label]]))).loss_and_gradients(network.parameters)[1]
        for label in ("3/4", "5/4")
    ]
    seen = {float(Draws(NUMBERS, Fraction(1, 4), 0, 5).loss(step).target.rows[0][0]) for step in range(20)}
    assert seen == {0.75, 1.25}
    backend = network.backend
    for low, high, whole in zip(*ends, network.loss_and_gradients(network.parameters)[1], strict=True):
        gap = backend.subtract(backend.add(low, high), backend.scale(Fraction(2), whole))
        assert not any(x.value for row in backend.entries(gap) for x in row)


def test_signs_are_fair_and_independent_and_batches_cover_the_samples() -> None:
    drawn = [signs("label_noise", 1, step, (2, 2)) for step in range(2000)]
    entries = [x for matrix in drawn for row in matrix for x in row]
    # Six standard deviations of a mean of 8,000 and of 2,000 fair signs.
    assert abs(sum(entries)) < 6 * 8000**0.5
    assert abs(sum(m[0][0] * m[1][1] for m in drawn)) < 6 * 2000**0.5
    assert abs(sum(a[0][0] * b[0][0] for a, b in itertools.pairwise(drawn))) < 6 * 2000**0.5
    taken = [k for step in range(500) for k in sample("batch", 1, step, 4, 5)]
    assert all(abs(taken.count(k) - 400) < 6 * 320**0.5 for k in range(5))


@pytest.mark.parametrize(
    "given", [{"seed": "1/2"}, {"batch": "3/2"}, {"noise": "-1"}, {"seed": "-1"}, {"speed": "1"}, {"noise": "much"}]
)
def test_bad_parameters_are_one_clear_line(given: dict[str, str]) -> None:
    with pytest.raises(WorkbenchError) as caught:
        dynamics.parameters("stochastic_descent", given)
    assert "\n" not in str(caught.value)


def test_the_command_line_runs_it_and_refuses_half_a_seed(workbench: Command) -> None:
    run = ["compare", "noise_balancing", "--widths", "1,1,1", "--target", "[[1]]", "--dynamics", "stochastic_descent"]
    run += ["--init", "gaussian:seed=1", "--step-size", "1/10", "--steps", "20", "--set", "noise=1/4"]
    good = workbench(*run, "--set", "seed=2", "--backend", "ball")
    assert "CONSISTENT" in good.out, good.out
    bad = workbench(*run, "--set", "seed=1/2")
    assert bad.status == 2
    assert len((bad.out + bad.err).strip().splitlines()) == 1


def test_the_start_of_numbers_is_exact_and_refuses_matrices() -> None:
    start = Start("numbers", {"numbers": ["power(2,1/2)", "1/2"]})
    network = build(replace(NUMBERS, start=start), backends.load("ball", bits=200))
    assert float(network.backend.shadow(network.parameters[0])[0, 0]) == pytest.approx(2**0.5)
    for bad in (["1"], [], "1,2", ["1", "x"]):
        with pytest.raises(InputError):
            build(replace(NUMBERS, start=Start("numbers", {"numbers": bad})), backends.load("float64"))
    with pytest.raises(WorkbenchError, match="width 1"):
        build(replace(SADDLE, start=start), backends.load("float64"))
