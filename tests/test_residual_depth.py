"""The table of descent against depth: steps, sizes and roughness of the weights from zero and from random starts."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from itertools import pairwise

import pytest

from workbench import dynamics, experiment, theorems
from workbench.sweeps import family
from workbench.theorems import FamilyExample, residual_depth_scaling
from workbench.theorems._residual_runs import residual_run
from workbench.theorems.residual_depth_scaling import WIDE, WIDE_LABELS
from workbench.trajectory import Status, Trajectory

EXPONENTS = ["1/4", "1/2", "7/10"]
SHALLOW, DEEP = (8, 32, 128), (8, 128, 1024)
OBSERVED = ("loss", "branch_norm", "rescaled_increment", "increment_root_sum_of_squares")


@functools.cache
def run(exponent: str, depth: int, start: str) -> Trajectory:
    """Return the certified descent to a loss of 1e-10 with the step N L^(2 alpha - 1) / 2, rounded down."""
    alpha = float(Fraction(exponent))
    # Entries of the standard deviation L^(-beta - 1/2) / d, to six digits.
    size = str(Fraction(f"{depth ** (alpha - 1.5) / 8:.5e}"))
    scheme = {"scheme": "identity"} if start == "zero" else {"scheme": "gaussian", "seed": 11, "scale": size}
    step = str(Fraction(int(2 * depth ** (2 * alpha - 1) * 2**30), 2**30))
    descent = {"name": "gradient_descent", "step_size": step, "stop": {"until_loss": "1e-10", "most": 60}}
    data = residual_run(WIDE, WIDE_LABELS, depth, f"power({depth},-{exponent})", start=scheme, dynamics=descent)
    problem = experiment.read_problem(data["problem"])
    method = experiment.read_method(data["dynamics"], problem)
    return dynamics.run(problem, method, experiment.read_arithmetic({"name": "ball", "digits": 8}), OBSERVED)


def slope(name: str, exponent: str, depths: tuple[int, ...], start: str) -> float:
    """Return the slope between the two deepest networks, at the end of their runs, in logarithms."""
    ends = [run(exponent, depth, start).observables[name][-1] for depth in depths[-2:]]
    assert all(end.value and end.error is not None and end.error < end.value / 10**6 for end in ends)
    low, high = (float(end.value or 0) for end in ends)
    return math.log(high / low) / math.log(depths[-1] / depths[-2])


def assert_every_row_holds(depths: tuple[int, ...], exponent: str) -> None:
    """Assert every row of the table."""
    beta = 1 - float(Fraction(exponent))
    for start in ("zero", "random"):
        runs = [run(exponent, depth, start) for depth in depths]
        assert all(t.status is Status.CONVERGED and t.grade == "enclosure" for t in runs)
        assert {t.steps[-1] for t in runs} <= {20, 21, 22}
        if start == "zero":
            assert slope("branch_norm", exponent, depths, start) == pytest.approx(-beta, abs=0.02)
    assert slope("rescaled_increment", exponent, depths, "zero") == pytest.approx(-1, abs=0.02)
    squares = {
        start: 2 * slope("increment_root_sum_of_squares", exponent, depths, start) for start in ("zero", "random")
    }
    assert squares["zero"] == pytest.approx(-1, abs=0.02)
    # L terms of a sum that has a mean: a relative spread of (2 / (64 L))^(1/2) or so, here of the shallower network.
    assert squares["random"] == pytest.approx(0, abs=0.05)


def test_the_table_holds_up_to_depth_128() -> None:
    assert_every_row_holds(SHALLOW, "1/2")


@pytest.mark.long
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_the_table_holds_up_to_depth_1024(exponent: str) -> None:
    assert_every_row_holds(DEEP, exponent)


def test_the_runs_of_the_table_lie_outside_linear_convergence() -> None:
    descent = {"name": "gradient_descent", "step_size": "2", "stop": {"until_loss": "1e-10", "most": 60}}
    data = residual_run(WIDE, WIDE_LABELS, 8, "power(8,-1/2)", dynamics=descent)
    evidence = experiment.read({"theorem": "residual_linear_convergence", **data}).evidence()
    assert evidence.trajectory.steps[-1] == 21
    assert evidence.verdict == "vacuous"
    assert {h.name for h in evidence.hypotheses if h.holds is False} == {"initial_loss", "gradient_flow"}


def test_the_loss_at_the_start_and_the_size_needed_do_not_depend_on_depth() -> None:
    losses = {run("1/2", depth, "zero").observables["loss"][0].value for depth in SHALLOW}
    assert max(losses) - min(losses) < Fraction(1, 10**20)  # type: ignore[operator, type-var]
    ends = [float(run("1/2", d, "zero").observables["branch_norm"][-1].value or 0) * d**0.5 for d in SHALLOW]
    assert all(b == pytest.approx(a, rel=0.1) for a, b in pairwise(ends))


@pytest.mark.parametrize("planted", ["a step that falls with the square of the depth", "a wrong exponent"])
def test_a_planted_exponent_is_caught(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = residual_depth_scaling
    if planted == "a wrong exponent":
        honest = module.exponent
        monkeypatch.setattr(module, "exponent", lambda run: (honest(run) or Fraction(0)) - Fraction(1, 10))
    else:
        monkeypatch.setattr(module, "largest_step_size", lambda run: run.number(Fraction(1, run.depth**2)))
    found = family.of_example(
        theorems.load(module.__name__.rpartition(".")[2]),
        FamilyExample(planted, "violated", module.scaled("1/2", (8, 32, 128, 512), stop={"steps": 1})),
    ).evidence()
    assert found.verdict == "violated"
    assert {j.prediction.name for j in found.judged if j.verdict == "violated"} == {"weights"}
