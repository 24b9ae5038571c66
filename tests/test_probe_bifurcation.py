"""Diagrams, proved cycles and Lyapunov exponents; the gap of the sharpness at the edge of stability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from conftest import Command

from workbench import experiment, probes
from workbench.backends.float64 import Float64
from workbench.networks import build
from workbench.probes import edge_of_stability as edge
from workbench.probes._chain_map import critical_point, orbit, step_of
from workbench.probes._ensemble_orbits import of_matrices, of_numbers, period_of
from workbench.probes.base import TimeLimit
from workbench.store import Record

QUICK = {"columns": 40, "settle": 1500, "steps": 200}


def found(kind: str, **options: Any) -> Record:
    return probes.read(kind, options).record()[0]


def number(record: Record, name: str) -> tuple[float, float]:
    item = record.payload["numbers"][name]
    return float(item["value"]), float(item["error"] or 0)


def test_the_multiplier_of_a_proved_cycle_is_the_closed_form() -> None:
    record = found("bifurcation", **QUICK, at="9/4,5/2", digits=30)
    value, error = number(record, "h_9_over_4_multiplier")
    # 9 - 2 (1 + a)^2 with a = h/2.
    assert abs(value - (9 - 2 * (1 + 9 / 8) ** 2)) < 1e-15
    assert error < 1e-30
    assert number(record, "h_5_over_2_period") == (4, 0)
    assert record.payload["figure"]["panels"][0]["density"] is not None


def test_at_the_crisis_the_exponent_is_that_of_chebyshevs_map() -> None:
    from workbench.probes._ensemble_orbits import mean_exponent

    value, band, kept = mean_exponent(2, 4.0, TimeLimit(), orbits=200, steps=4000)
    assert abs(value - math.log(3)) < 3 * band < 1e-3
    assert kept > 190


def test_no_cycle_is_proved_in_chaos() -> None:
    record = found("bifurcation", **QUICK, at="4", longest=16)
    assert record.verdict == "undecided"
    assert record.payload["not_found"] == ["a proved cycle at h = 4"]


def test_matrices_follow_the_map_of_their_modes() -> None:
    target = {"family": "spectrum", "eigenvalues": ["1/2", "9/4"], "rotate": 2}
    network = {"kind": "linear", "widths": [2, 2, 2]}
    problem = experiment.read_problem({"network": network, "loss": {"kind": "square", "target": target}})
    scaled = np.array([1.5, 2.25])
    late = of_matrices(problem, scaled / (2 * 9 / 4), 2000, 8, TimeLimit()).late
    alone = of_numbers(2, scaled, np.ones(2) * 0.9, 2000, 8, TimeLimit()).late
    assert sorted(np.round(late[:2, 1, 0] / (9 / 4), 6)) == sorted(np.round(alone[:2, 1, 0], 6))
    assert np.allclose(late[:, :, 1], 0.5)
    assert period_of(late[:, 1, 0], 4) == 2


def test_the_balls_walk_as_the_floats_do() -> None:
    from workbench.backends.ball import arb, precision

    with precision(100):
        jets = orbit(3, arb(1) / 2, arb(2), 6)
    x = 0.5
    for jet in jets[:-1]:
        assert abs(float(jet.value.mid()) - x) < 1e-12
        x = step_of(3, x, 2.0)
    assert abs(critical_point(2, 2.0) - math.sqrt(2 / 3)) < 1e-12


def test_an_escaped_orbit_leaves_a_gap() -> None:
    orbits = of_numbers(2, np.array([2.0, 5.0]), np.array([0.9, 0.9]), 200, 50, TimeLimit())
    assert np.isfinite(orbits.late[:, 0]).all()
    assert np.isnan(orbits.late[:, 1]).all()
    assert period_of(orbits.late[:, 1, 0], 4) is None


@pytest.mark.parametrize(("copies", "gap"), [(2, 0.4984), (3, 0.3052), (4, 0.2479)])
def test_the_gap_at_rest_is_that_of_the_sheet(copies: int, gap: float) -> None:
    measured = edge._gap(copies, 0.02, 0.05, 10**6, TimeLimit())
    assert measured is not None
    assert abs(measured[0] - gap) < 6e-5


def test_the_gradient_of_the_copies_is_that_of_the_network() -> None:
    x, y, copies, eta = 0.3, 2.9, 2, 0.01
    layers = [[["3/10"]]] * copies + [[["29/10"]]] * copies
    problem = experiment.read_problem(
        {
            "network": {"kind": "linear", "widths": [1] * (2 * copies + 1)},
            "loss": {"kind": "square", "target": [["1"]]},
            "start": {"scheme": "given", "weights": layers},
        }
    )
    network = build(problem, Float64())
    _, gradients = network.loss_and_gradients(network.parameters)
    after = edge._walk(x, y, copies, eta, 1, 0.0)
    assert abs(after[0] - (x - eta * float(gradients[0][0, 0]))) < 1e-14
    assert abs(after[1] - (y - eta * float(gradients[-1][0, 0]))) < 1e-14


def test_a_run_without_rest_is_undecided() -> None:
    record = found("edge_of_stability", step_sizes="1/25", most_steps=100)
    assert record.verdict == "undecided"
    assert record.payload["not_found"] == ["a rest at eta = 1/25"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bifurcation", "--depth", "1"], "at least 2"),
        (["bifurcation", "--low", "3", "--high", "2"], "the smaller first"),
        (["bifurcation", "--target", "[[1]]", "--at", "2"], "leave --target out"),
        (["bifurcation", "--columns", "1"], "from 2 to 5000"),
        (["edge-of-stability", "--copies", "1"], "have no such gap"),
        (["edge-of-stability", "--step-sizes", "1"], "from 0 to 1/10"),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert words in refused.err
