"""What every member of an ensemble recorded, streamed to one file."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from workbench import dynamics, theorems
from workbench.ensembles import Ensemble
from workbench.ensembles.asked import EnsembleExperiment
from workbench.store import Store
from workbench.sweeps import members
from workbench.trajectory import Arithmetic, Method, Stop


def asked(count: int = 5) -> EnsembleExperiment:
    ensemble = Ensemble((2, 2, 2), {"family": "near_identity", "shape": [2, 2]}, count, (Fraction(1, 16),))
    return EnsembleExperiment(theorems.load("balancedness_drift"), ensemble, steps=6)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_member_is_kept_and_agrees_with_its_certified_run(tmp_path: Path) -> None:
    experiment, path = asked(), tmp_path / "kept.csv"
    record = members.record(experiment, None, path, chunk=4)
    rows = read(path)
    assert record.verdict == "consistent"
    assert {row["member"] for row in rows} == set("01234")
    for index in range(5):
        method = Method("gradient_descent", Stop(steps=6), Fraction(1, 16))
        exact = dynamics.run(experiment.ensemble.member(index), method, Arithmetic("ball", 20))
        losses = dict(zip(exact.steps, exact.observables["loss"], strict=True))
        for row in (r for r in rows if r["member"] == str(index) and r["quantity"] == "loss"):
            distance = abs(Fraction(row["value"]) - (losses[int(row["step"])].value or 0))
            assert distance <= 2 * Fraction(row["error"]) + Fraction(1, 10**18)


def test_rows_leave_memory_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "kept.parquet"
    members.record(asked(), None, path, chunk=8)
    groups = parquet.ParquetFile(path).metadata
    assert groups.num_row_groups == -(-groups.num_rows // 8)


def test_a_kept_ensemble_is_in_the_store_and_a_failed_one_leaves_no_file(tmp_path: Path, monkeypatch: Any) -> None:
    store, experiment = Store(tmp_path / "store"), asked(2)
    members.record(experiment, store, tmp_path / "kept.csv")
    assert experiment.record(store)[1] is False
    monkeypatch.setattr(EnsembleExperiment, "compute", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        members.record(experiment, store, tmp_path / "other.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.csv", "store"]


def test_a_file_of_another_kind_is_refused_by_a_line(workbench: Any) -> None:
    target = '{"family": "near_identity", "shape": [2, 2]}'
    found = workbench("ensemble", "near_identity", "--target", target, "--widths", "2,2", "--keep", "kept.txt")
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert "give .csv or .parquet" in found.err
