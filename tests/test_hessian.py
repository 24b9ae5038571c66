"""The Hessian in balls against differences of gradients and against closed forms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from workbench import experiment
from workbench.backends.ball import arb, flint, precision
from workbench.backends.ball_algebra import symmetric_eigenvalues
from workbench.networks.curvature import Curvature
from workbench.networks.hessian import linear_hessian


def problem_of(widths: list[int], samples: int | None = None) -> Any:
    generator = np.random.default_rng(3)

    def rows(r: int, c: int) -> list[list[str]]:
        return [[f"{x}/4" for x in row] for row in generator.integers(-6, 7, (r, c))]

    loss: dict[str, Any] = {"kind": "square", "target": {"rows": rows(widths[-1], samples or widths[0])}}
    if samples is not None:
        loss = {"kind": "square", "inputs": {"rows": rows(widths[0], samples)}, "outputs": loss["target"]}
    specification = {
        "theorem": "balancedness",
        "problem": {
            "network": {"kind": "linear", "widths": widths},
            "loss": loss,
            "start": {"scheme": "gaussian", "seed": 1},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1"}},
        "backend": {"name": "float64"},
    }
    return experiment.read(specification).problem


@pytest.mark.parametrize("widths", [[1, 1], [3, 2], [1, 1, 1], [2, 3, 1], [2, 1, 3, 2]])
def test_extreme_eigenvalues_agree_with_differences_of_the_gradient(widths: list[int]) -> None:
    problem = problem_of(widths)
    generator = np.random.default_rng(5)
    layers = [generator.integers(-8, 9, shape) / 8 for shape in problem.network.shapes]
    with precision(120):
        balls = [flint().arb_mat([[arb(Fraction(x)) for x in row] for row in layer.tolist()]) for layer in layers]
        values = symmetric_eigenvalues(linear_hessian(problem, balls))
    low, high = Curvature(problem).extremes(layers)
    scale = max(1.0, abs(high), abs(low))
    assert abs(float(values[0].mid()) - low) < 1e-6 * scale
    assert abs(float(values[-1].mid()) - high) < 1e-6 * scale


def test_the_spectrum_at_a_balanced_minimiser_is_that_of_all_pairs_of_modes() -> None:
    # Layers diag(2, 1) at depth 3: lambda = sum_j x^(2(3-j)) y^(2(j-1)), and zeros.
    problem = problem_of([2, 2, 2, 2])
    target = type(problem.loss.target)(((Fraction(8), Fraction(0)), (Fraction(0), Fraction(1))))
    from dataclasses import replace

    rested = replace(problem, loss=replace(problem.loss, target=target))
    with precision(150):
        layer = flint().arb_mat([[2, 0], [0, 1]])
        values = symmetric_eigenvalues(linear_hessian(rested, [layer] * 3))
    expected = sorted([0] * 8 + [3 * 16, 16 + 4 + 1, 16 + 4 + 1, 3])
    assert len(values) == 12
    assert all(value.contains(number) for value, number in zip(values, expected, strict=True))
    assert all(float(value.rad()) < 1e-30 for value in values)


def run(**problem: Any) -> Any:
    specification = {
        "theorem": "flattest_minima",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["1"]], [["2"]]]},
            **problem,
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/64", "stop": {"steps": 2}},
        "backend": {"name": "ball", "digits": 30},
    }
    return experiment.run(specification)


def test_sharpness_is_enclosed_and_the_bound_is_not_idle() -> None:
    evidence = run()
    (first, *_) = evidence.trajectory.observables["sharpness"]
    assert abs(first.value - 5) <= first.error < Fraction(1, 10**25)
    assert evidence.verdict == "consistent"
    # 5 against 2 * 2: the slack is 1.
    assert abs(float(evidence.margin_decimal) - 1) < 1e-12


def test_too_many_weights_leave_the_sharpness_unmeasured() -> None:
    zeros = [["0"] * 15 for _ in range(15)]
    evidence = run(
        network={"kind": "linear", "widths": [15, 15]},
        loss={"kind": "square", "target": {"rows": zeros}, "normalisation": "half"},
        start={"scheme": "given", "weights": [zeros]},
    )
    assert evidence.verdict == "undecided"
    assert any("up to 200 weights" in note for note in evidence.trajectory.notes)
