"""Carries the runs of a sweep: claims, a pool of processes, one outcome a run.

A run that another process holds is left for last and then waited for: it is in the store by then, or its holder has
died and the run is carried here. Nothing is ever cleaned up, so nothing has to be after a kill.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import experiment
from workbench.errors import WorkbenchError
from workbench.store import Store
from workbench.sweeps.claims import claimed
from workbench.sweeps.specification import Cell

COMPUTED, FOUND, FAILED, BUSY = "computed", "found", "failed", "busy"


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended.

    Parameters
    ----------
    values : mapping
        What varied.
    state : {"computed", "found", "failed", "busy"}
        Busy only between the two passes.
    run_id : str or None
    row : mapping
        Figures of the record, or the `error` of a run that failed.
    """

    values: Mapping[str, Any]
    state: str
    run_id: str | None
    row: Mapping[str, Any]


def execute(
    sweep: Iterable[Cell], root: Path, processes: int = 1, executor: Executor | None = None
) -> Iterator[Outcome]:
    """Carry every run of a sweep and yield outcomes as they come.

    Parameters
    ----------
    sweep : iterable of Cell
    root : Path
        The store.
    processes : int
        Workers on this machine; one runs here, without a pool.
    executor : Executor, optional
        Anything shaped like `concurrent.futures`, in place of a pool.
    """
    cells = list(sweep)
    held: list[Cell] = []
    for wait in (False, True):
        chosen = held if wait else cells
        held = []
        for cell, outcome in _pass(chosen, root, wait, processes, executor):
            if outcome.state == BUSY:
                held.append(cell)
            else:
                yield outcome


def _pass(
    cells: list[Cell], root: Path, wait: bool, processes: int, executor: Executor | None
) -> Iterator[tuple[Cell, Outcome]]:
    """Carry some runs, in an executor of their own where none is given: a pool that lost a worker is not used again."""
    if executor is not None:
        yield from _submitted(cells, root, wait, executor)
    elif processes == 1 or len(cells) < 2:
        for cell in cells:
            yield cell, carry(cell, root, wait)
    else:
        # Spawned: a forked child would inherit the threads' locks of the numerical libraries.
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            yield from _submitted(cells, root, wait, pool)


def _submitted(cells: list[Cell], root: Path, wait: bool, executor: Executor) -> Iterator[tuple[Cell, Outcome]]:
    futures: dict[Future[Outcome], Cell] = {executor.submit(carry, cell, root, wait): cell for cell in cells}
    for future in as_completed(futures):
        cell = futures[future]
        try:
            yield cell, future.result()
        except BrokenExecutor as error:
            # Whichever run took the worker down, each gets one more try.
            lost = Outcome(cell.values, BUSY, None, {}) if not wait else None
            yield cell, lost or _failed(cell, None, f"its worker died: {error}")


def carry(cell: Cell, root: Path, wait: bool = False) -> Outcome:
    """Carry one run, unless the store has it or another process holds it."""
    run_id = None
    try:
        asked, store = experiment.read(cell.specification), Store(root)
        run_id = asked.run_id
        found = store.current(asked.specification())
        if found is None:
            with claimed(root, run_id, wait=wait) as mine:
                if not mine:
                    return Outcome(cell.values, BUSY, run_id, {})
                # Its holder may have finished between the look and the claim.
                record, fresh = asked.record(store)
        else:
            record, fresh = found, False
    except WorkbenchError as error:
        return _failed(cell, run_id, str(error))
    except (ArithmeticError, MemoryError, RuntimeError, OSError, ValueError) as error:
        return _failed(cell, run_id, f"{type(error).__name__}: {error}")
    return Outcome(cell.values, COMPUTED if fresh else FOUND, run_id, row(record.payload, record))


def _failed(cell: Cell, run_id: str | None, message: str) -> Outcome:
    return Outcome(cell.values, FAILED, run_id, {"error": message})


def row(payload: Mapping[str, Any], record: Any) -> dict[str, Any]:
    """Return the figures of a record that a table keeps."""
    return {
        "theorem": record.name,
        "verdict": record.verdict,
        "grade": record.grade,
        "margin": None if record.margin is None else float(record.margin),
        "error_of_margin": None if record.error is None else float(record.error),
        "tightness": payload["tightness"],
        "status": payload["status"],
        "steps": payload["steps"],
        "observed_rate": payload["observed_rate"],
        "predicted_rate": payload["predicted_rate"],
    }
