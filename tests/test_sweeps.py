"""Sweeps: what they ask, how they share and resume, and what they leave."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import InputError
from workbench.store import Store
from workbench.sweeps import execution, outcomes, results, specification, trajectories
from workbench.sweeps.claims import claimed

SWEEP = """
theorem = "near_identity"

[problem]
depth = "{depth}"
target = {family = "near_identity", shape = [2, 2], seed = "{seed}"}

[dynamics]
name = "descent"
step_size = "1/16"
stop = {steps = 5}

[grid]
depth = [1, 2]

[draws]
count = 3
[draws.integers]
seed = [0, 1000000]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    return path


def cells(file: Path, **changes: list[Any]) -> list[specification.Cell]:
    return list(specification.cells(specification.read(file, changes)))


def sweep(file: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "workbench", "sweep", str(file), "--store", str(file.parent / "store"), *arguments]


def test_a_grid_takes_every_draw(file: Path) -> None:
    found = cells(file)
    assert len(found) == 6
    assert len({json.dumps(cell.values) for cell in found}) == 6
    assert [cell.values for cell in found] == [cell.values for cell in cells(file)]
    assert found[0].specification["problem"]["network"]["widths"] == [2, 2]


def test_set_replaces_a_grid_and_reaches_any_entry(file: Path) -> None:
    name, values = specification.assignment("dynamics.step_size=1/8,1/32")
    found = cells(file, depth=[4], **{name: values})
    assert [cell.specification["dynamics"]["step_size"] for cell in found] == ["1/8"] * 3 + ["1/32"] * 3
    assert {cell.values["depth"] for cell in found} == {4}


def test_uniform_draws_are_exact_and_within_their_ends(file: Path) -> None:
    text = SWEEP.replace('step_size = "1/16"', 'step_size = "{eta}"') + '[draws.uniform]\neta = ["1/64", "1/32"]\n'
    file.write_text(text)
    drawn = [Fraction(str(cell.values["eta"])) for cell in cells(file)]
    assert all(Fraction(1, 64) < x < Fraction(1, 32) for x in drawn)
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[grid]", "[gird]", "gird"),
        ("depth = [1, 2]", "depth = []", "no values"),
        ("count = 3", "count = 0", "draws.count"),
        ('"{seed}"', "7", "'seed'"),
        ('"{seed}"', '"{sed}"', "{sed}"),
        ("theorem =", "theorem", "TOML"),
    ],
)
def test_a_mistaken_sweep_is_refused_by_name(file: Path, old: str, new: str, said: str) -> None:
    file.write_text(SWEEP.replace(old, new, 1))
    with pytest.raises(InputError, match=said.replace("{", r"\{")):
        cells(file)


def test_a_sweep_computes_once_and_is_then_found(file: Path, tmp_path: Path) -> None:
    first = list(execution.execute(cells(file), tmp_path / "store"))
    again = list(execution.execute(cells(file), tmp_path / "store"))
    assert {o.state for o in first} == {outcomes.COMPUTED}
    assert {o.state for o in again} == {outcomes.FOUND}
    assert [o.row for o in first] == [o.row for o in again]
    assert len(list(Store(tmp_path / "store"))) == 6


def test_a_failing_run_is_reported_and_the_others_go_on(file: Path, tmp_path: Path) -> None:
    found = list(execution.execute(cells(file, **{"dynamics.step_size": ["0", "1/16"]}), tmp_path / "store"))
    failed = [o for o in found if o.state == outcomes.FAILED]
    assert len(failed) == 6
    assert all("must be positive" in o.row["error"] for o in failed)
    assert len([o for o in found if o.state == outcomes.COMPUTED]) == 6


