"""What a sweep cannot do is told before its first run, and what one run cannot do ends no other."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from test_sweeps import SWEEP, cells

from workbench.errors import InputError, StoreError
from workbench.store import Store
from workbench.sweeps import execution, outcomes, results, runs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    return path


@pytest.mark.parametrize("arguments", [("--table", "t.xlsx"), ("--table", "."), ("--trajectories", "t.txt")])
def test_a_table_that_cannot_be_written_is_refused_before_the_first_run(
    file: Path, workbench: Any, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = workbench("sweep", str(file), *arguments)
    assert (done.status, done.err.count("\n")) == (2, 1), done.err
    assert not list(tmp_path.rglob("*.json"))


def test_a_table_below_a_file_is_refused(file: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        results.check_path(file / "folder" / "t.csv")
    (file.parent / "t.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        results.check_path(file.parent / "t.csv")


def test_a_port_out_of_range_is_no_address(file: Path, workbench: Any) -> None:
    pytest.importorskip("distributed", reason="clusters need distributed")
    done = workbench("sweep", str(file), "--cluster", "tcp://127.0.0.1:99999")
    assert (done.status, done.err.count("\n")) == (2, 1), done.err


@pytest.mark.parametrize("threads", [False, True])
def test_a_fault_in_one_run_ends_no_other(file: Path, monkeypatch: pytest.MonkeyPatch, threads: bool) -> None:
    sound, asked = runs.read, cells(file)

    def faulty(specification: Any) -> runs.Run:
        if specification is asked[1].specification:
            raise TypeError("a fault of the program\nin two lines")
        return sound(specification)

    monkeypatch.setattr(runs, "read", faulty)
    with ThreadPoolExecutor(1) as pool:
        found = list(execution.execute(asked, file.parent / "store", 1, pool if threads else None))
    assert [o.state for o in found].count(outcomes.COMPUTED) == 5
    [bad] = [o for o in found if o.state == outcomes.FAILED]
    assert bad.row["error"] == "TypeError: a fault of the program"


@pytest.mark.parametrize("threads", [False, True])
def test_damaged_records_are_told_by_run_and_the_next_sweep_carries_them_again(file: Path, threads: bool) -> None:
    root, asked, draw = file.parent / "store", cells(file), random.Random(3)
    list(execution.execute(asked, root))
    records = sorted((root / "records").iterdir())
    whole = [path.read_bytes() for path in records]
    damaged = [whole[0][: len(whole[0]) // 2], b"", _flipped(whole[2], draw), b"\0" * 100, b"[]"]
    for path, data in zip(records, damaged, strict=False):
        path.write_bytes(data)
    with ThreadPoolExecutor(1) as pool:
        first, second = (list(execution.execute(asked, root, 1, pool if threads else None)) for _ in range(2))
    told = {str(o.run_id): str(o.row["error"]) for o in first if o.state == outcomes.FAILED}
    assert sorted(told) == [path.stem for path in records[: len(damaged)]]
    assert all(name in line and "set aside" in line for name, line in told.items())
    states = [o.state for o in second]
    assert (states.count(outcomes.COMPUTED), states.count(outcomes.FOUND)) == (len(damaged), 1)
    assert sorted(record.id for record in Store(root)) == [path.stem for path in records]
    assert not Store(root).set_aside(records[0].stem)


def _flipped(data: bytes, draw: random.Random) -> bytes:
    """Return the bytes with one digit of one number changed."""
    places = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
    place = draw.choice(places)
    return data[:place] + bytes([48 + (data[place] - 47) % 10]) + data[place + 1 :]
