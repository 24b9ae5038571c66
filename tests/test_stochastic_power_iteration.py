"""Stochastic descent as power iteration: the step and the bound, recomputed, and planted errors caught."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command

from workbench import theorems
from workbench.draws import sample
from workbench.evidence import run_of
from workbench.experiment import read

THEOREM = theorems.load("stochastic_power_iteration")
FIRST = THEOREM.examples[0].experiment


def test_the_run_is_the_published_iteration_up_to_length() -> None:
    step, beta, inputs = 1 / 114, 2.0, np.diag([1.0, 0.25])
    row = np.array([2.0, 1.0])
    for k in range(392):
        drawn = inputs[:, sample("batch", 1, k, 1, 2)]
        row = row @ (np.eye(2) + step / (1 - step * beta) * (beta * np.eye(2) - 2 * drawn @ drawn.T))
        row /= np.linalg.norm(row)
    evidence = read({"theorem": THEOREM.name, **FIRST}).evidence()
    bound = evidence.trajectory.observables
    quotient = 2 * float(bound["loss"][-1].value) / float(bound["weights_squared_norm"][-1].value)
    assert math.isclose(row @ inputs @ inputs.T @ row, quotient, rel_tol=1e-9)


@pytest.mark.parametrize(("constant", "verdict"), [("1/5", "consistent"), ("1/1000", "violated")])
def test_the_open_constant_decides(constant: str, verdict: str) -> None:
    assert read({"theorem": THEOREM.name, **FIRST, "constants": {"C": constant}}).evidence().verdict == verdict


@pytest.mark.parametrize("factor", [Fraction(98, 100), Fraction(102, 100)])
def test_a_step_off_by_two_per_cent_is_vacuous(factor: Fraction) -> None:
    method = {**FIRST["dynamics"], "step_size": str(factor / 114)}
    evidence = read({"theorem": THEOREM.name, **FIRST, "dynamics": method}).evidence()
    assert evidence.verdict == "vacuous"
    assert [h.name for h in evidence.hypotheses if h.holds is False] == ["step_size"]


def test_the_eigenvector_of_the_largest_variance_is_caught(tmp_path: Path) -> None:
    text = THEOREM.path.read_text(encoding="utf-8")
    before = 'run.observable("weights_squared_norm"), min('
    assert text.count(before) == 1
    path = tmp_path / "wrong.py"
    path.write_text(text.replace(before, before.replace("min", "-max")), encoding="utf-8")
    assert read({"theorem": str(path), **FIRST}).evidence().verdict == "violated"


def test_beta_bounds_the_moment_of_every_batch() -> None:
    module: Any = importlib.import_module("workbench.theorems.stochastic_power_iteration")
    specification = THEOREM.examples[2].experiment
    inputs = np.array([[float(Fraction(x)) for x in row] for row in specification["problem"]["loss"]["inputs"]["rows"]])
    beta = float(module.largest_moment(run_of(read({"theorem": THEOREM.name, **specification}).trajectory())))
    draw = np.random.default_rng(3)
    largest = 0.0
    for _ in range(40):
        drawn = inputs[:, draw.integers(0, 5, size=1)]
        largest = max(largest, np.linalg.eigvalsh(5 * drawn @ drawn.T)[-1])
    assert largest == pytest.approx(beta)


def test_a_start_at_zero_and_one_without_overlap_are_no_traceback(workbench_here: Command) -> None:
    asked = ["compare", THEOREM.name, "--target", "[[0, 0]]", "--widths", "2,1", "--dynamics", "stochastic_descent"]
    asked += ["--step-size", "1/114", "--steps", "3", "--set", "batch=1"]
    for text in ("[[[0, 0]]]", "[[[0, 1]]]"):
        path = Path("start.json")
        path.write_text(text, encoding="utf-8")
        found = workbench_here(*asked, "--init", str(path))
        assert found.status == 3, found
