"""Sweeps as jobs, through submitit's local executor."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from test_sweeps_cluster import SWEEP, cells

from workbench.errors import ClusterError, InputError
from workbench.store import Store
from workbench.sweeps import execution, outcomes
from workbench.sweeps.slurm import SlurmExecutor

pytest.importorskip("submitit", reason="jobs need submitit")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SWEEP.replace("count = 6", "count = 2"))
    return path


def test_a_machine_without_slurm_is_told_by_a_line(file: Path, workbench: Any) -> None:
    for wrong in ("slurm", "slurm:partition", "slurm:cluster=local,whatever=1"):
        done = workbench("sweep", str(file), "--cluster", wrong)
        assert (done.status, done.err.count("\n")) == (2, 1), done.err
    with pytest.raises(InputError, match="partition=short"):
        SlurmExecutor(file.parent / "jobs", "partition")


@pytest.mark.long
def test_jobs_carry_a_sweep(file: Path, tmp_path: Path) -> None:
    with SlurmExecutor(tmp_path / "jobs", "cluster=local,timeout_min=2") as executor:
        found = list(execution.execute(cells(file), tmp_path / "store", executor=executor))
    assert [o.state for o in found] == [outcomes.COMPUTED] * 2
    assert len(list(Store(tmp_path / "store"))) == 2


@pytest.mark.long
def test_a_killed_job_is_a_line(tmp_path: Path) -> None:
    with SlurmExecutor(tmp_path / "jobs", "cluster=local,timeout_min=2") as executor:
        # A function that a job can import wherever it runs: that of a test it cannot.
        answer = executor.submit(time.sleep, 60)
        [job] = executor._away.values()
        time.sleep(1)
        os.kill(int(job.job_id), signal.SIGKILL)
        with pytest.raises(ClusterError, match="gave no result"):
            answer.result(timeout=60)
