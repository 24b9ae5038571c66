"""The experiments of the residual paper: their sweeps at the quick size, and what was kept of the full ones."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench import dynamics, experiment, training
from workbench.cli import app
from workbench.errors import InputError
from workbench.sweeps import family, runs, specification
from workbench.training import loop
from workbench.training.depth import statistics
from workbench.trajectory import Arithmetic, Method, Stop

FOLDER = Path(__file__).parent.parent / "reports" / "cont2022"
SWEEPS = sorted(FOLDER.glob("*.toml"))
OF_TRAININGS = [path for path in SWEEPS if "[training]" in path.read_text(encoding="utf-8")]


def cells(path, **options):
    return list(specification.cells(specification.read(path, **options)))


def measured(path, tmp_path, *arguments):
    """Carry a sweep by the command and return its document."""
    goal = tmp_path / "measured.json"
    command = ["sweep", str(path), "--store", str(tmp_path), "--measured", str(goal), *arguments]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return json.loads(goal.read_text(encoding="utf-8"))["runs"], done


def slope(found, name, first, second):
    ends = [next(r for r in found if r["values"]["depth"] == depth)["members"][0][name] for depth in (first, second)]
    return math.log(ends[1] / ends[0]) / math.log(second / first)


@pytest.mark.parametrize("path", OF_TRAININGS, ids=lambda path: path.stem)
def test_every_experiment_is_one_that_can_be_asked_for_in_both_sizes(path):
    full, quick = cells(path), cells(path, quick=True)
    assert 1 < len(quick) < len(full)
    for cell in (*full, *quick):
        runs.read(cell.specification)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("measured_*.json")), ids=lambda path: path.stem)
def test_what_is_kept_is_what_its_sweep_asks(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    asked = {runs.read(cell.specification).run_id for cell in cells(FOLDER / f"{document['sweep']}.toml")}
    kept = [run["run_id"] for run in document["runs"]]
    assert len(set(kept)) == len(kept)
    assert set(kept) == asked


@pytest.mark.parametrize("alpha", ["1/2", *(pytest.param(alpha, marks=pytest.mark.long) for alpha in ("1/4", "7/10"))])
def test_the_table_of_theorem_b_at_its_quick_size(alpha, tmp_path):
    found, done = measured(FOLDER / "depth_table.toml", tmp_path, "--quick", "--set", f"alpha={alpha}")
    assert "measured  6" in done.output
    assert {member["steps"] for run in found for member in run["members"]} <= {21, 22, 23}
    from_zero, random = ([run for run in found if run["values"]["start"] == start] for start in ("0", "1/8"))
    beta = 1 - float(Fraction(alpha))
    assert slope(from_zero, "branch_norm", 32, 128) == pytest.approx(-beta, abs=0.02)
    assert slope(from_zero, "rescaled_increment", 32, 128) == pytest.approx(-1, abs=0.02)
    assert 2 * slope(from_zero, "increment_root_sum_of_squares", 32, 128) == pytest.approx(-1, abs=0.02)
    assert slope(random, "two_variation", 32, 128) == pytest.approx(0, abs=0.05)


def test_a_table_with_the_wrong_exponent_is_caught(tmp_path):
    text = (FOLDER / "depth_table.toml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace('"power({depth},-{alpha})"', '"power(4,-{alpha})"'), encoding="utf-8")
    found, _ = measured(wrong, tmp_path, "--quick", "--set", "alpha=1/2", "--set", "start=0")
    assert abs(slope(found, "branch_norm", 32, 128) + 0.5) > 0.4


def test_the_linear_activation_is_the_other_papers_network():
    target = {"family": "spectrum", "eigenvalues": ["1/2", "3/4", "5/4", "2"], "rotate": 7}
    for cell in cells(FOLDER / "linear_network.toml", quick=True):
        size = cell.values["depth"]
        ended = loop.run(runs.read(cell.specification).training)[0]
        given = {"network": {"widths": [4] * (size + 1)}, "loss": {"target": target, "normalisation": "half"}}
        # The training's loss is a quarter of this one, and its step in I + delta A_k as long as this one's.
        method = Method("gradient_descent", Stop(until_loss=Fraction(4, 10**10), steps=400), Fraction(1, 8 * size))
        linear = dynamics.run(experiment.read_problem(given), method, Arithmetic("float64"))
        assert [float(x.value) for x in linear.observables["loss"]] == pytest.approx(
            [4 * x for x in ended.losses], rel=1e-4
        )
        assert statistics(ended.branches, ended.scales)["rescaled_increment"] < 1e-12 * size


def test_a_quick_size_is_refused_where_there_is_none(tmp_path):
    path = tmp_path / "bare.toml"
    path.write_text('[training]\nnetwork = { width = 2, depth = "{depth}" }\n[grid]\ndepth = [1]\n')
    with pytest.raises(InputError, match="has no quick size"):
        specification.read(path, quick=True)
    with pytest.raises(InputError, match="a sweep of trainings has none"):
        family.read(specification.read(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('theorem = "near_identity"\n[training]\n', "a training stands alone"),
        ('[training]\n[backend]\nname = "mp"\n', "a training has no backend"),
        ('theorem = "near_identity"\n', "give theorem, problem and dynamics, or a training"),
    ],
)
def test_a_mixed_sweep_is_refused_in_one_line(text, message, tmp_path):
    path = tmp_path / "mixed.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        specification.read(path)
    assert "\n" not in str(caught.value)


def test_measured_is_for_trainings(tmp_path):
    path = tmp_path / "cap.toml"
    path.write_text(
        'theorem = "near_identity"\n[problem]\ndepth = 2\ntarget = [["1"]]\n'
        '[dynamics]\nname = "descent"\nstop = { steps = 2 }\n'
    )
    done = CliRunner().invoke(app, ["sweep", str(path), "--store", str(tmp_path), "--measured", "x.json"])
    assert done.exit_code != 0
    assert "is for sweeps of trainings" in str(done.exception)


def test_an_optimiser_of_a_grid_takes_the_rates_of_its_name():
    network, data = {"width": 1, "depth": 1}, {"inputs": [["1"]], "labels": [["2"]]}
    optimiser = {"rates": {"sgd": ["1/2"], "adam": ["1/8"]}, "unit": {"sgd": "flow"}, "batch": 1}
    found = [
        training.read(
            {"network": network, "data": data, "stop": {"epochs": 1}, "optimiser": {**optimiser, "name": name}}
        ).training.optimiser
        for name in ("sgd", "adam")
    ]
    assert [(o.rates, o.unit) for o in found] == [((Fraction(1, 2),), "flow"), ((Fraction(1, 8),), "plain")]
