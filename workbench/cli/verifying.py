"""Carries what there is to verify, here or shared out among processes, and yields what came of each task.

A worker is given the number of a task and makes the same list anew, for a task holds functions that no process can be
sent. Results go into the store as they come, so whatever a killed command had finished is found there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.cli.verification import Asked, Task, tasks_of
from workbench.errors import WorkbenchError, WorkerDiedError
from workbench.store import Record, Store
from workbench.sweeps.pool import pool

# A process takes about three seconds to start; fewer tasks than this are done by then.
_FEW = 8


@dataclass(frozen=True)
class Carried:
    """What came of a task: its record, whether it was computed now, and what a second computation says of it."""

    record: Record
    fresh: bool
    testimony: Any = None


def carry(
    tasks: list[Task], asked: Asked, store: Store, processes: int, witness: bool
) -> Iterator[tuple[int, Carried]]:
    """Yield the number of each task and what came of it, in the order in which they end.

    Parameters
    ----------
    tasks : list of Task
        Those of `asked`.
    asked : Asked
    store : Store
    processes : int
        One carries everything here.
    witness : bool
        Whether certified runs are recomputed in mpmath alone.

    Raises
    ------
    WorkerDiedError
        If a process was killed.
    """
    if processes == 1:
        for number, task in enumerate(tasks):
            yield number, _carried(task, store, witness)
        return
    with pool(processes) as workers:
        numbers = {workers.submit(_of_number, asked, i, store.root, witness): i for i in range(len(tasks))}
        try:
            for future in as_completed(numbers):
                number = numbers[future]
                # What fails there is asked again here, where its error reaches the user as it is.
                yield number, future.result() or _carried(tasks[number], store, witness)
        except BrokenExecutor:
            raise WorkerDiedError(
                "a worker was killed, most often for want of memory; run the same command again, with --processes 1"
            ) from None


def sensible_processes(tasks: int) -> int:
    """Return one process a core that this command may use, or one in all for a few tasks."""
    if tasks < _FEW:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _carried(task: Task, store: Store, witness: bool) -> Carried:
    record, fresh = task.compute(store)
    return Carried(record, fresh, _testimony(task) if witness else None)


def _testimony(task: Task) -> Any:
    """Return what a second computation says of a certified run, None of any other task."""
    from workbench import witness

    return witness.recompute(task.experiment) if task.experiment and witness.applies(task.experiment) else None


def _of_number(asked: Asked, number: int, root: Path, witness: bool) -> Carried | None:
    try:
        return _carried(_tasks(asked)[number], Store(root), witness)
    except WorkbenchError:
        return None


@lru_cache
def _tasks(asked: Asked) -> list[Task]:
    return tasks_of(asked)
