"""Sweeps beyond one machine: a Dask scheduler and workers on loopback, workers that die, workers with other sources."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from workbench.store import Store
from workbench.sweeps import execution, outcomes, remote, specification
from workbench.sweeps.claims import claimed

SWEEP = """
theorem = "near_identity"
[problem]
depth = 2
target = {family = "near_identity", shape = [2, 2], seed = "{seed}"}
[dynamics]
name = "descent"
step_size = "1/16"
stop = {steps = 5}
[draws]
count = 6
[draws.integers]
seed = [0, 1000000]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    return path


def cells(file: Path) -> list[specification.Cell]:
    return list(specification.cells(specification.read(file)))


class Unreliable(ThreadPoolExecutor):
    """Loses the workers of some calls, and answers others with what no worker should send."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if args[0]["dynamics"]["step_size"] == "1/32":
            lost: Future[Any] = Future()
            lost.set_exception(BrokenExecutor("a worker died"))
            return lost
        if args[0]["dynamics"]["step_size"] == "1/64":
            return super().submit(fn, {**args[0], "backend": {"name": "ball", "digits": 20}})
        return super().submit(fn, *args, **kwargs)


def test_an_executor_carries_what_this_process_would(file: Path, tmp_path: Path) -> None:
    alone = {o.run_id: o.row for o in execution.execute(cells(file), tmp_path / "alone")}
    with ThreadPoolExecutor(1) as executor:
        away = list(execution.execute(cells(file), tmp_path / "away", executor=executor))
        again = list(execution.execute(cells(file), tmp_path / "away", executor=executor))
    assert {o.run_id: o.row for o in away} == alone
    assert {o.state for o in away} == {outcomes.COMPUTED}
    assert {o.state for o in again} == {outcomes.FOUND}
    assert {record.id for record in Store(tmp_path / "away")} == set(alone)


def test_a_lost_or_a_wrong_answer_fails_its_run_alone(file: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"dynamics.step_size": ["1/16", "1/32", "1/64", "0"]}
    asked = list(specification.cells(specification.read(file, changes)))
    with Unreliable(1) as executor:
        found = list(remote.execute(asked, tmp_path / "store", executor))
    said = {str(o.values["dynamics.step_size"]): o.row.get("error") for o in found}
    assert said["1/16"] is None
    assert "a worker died" in str(said["1/32"])
    assert "other sources" in str(said["1/64"])
    assert "must be positive" in str(said["0"])
    assert len(list(Store(tmp_path / "store"))) == 6


def test_a_run_is_claimed_while_it_is_away(file: Path, tmp_path: Path) -> None:
    [cell, *_] = cells(file)
    go, taken = threading.Event(), threading.Event()

    class Slow(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            def late() -> Any:
                taken.set()
                assert go.wait(20)
                return fn(*args)

            return super().submit(late)

    with Slow(1) as executor, ThreadPoolExecutor(1) as client:
        ended = client.submit(lambda: list(remote.execute([cell], tmp_path / "store", executor)))
        assert taken.wait(20)
        assert execution.carry(cell, tmp_path / "store").state == outcomes.BUSY
        go.set()
        assert [o.state for o in ended.result()] == [outcomes.COMPUTED]
    assert execution.carry(cell, tmp_path / "store").state == outcomes.FOUND


def test_a_run_that_another_process_holds_is_waited_for(file: Path, tmp_path: Path) -> None:
    chosen = cells(file)
    run_id = str(next(execution.execute(chosen[:1], tmp_path / "other")).run_id)
    with ThreadPoolExecutor(1) as executor:
        walk: Iterator[outcomes.Outcome]
        with claimed(tmp_path / "store", run_id):
            walk = remote.execute(chosen, tmp_path / "store", executor)
            others = [next(walk) for _ in range(5)]
        assert run_id not in {o.run_id for o in others}
        assert [(o.run_id, o.state) for o in walk] == [(run_id, outcomes.COMPUTED)]


def test_a_cluster_that_is_not_there_is_one_line(file: Path, workbench: Any) -> None:
    pytest.importorskip("distributed", reason="a cluster needs distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong, said in (("carrier-pigeon://x", "is no address"), (address, "no scheduler answers")):
        done = workbench("sweep", str(file), "--cluster", wrong)
        assert done.status == 2
        assert done.err.count("\n") == 1
        assert said in done.err


class Cluster:
    """A scheduler and workers, each a process of its own on loopback."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self._file))
        while not self._file.exists():
            time.sleep(0.05)
        self.address = str(json.loads(self._file.read_text())["address"])

    def start(self, what: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "dask", what, "--no-dashboard", *arguments]
        found = subprocess.Popen(command, cwd=self._folder, env={**os.environ, **environment}, **quiet)  # type: ignore[call-overload]
        self._started.append(found)
        return found  # type: ignore[no-any-return]

    def worker(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        more = ("--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--name", name)
        return self.start("worker", self.address, *more, **environment)

    def wait_for(self, workers: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def stop(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="a cluster needs distributed")
    found = Cluster(tmp_path)
    yield found
    found.stop()


def sweep(file: Path, cluster: Cluster) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workbench", "sweep", str(file), "--store", str(file.parent / "store")]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, "--json", "--cluster", cluster.address], text=True, **pipes)


@pytest.mark.long
def test_a_worker_killed_in_the_middle_costs_no_run(file: Path, cluster: Cluster) -> None:
    file.write_text(SWEEP.replace("count = 6", "count = 200").replace("steps = 5", "steps = 40"))
    workers = [cluster.worker(f"w{n}") for n in range(3)]
    cluster.wait_for(3)
    records = file.parent / "store" / "records"
    process, stamps = sweep(file, cluster), dict[str, int]()
    for victim, after in zip(workers[:2], (30, 100), strict=True):
        while process.poll() is None and len(list(records.glob("*.json"))) < after:
            time.sleep(0.005)
        assert process.poll() is None
        stamps |= {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
        victim.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert (found["runs"], found["computed"], found["failed"]) == (200, 200, 0)
    # None twice: what was stored before a worker died stays as it was. None corrupt: the store checks every hash.
    assert {name: (records / name).stat().st_mtime_ns for name in stamps} == stamps
    assert len({record.id for record in Store(records.parent)}) == 200
    again, _ = sweep(file, cluster).communicate(timeout=120)
    assert json.loads(again)["found"] == 200


@pytest.mark.long
def test_a_worker_with_other_sources_is_refused(file: Path, cluster: Cluster, tmp_path: Path) -> None:
    import workbench

    other = tmp_path / "other"
    other.mkdir()
    (other / "workbench").symlink_to(Path(workbench.__file__).parent)
    changed = "import workbench.store as s; s._engine_digest = lambda: 'other'"
    (other / "sitecustomize.py").write_text(changed)
    stale = cluster.worker("stale", PYTHONPATH=str(other))
    cluster.wait_for(1)
    out, err = sweep(file, cluster).communicate(timeout=120)
    assert (out, err.count("\n")) == ("", 2), err
    assert "other sources" in err
    assert "all workers were refused" in err
    cluster.worker("right")
    cluster.wait_for(2)
    process = sweep(file, cluster)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err.count("refused") == 1
    assert json.loads(out)["computed"] == 6
    # The worker is refused, not harmed.
    assert stale.poll() is None


@pytest.mark.long
def test_a_scheduler_that_dies_fails_the_runs_that_were_away_by_a_line_each(file: Path, cluster: Cluster) -> None:
    file.write_text(SWEEP.replace("count = 6", "count = 120").replace("steps = 5", "steps = 400"))
    cluster.worker("w")
    cluster.wait_for(1)
    records = file.parent / "store" / "records"
    process = sweep(file, cluster)
    while process.poll() is None and len(list(records.glob("*.json"))) < 5:
        time.sleep(0.005)
    cluster.stop()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    found = json.loads(out)
    assert found["computed"] >= 5
    assert found["failed"] == 120 - found["computed"]
    assert [line for line in err.splitlines() if not line.startswith("run seed = ")] == []
    assert err.count("connection to the cluster was lost") == found["failed"]
