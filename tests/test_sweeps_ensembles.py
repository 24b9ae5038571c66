"""Sweeps whose runs are ensembles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_sweeps import cells

from workbench.store import Store
from workbench.sweeps import execution, outcomes, results


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "small.toml"


ENSEMBLE = """
theorem = "near_identity"
[problem]
depth = "{depth}"
target = {family = "near_identity", shape = [2, 2]}
[ensemble]
members = 4
[dynamics]
name = "descent"
step_size = "{eta}"
stop = {steps = 5}
[backend]
name = "{precision}"
[grid]
depth = [1, 2]
eta = ["1/16", "2"]
precision = ["float64"]
"""


def test_a_run_may_be_an_ensemble(file: Path, tmp_path: Path) -> None:
    file.write_text(ENSEMBLE)
    found = list(execution.execute(cells(file), tmp_path / "store"))
    again = list(execution.execute(cells(file), tmp_path / "store"))
    assert {o.state for o in found} == {outcomes.COMPUTED}
    assert {o.state for o in again} == {outcomes.FOUND}
    assert [o.row for o in again] == [o.row for o in found]
    table = {(row["depth"], row["eta"]): row for row in results.rows(found)}
    assert table[1, "1/16"]["members_consistent"] == table[1, "1/16"]["members"] == 4
    assert table[2, "2"]["members_vacuous"] == 4
    records = {record.id: record for record in Store(tmp_path / "store")}
    record = records[str(table[2, "1/16"]["run_id"])]
    assert (record.kind, record.verdict, sum(record.payload["counts"].values())) == ("ensemble", "consistent", 4)
    assert record.payload["worst_problem"]["loss"]["target"]["seed"] == record.payload["worst_seed"]


def test_an_ensemble_by_command_is_found_the_second_time(workbench_here: Any) -> None:
    target = '{"family": "near_identity", "shape": [2, 2]}'
    arguments = ("ensemble", "near_identity", "--target", target, "--widths", "2,2", "--members", "3", "--json")
    first, second = workbench_here(*arguments), workbench_here(*arguments)
    assert (first.document["recomputed"], second.document["recomputed"]) == (True, False)
    assert first.document["run_id"] == second.document["run_id"]
    assert first.document["counts"] == second.document["counts"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("members = 4", "members = 0", "members"),
        ("members = 4", "membres = 4", "membres"),
        ('precision = ["float64"]', 'precision = ["ball"]', "ball"),
        ("{steps = 5}", '{until_loss = "1e-3"}', "until_loss"),
        ('name = "descent"', 'name = "nesterov"', "nesterov"),
        ("shape = [2, 2]}", "shape = [2, 2], sed = 1}", "sed"),
    ],
)
def test_a_mistaken_ensemble_fails_by_a_line(file: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    file.write_text(ENSEMBLE.replace(old, new))
    found = list(execution.execute(cells(file), tmp_path / "store"))
    assert {o.state for o in found} == {outcomes.FAILED}
    assert all(said in o.row["error"] and "\n" not in o.row["error"] for o in found)