def test_an_unreadable_record_is_reported_by_its_run(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    first = list(execution.execute(cells(file), store.root))
    store.path(str(first[2].run_id)).write_text("{")
    again = list(execution.execute(cells(file), store.root))
    assert [o.state for o in again].count(outcomes.FAILED) == 1
    assert "damaged" in again[2].row["error"]


def test_a_claim_is_released_by_the_kernel(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom workbench.sweeps.claims import claimed\n"
        "with claimed(Path(sys.argv[1]), 'abcdef') as mine:\n    print(mine, flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    with claimed(tmp_path, "abcdef") as mine:
        assert not mine
    holder.kill()
    holder.communicate()
    with claimed(tmp_path, "abcdef") as mine:
        assert mine


def test_a_run_that_another_holds_is_left_and_then_waited_for(file: Path, tmp_path: Path) -> None:
    chosen = cells(file)[0]
    run_id = str(next(execution.execute([chosen], tmp_path / "other")).run_id)
    with claimed(tmp_path / "store", run_id):
        assert execution.carry(chosen, tmp_path / "store").state == outcomes.BUSY
    assert execution.carry(chosen, tmp_path / "store", wait=True).state == outcomes.COMPUTED


def test_the_command_tabulates_and_says_what_it_did(file: Path, tmp_path: Path) -> None:
    arguments = sweep(file, "--json", "--table", str(tmp_path / "table.csv"), "--set", "depth=1,2,3")
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["runs"], found["computed"], found["failed"]) == (9, 9, 0)
    assert found["verdicts"] == {"consistent": 9}
    with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["depth"] for row in table].count("3") == 3
    assert all(row["verdict"] == "consistent" for row in table)


def test_a_table_in_parquet_reads_as_the_rows(file: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="a table in Parquet needs pyarrow")
    found = list(execution.execute(cells(file), tmp_path / "store"))
    results.write(found, tmp_path / "table.parquet")
    assert parquet.read_table(tmp_path / "table.parquet").to_pylist() == results.rows(found)


def test_a_table_of_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parquet"):
        results.write([], tmp_path / "table.xlsx")


@pytest.mark.long
def test_two_processes_share_a_store_and_repeat_nothing(file: Path) -> None:
    arguments = sweep(file, "--json", "--set", "depth=1,2,3,4,5,6,7,8")
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = [json.loads(process.communicate()[0]) for process in both]
    assert sum(f["computed"] for f in found) == 24
    assert all(f["computed"] + f["found"] == 24 for f in found)


@pytest.mark.long
def test_a_pool_carries_what_one_process_would(file: Path, tmp_path: Path) -> None:
    alone = results.rows(list(execution.execute(cells(file), tmp_path / "alone")))
    pooled = results.rows(list(execution.execute(cells(file), tmp_path / "pooled", processes=2)))
    assert alone == pooled


