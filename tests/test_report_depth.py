"""Reports over the depth: whole problems, families, measured documents, their slopes, tables and figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from workbench import report
from workbench.errors import InputError
from workbench.report.document import source, typeset
from workbench.report.plan import read_plan
from workbench.report.tally import tally_words
from workbench.store import Record, Store
from workbench.sweeps import exponents

DEPTHS = (64, 128, 256, 512)

RUNS = r"""
title = "Over the depth"
abstract = "The slope is {measured:series.0.slopes.branch_norm.value}, at last {family:weights.values.-1}."

[[runs]]
key = "number"
claim = "a number"
theorem = "residual_descent_convergence"
depths = [1, 2]
step_size = "largest"
steps = 4
backend = { name = "ball", digits = 20 }
[runs.problem]
network = { kind = "residual", width = 1, depth = "{depth}", branch_scale = "power({depth},-1/2)", activation = "tanh" }
loss = { kind = "square", inputs = { rows = [["1"]] }, target = { rows = [["1001/1000"]] }, normalisation = "mean" }
start = { scheme = "identity" }

[[runs]]
key = "family"
claim = "a family"
theorem = "residual_depth_scaling"
[runs.sweep]
dynamics = { name = "gradient_descent", step_size = "largest", stop = { steps = 12 } }
backend = { name = "ball", digits = 8 }
grid = { depth = [8, 32, 128] }
[runs.sweep.problem]
network = { kind = "residual", width = 2, depth = "{depth}", activation = "tanh", branch_scale = "power({depth},-1/2)" }
start = { scheme = "identity" }
[runs.sweep.problem.loss]
kind = "square"
inputs = { rows = [["1", "0"], ["0", "1"]] }
target = { rows = [["9/10", "1/2"], ["-1/4", "6/5"]] }
normalisation = "mean"

[[runs]]
key = "measured"
claim = "measured"
measured = "measured.json"
beside = { branch_norm = "-1/2" }

