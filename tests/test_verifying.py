"""Work that is shared out among processes ends as it does here, and a process that dies is told in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.cli.verification import Asked, tasks_of
from workbench.cli.verifying import carry
from workbench.store import Store

ASKED = Asked(("near_identity", "balancedness_flow"))


def found(store: Store, processes: int) -> dict[int, tuple[str, str, bool]]:
    carried = carry(tasks_of(ASKED), ASKED, store, processes, witness=False)
    return {number: (done.record.id, done.record.verdict, done.fresh) for number, done in carried}


@pytest.mark.long
def test_shared_work_ends_as_it_does_here(tmp_path: Path) -> None:
    here, shared = Store(tmp_path / "here"), Store(tmp_path / "shared")
    alone = found(here, 1)
    assert found(shared, 2) == alone
    assert {fresh for _, _, fresh in alone.values()} == {True}
    again = found(shared, 2)
    assert {fresh for _, _, fresh in again.values()} == {False}
    assert {number: entry[:2] for number, entry in again.items()} == {n: entry[:2] for n, entry in alone.items()}


@pytest.mark.long
def test_a_worker_that_dies_is_told_in_a_line(workbench_here: Any, tmp_path: Path) -> None:
    source = (Path(__file__).parent.parent / "workbench" / "theorems" / "balancedness.py").read_text()
    path = tmp_path / "deadly.py"
    path.write_text(source + "\n\ndef hypotheses(run):\n    import os\n\n    os._exit(9)\n")
    done = workbench_here("verify", str(path), "--processes", "2")
    assert (done.status, done.err.count("\n")) == (2, 1), done.err
    assert "a worker was killed" in done.err


def test_no_process_is_no_answer(workbench_here: Any) -> None:
    done = workbench_here("verify", "near_identity", "--processes", "0")
    assert (done.status, done.err.count("\n")) == (2, 1), done.err