@pytest.mark.long
def test_200_runs_killed_at_20_random_moments_end_with_200_results(file: Path) -> None:
    file.write_text(SWEEP.replace("count = 3", "count = 100").replace("steps = 5", "steps = 150"))
    records = file.parent / "store" / "records"
    dice, stamps = random.Random(1), dict[str, int]()
    moments = sorted(dice.sample(range(1, 180), 20))
    for moment in moments:
        process = subprocess.Popen(
            sweep(file, "--processes", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Past the imports and some new run, then somewhere within a few more.
        while process.poll() is None and len(list(records.glob("*.json"))) < max(moment, len(stamps) + 1):
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.05))
        # Each of the 20 is a kill in the middle of the work, or the test has shown less than it says.
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
        # What was stored stays as it was: nothing is computed twice.
        assert {name: now[name] for name in stamps} == stamps
        stamps = now
    done = subprocess.run(sweep(file, "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["computed"] + found["found"] == 200
    assert found["found"] == len(stamps) < 200
    # None corrupt: iterating checks every hash.
    assert len({record.id for record in Store(file.parent / "store")}) == 200


KILLER = """
from workbench.theorems import near_identity as _n
import os, signal
source, observes, examples = _n.source, _n.observes, []
hypotheses = _n.hypotheses
def predict(run):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.long
def test_a_run_that_kills_its_worker_fails_alone(file: Path, tmp_path: Path) -> None:
    from workbench.theorems import near_identity

    bad = tmp_path / "killer.py"
    bad.write_text('r"""' + str(near_identity.__doc__) + '"""\n' + KILLER)
    file.write_text(SWEEP.replace('"near_identity"', '"{theorem}"', 1).replace("count = 3", "count = 1"))
    found = list(
        execution.execute(
            cells(file, theorem=["near_identity", str(bad)], depth=[1, 2, 3]), tmp_path / "store", processes=2
        )
    )
    failed = {o.values["theorem"] for o in found if o.state == outcomes.FAILED}
    assert failed == {str(bad)}
    assert [o.state for o in found].count(outcomes.COMPUTED) == 3
    assert all("its worker died" in o.row["error"] for o in found if o.state == outcomes.FAILED)


def test_a_full_disk_costs_the_runs_that_it_meets_and_no_other(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def refuse(handle: int) -> None:
        written.append(handle)
        if len(written) in (2, 3):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    found = list(execution.execute(cells(file), tmp_path / "store"))
    assert [o.state for o in found].count(outcomes.FAILED) == 2
    assert all("No space left" in o.row["error"] for o in found if o.state == outcomes.FAILED)
    assert len(list(Store(tmp_path / "store"))) == 4
    assert not list((tmp_path / "store" / "records").glob("*.part"))
    again = list(execution.execute(cells(file), tmp_path / "store"))
    assert [o.state for o in again].count(outcomes.COMPUTED) == 2


def test_what_was_asked_does_not_hide_behind_what_was_found(file: Path, tmp_path: Path) -> None:
    file.write_text(SWEEP.replace("{steps = 5}", '{steps = "{steps}"}'))
    table = results.rows(list(execution.execute(cells(file, steps=[4, 5]), tmp_path / "store")))
    assert {(row["asked_steps"], row["steps"]) for row in table} == {(4, 4), (5, 5)}


def test_trajectories_are_written_in_chunks(file: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="a table in Parquet needs pyarrow")
    store = Store(tmp_path / "store")
    found = list(execution.execute(cells(file, **{"dynamics.step_size": ["1/16", "0"]}), store.root))
    trajectories.write(found, store, tmp_path / "long.parquet", chunk=10)
    trajectories.write(found, store, tmp_path / "long.csv", chunk=10)
    opened = parquet.ParquetFile(tmp_path / "long.parquet")
    lines = opened.read().to_pylist()
    assert opened.num_row_groups == -(-len(lines) // 10) > 1
    with (tmp_path / "long.csv").open(encoding="utf-8") as stream:
        assert [row["run_id"] for row in csv.DictReader(stream)] == [line["run_id"] for line in lines]
    losses = [line for line in lines if line["quantity"] == "loss"]
    assert len(losses) == 6 * 6
    record = store.get(losses[0]["run_id"])
    assert record is not None
    assert losses[0]["value"] == float(record.payload["loss"]["values"][0])
    assert all(line["value"] <= line["bound"] for line in lines if line["quantity"] == "residual")


def test_the_table_opens_with_one_line_in_pandas_and_xarray(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="a table in Parquet needs pyarrow")
    pandas = pytest.importorskip("pandas", reason="opens the table in pandas")
    results.write(list(execution.execute(cells(file), tmp_path / "store")), tmp_path / "table.parquet")
    frame = pandas.read_parquet(tmp_path / "table.parquet")
    assert len(frame) == 6
    assert (frame["verdict"] == "consistent").all()
    pytest.importorskip("xarray", reason="opens the table in xarray")
    array = pandas.read_parquet(tmp_path / "table.parquet").set_index(["depth", "seed"]).to_xarray()
    assert array["margin"].dims == ("depth", "seed")
    assert array["margin"].notnull().all()
