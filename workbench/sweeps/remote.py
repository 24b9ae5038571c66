"""Carries runs through an executor whose workers share no disk: results come back and are stored here.

Anything shaped like `concurrent.futures` will do. The claim of a run is held here while it is away, so that other
processes on the same store leave it alone; a few runs are away at a time, so that a sweep of a million holds a few
files open. A worker that dies is the executor's business; a result is stored only if the present sources made it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import StoreError
from workbench.store import Record, Store
from workbench.sweeps import runs
from workbench.sweeps.claims import claimed
from workbench.sweeps.outcomes import COMPUTED, FOUND, Outcome, failed
from workbench.sweeps.specification import Cell

# Seconds between two looks at runs that another process holds.
_PATIENCE = 0.2

# Runs that are away at once, where the executor does not say.
WINDOW = 64


@dataclass(frozen=True)
class Answer:
    """What a worker sends back: a record, or the line that says why there is none."""

    record: Record | None
    error: str | None = None


def answered(specification: Mapping[str, Any]) -> Answer:
    """Return the record of a run, computed where this is called and kept nowhere."""
    try:
        return Answer(runs.read(specification).record()[0])
    except Exception as error:  # noqa: BLE001
        return Answer(None, runs.told(error))


@dataclass(frozen=True)
class _Away:
    """A run that is away: its claim is released when it is closed."""

    cell: Cell
    run_id: str
    claim: ExitStack


def execute(sweep: Iterable[Cell], root: Path, executor: Executor, window: int = WINDOW) -> Iterator[Outcome]:
    """Carry every run of a sweep through an executor and yield outcomes as they come.

    Parameters
    ----------
    sweep : iterable of Cell
    root : Path
        The store, which only this process needs to reach.
    executor : Executor
    window : int
        Runs that are away at once.
    """
    store, waiting = Store(root), deque(sweep)
    away: dict[Future[Answer], _Away] = {}
    try:
        while waiting or away:
            held: list[Cell] = []
            while waiting and len(away) < window:
                cell = waiting.popleft()
                begun = _begun(cell, store, executor)
                if isinstance(begun, Outcome):
                    yield begun
                elif begun is None:
                    held.append(cell)
                else:
                    away[begun[0]] = begun[1]
            for future in wait(away, _PATIENCE if held else None, FIRST_COMPLETED).done if away else ():
                run = away.pop(future)
                with run.claim:
                    outcome = _landed(future, run, store)
                yield outcome
            if held and not away:
                time.sleep(_PATIENCE)
            waiting.extend(held)
    finally:
        for future, run in away.items():
            future.cancel()
            run.claim.close()


def _begun(cell: Cell, store: Store, executor: Executor) -> Outcome | tuple[Future[Answer], _Away] | None:
    """Find a run or send it away; None where another process holds it, or one that is away shares its lock."""
    run_id = None
    try:
        asked = runs.read(cell.specification)
        run_id = asked.run_id
        with ExitStack() as stack:
            mine = stack.enter_context(claimed(store.root, run_id))
            # Whoever held it may have finished, so the look comes after the claim.
            found = store.current(asked.specification())
            if found is not None:
                return Outcome(cell.values, FOUND, run_id, runs.row(found))
            if not mine:
                return None
            future = executor.submit(answered, cell.specification)
            return future, _Away(cell, run_id, stack.pop_all())
    except Exception as error:  # noqa: BLE001
        return failed(cell, run_id, runs.ended(error, store, run_id))


def _landed(future: Future[Answer], run: _Away, store: Store) -> Outcome:
    """Store what came back."""
    try:
        answer = future.result()
        if answer.record is None:
            return failed(run.cell, run.run_id, answer.error or "its worker sent nothing back")
        if answer.record.id != run.run_id or not answer.record.is_current():
            raise StoreError("its worker has other sources than this process; install the same workbench there")
        store.put(answer.record)
    except CancelledError:
        return failed(run.cell, run.run_id, "it was cancelled: the connection to its workers was lost")
    # A worker may send anything back, and one run's error must not end the others.
    except Exception as error:  # noqa: BLE001
        return failed(run.cell, run.run_id, runs.told(error))
    return Outcome(run.cell.values, COMPUTED, run.run_id, runs.row(answer.record))