[[sections]]
heading = "One"
figures = [
  { kind = "depth", run = "measured", of = ["branch_norm", "between_depths"], labels = ["a", "b"], caption = "D." },
  { kind = "limit", runs = ["family"], caption = "Limits." },
]
table = { head = ["claim", "observed"], rows = [["a slope", "{measured:series.0.slopes.branch_norm.value}"]] }
exponents = { run = "measured", statistics = ["branch_norm", "hoelder"], heads = ["norm", "exponent"] }
"""


def member(depth: int, seed: int, slope: float = -0.5, hoelder: float = 0.5) -> dict[str, Any]:
    """Return the figures of a training with known exponents."""
    size = depth**slope * (1 + 0.001 * seed)
    lags = [2**j for j in range(int(math.log2(depth)))]
    variation = [((depth - 1) // lag) * lag ** (2 * hoelder) for lag in lags]
    found = {"seed": seed, "rate": "1", "status": "converged", "steps": 20, "losses": [1.0, 0.1]}
    profile = [[1.0 + 1 / depth] * 4] * 9
    return {**found, "branch_norm": size, "quadratic_variation": variation, "profile": profile if seed == 0 else None}


def document(**changes: float) -> dict[str, Any]:
    runs = [
        {
            "values": {"depth": depth, "alpha": alpha},
            "run_id": "0" * 64,
            "depth": depth,
            "seconds": 0.5,
            "members": [member(depth, seed, **changes) for seed in (0, 1)],
        }
        for alpha in ("1/2", "1/4")
        for depth in reversed(DEPTHS)
    ]
    return {"format": 1, "sweep": "table", "runs": runs}


def written(folder: Path, data: Any = None) -> Path:
    path = folder / "measured.json"
    path.write_text(json.dumps(document() if data is None else data), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "over_depth"
    found.mkdir()
    (found / "report.toml").write_text(RUNS, encoding="utf-8")
    written(found)
    return found


def carried(folder: Path, store: Store) -> dict[str, Record]:
    from workbench.cli.verification import _report_tasks

    tasks = _report_tasks(str(folder))
    records = {}
    for task in tasks:
        record, _ = task.compute(store)
        assert record.verdict == task.expect
        assert task.report_key is not None
        records[task.report_key[1]] = record.id
    store.put_manifest(folder.name, records)
    return report.records(read_plan(folder), store)


def test_the_report_is_typeset_from_families_and_measured_figures(folder: Path, tmp_path: Path) -> None:
    records = carried(folder, Store(tmp_path / "store"))
    plan = read_plan(folder)
    assert typeset(plan, records).startswith(b"%PDF")
    text = source(plan, records)
    assert "{measured" not in text
    assert "−0.5" in text or "-0.5" in text
    words = tally_words(records.values())
    assert "Of 1 families of 3 runs, each judged by its slopes, 1 is consistent." in words
    assert "Further 16 trainings are measured" in words


def test_known_exponents_are_found_again(tmp_path: Path) -> None:
    record, fresh = exponents.record(
        written(tmp_path, document(slope=-0.3, hoelder=0.75)), beside={"branch_norm": "-1/5"}
    )
    assert fresh
    for series in record.payload["series"]:
        assert series["depths"] == list(DEPTHS)
        fit = series["slopes"]["branch_norm"]
        assert fit["value"] == pytest.approx(-0.3, abs=1e-9)
        assert fit["difference"] == pytest.approx(-0.1, abs=1e-9)
        assert (fit["from"], fit["to"]) == (256, 512)
        assert series["hoelder"]["value"] == pytest.approx(0.75, abs=1e-9)
        assert [entry["distance"] for entry in series["between_depths"]] == pytest.approx([2 / 128, 2 / 256, 2 / 512])
    assert record.payload["members"] == 16


def test_a_document_is_found_again_and_one_changed_byte_is_another(tmp_path: Path) -> None:
    store, path = Store(tmp_path / "store"), written(tmp_path)
    first, fresh = exponents.record(path, store)
    again, anew = exponents.record(path, store)
    assert (fresh, anew) == (True, False)
    assert first.id == again.id
    other, _ = exponents.record(written(tmp_path, document(slope=-0.4)), store)
    assert other.id != first.id


def test_what_diverged_is_counted_and_not_fitted(tmp_path: Path) -> None:
    data = document()
    for run in data["runs"]:
        run["members"][1] = {"seed": 1, "rate": "1", "status": "diverged", "steps": 3, "losses": [None]}
    record, _ = exponents.record(written(tmp_path, data))
    assert record.payload["diverged"] == 8
    assert record.payload["converged"] == 8
    assert record.payload["series"][0]["slopes"]["branch_norm"]["value"] == pytest.approx(-0.5)


def test_one_depth_has_no_slope(tmp_path: Path) -> None:
    data = document()
    data["runs"] = [run for run in data["runs"] if run["depth"] == 64]
    series = exponents.record(written(tmp_path, data))[0].payload["series"]
    assert all(found["slopes"] == {} and found["between_depths"] == [] for found in series)


@pytest.mark.parametrize("data", [[], {"format": 2, "runs": []}, {"format": 1}])
def test_another_document_is_refused(data: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workbench sweep --measured"):
        exponents.record(written(tmp_path, data))


def test_a_document_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "measured.json").unlink()
    with pytest.raises(InputError, match=r"measured\.json"):
        _ = [run.entry for run in read_plan(folder).runs]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("depths = [1, 2]\n", "", "no depth"),
        ('of = ["branch_norm", "between_depths"]', 'of = ["nothing", "between_depths"]', "not measured"),
        ('["a slope", "', '["', "2 columns"),
        ('heads = ["norm", "exponent"]', 'heads = ["norm"]', "one head"),
        ('{ kind = "limit", runs = ["family"]', '{ kind = "limit", runs = ["number"]', "families"),
        ('exponents = { run = "measured"', 'exponents = { run = "family"', "measured document"),
        ('labels = ["a", "b"]', 'labels = ["a", "b"], series = ["beta"]', "none of them"),
    ],
)
def test_a_wrong_entry_is_told_in_one_line(old: str, new: str, message: str, folder: Path, tmp_path: Path) -> None:
    assert RUNS.count(old) == 1
    (folder / "report.toml").write_text(RUNS.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as told:
        typeset(read_plan(folder), carried(folder, Store(tmp_path / "store")))
    assert "\n" not in str(told.value)
