"""Dropped hypotheses and the open questions: witnesses fail what was dropped, and what is sharp is so exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from workbench import experiment, probes, theorems
from workbench.evidence import VIOLATED
from workbench.probes import _positive_targets, _radius, drop_hypothesis
from workbench.probes._step_conditions import Mode
from workbench.probes.base import TimeLimit


def dropped(theorem: str, *names: str, seconds: float = 20.0) -> Any:
    """Return the finding of a probe that drops hypotheses."""
    given = {"theorem": theorem, "hypothesis": list(names), "tries": 400, "seed": 0}
    return drop_hypothesis.find(drop_hypothesis.question(given), TimeLimit(seconds))


def test_the_hypotheses_of_the_near_identity_theorem_are_needed() -> None:
    finding = dropped("near_identity", "identity_start", "near_identity", "step_size")
    assert finding.outcome == "found"
    assert [row[1] for row in finding.tables[0].rows] == ["needed"] * 3


def test_a_witness_fails_what_was_dropped_and_nothing_else() -> None:
    finding = dropped("negative_eigenvalue", "step_size")
    evidence = experiment.read(finding.witness.specification, theorems.load("negative_eigenvalue")).evidence()
    assert evidence.verdict == VIOLATED
    assert [h.name for h in evidence.hypotheses if not h.holds] == ["step_size"]


def test_a_hypothesis_that_nothing_needs_is_not_called_needed(tmp_path: Any) -> None:
    path = tmp_path / "idle.py"
    path.write_text(_IDLE)
    finding = dropped(str(path), "small_target", seconds=3.0)
    assert finding.outcome == "undecided"
    assert finding.tables[0].rows[0][1] == "looked unnecessary"
    assert "proves nothing" in finding.answer


_IDLE = r'''r"""The loss is not negative.

Statement
    $\ell \ge 0$.

Hypotheses
    small_target: $|\Phi_{11}| \le 1$

Standing
    true
"""

from fractions import Fraction

from workbench.theorems import Bound, Hypothesis
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018
observes = ("loss",)
examples = []


def hypotheses(run):
    return [Hypothesis.decided("small_target", abs(run.target.rows[0][0]) <= 1)]


def predict(run):
    return [Bound("floor", "loss above zero", run.loss, [Fraction(0)] * len(run.steps), ">=")]
'''


@pytest.mark.parametrize("depth", [3, 5])
def test_a_step_size_just_beyond_its_condition_breaks_the_floor(depth: int) -> None:
    weakness = Fraction(1, 2)
    edge = 1 / (1 + weakness)
    assert Mode(depth, weakness, edge).breaks_at() is None
    assert Mode(depth, weakness, edge * Fraction(1001, 1000)).breaks_at() == 1
    assert Mode(depth, weakness, 4 * edge, radius=Fraction(1)).breaks_at() is None
    assert Mode(depth, weakness, 4 * edge, radius=Fraction(1001, 1000)).breaks_at() == 1


def test_a_longer_penalty_keeps_the_floor_only_below_the_whole_step() -> None:
    weakness, penalty = Fraction(1, 2), Fraction(11, 10)
    edge = 1 / (1 + weakness)
    assert not Mode(3, weakness, edge, penalty / edge).kept()
    assert Mode(3, weakness, edge, penalty / edge).breaks_at() == 3
    half = edge / 2
    inside = Mode(3, weakness, half, penalty / half)
    assert inside.kept()
    # Proved for ever; and so it is for the run of the theorem's own dynamics, in balls.
    run = experiment.read(
        {
            "theorem": "negative_eigenvalue",
            "problem": {
                "network": {"kind": "linear", "widths": [1] * 4},
                "loss": {"kind": "square", "target": {"rows": [["-1/2"]]}},
                "start": {"scheme": "identity"},
            },
            "dynamics": {
                "name": "penalised_descent",
                "step_size": str(half),
                "parameters": {"penalty": str(penalty / half)},
                "stop": {"steps": 100},
            },
            "backend": {"name": "ball", "digits": 30},
            "without": ["step_size"],
        }
    ).evidence()
    assert run.verdict == "consistent"


def test_the_quarter_turn_of_one_layer_is_extremal_and_two_layers_cut_the_corner() -> None:
    one, two = _positive_targets._quarter_turn(1, "1/2"), _positive_targets._quarter_turn(2, "1/20")
    assert one.value == Fraction(1, 2)
    bounds = two.bounds()
    assert bounds is not None
    assert bounds[1] < Fraction(1, 2)


def test_the_walk_of_the_search_is_that_of_descent() -> None:
    import numpy as np

    slowest = _radius.Slowest(Fraction(1, 2), 0, 0, [["1/2", "0"], ["0", "1"]], 0)
    assert _radius.steps_to(np.array([[0.5, 0.0], [0.0, 1.0]]), 3) == _radius._certified(slowest, 3)


def test_the_radius_is_asked_within_its_time() -> None:
    record, _ = probes.read("open_questions", {"about": "radius", "depth": 2}).record(None, seconds=20.0)
    assert record.verdict == "none found"
    assert record.payload["numbers"]["steps"]["grade"] == "exact"
    cut, _ = probes.read("open_questions", {"about": "positive_targets"}).record(None, seconds=1e-6)
    assert cut.verdict == "undecided"
