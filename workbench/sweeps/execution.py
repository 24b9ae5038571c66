"""Carries the runs of a sweep on this machine: claims, a pool of processes, one outcome a run.

A run that another process holds is left for last and then waited for: it is in the store by then, or its holder has
died and the run is carried here. Nothing is ever cleaned up, so nothing has to be after a kill. A worker that dies
takes its pool down; the few runs that were under way are then carried each in a process of its own, so that the one
that kills its worker (by memory, most often) fails alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    wait,
)
from pathlib import Path

from workbench.store import Store
from workbench.sweeps import remote, runs
from workbench.sweeps.claims import claimed
from workbench.sweeps.outcomes import BUSY, COMPUTED, FOUND, Outcome, failed
from workbench.sweeps.pool import pool
from workbench.sweeps.specification import Cell


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
        Anything shaped like `concurrent.futures`, in place of a pool; its workers need not reach the store.
    """
    cells = list(sweep)
    if executor is not None:
        yield from remote.execute(cells, root, executor)
        return
    held: list[Cell] = []
    for waits in (False, True):
        chosen, held = (held if waits else cells), []
        for cell, outcome in _pass(chosen, root, waits, processes):
            if outcome.state == BUSY:
                held.append(cell)
            else:
                yield outcome


def carry(cell: Cell, root: Path, wait: bool = False) -> Outcome:
    """Carry one run, unless the store has it or another process holds it."""
    run_id = None
    try:
        asked, store = runs.read(cell.specification), Store(root)
        run_id = asked.run_id
        record, fresh = store.current(asked.specification()), False
        if record is None:
            with claimed(root, run_id, wait=wait) as mine:
                if not mine:
                    return Outcome(cell.values, BUSY, run_id, {})
                # Its holder may have finished between the look and the claim.
                record, fresh = asked.record(store)
    # Whatever it is, the others go on; the line says what it was, and the status that something failed.
    except Exception as error:  # noqa: BLE001
        return failed(cell, run_id, runs.ended(error, Store(root), run_id) if run_id else runs.told(error))
    return Outcome(cell.values, COMPUTED if fresh else FOUND, run_id, runs.row(record))


def _pass(cells: list[Cell], root: Path, waits: bool, processes: int) -> Iterator[tuple[Cell, Outcome]]:
    if processes == 1 or len(cells) < 2:
        for cell in cells:
            yield cell, carry(cell, root, waits)
        return
    waiting = deque(cells)
    while waiting:
        suspects: list[Cell] = []
        with pool(processes) as workers:
            yield from _shared(workers, waiting, suspects, root, waits, 2 * processes)
        for cell in suspects:
            yield cell, _alone(cell, root, waits)


def _shared(
    pool: Executor, waiting: deque[Cell], suspects: list[Cell], root: Path, waits: bool, window: int
) -> Iterator[tuple[Cell, Outcome]]:
    """Carry runs in a pool until none waits or the pool breaks; who was under way then is a suspect."""
    flying: dict[Future[Outcome], Cell] = {}
    while flying or (waiting and not suspects):
        while waiting and not suspects and len(flying) < window:
            cell = waiting.popleft()
            try:
                flying[pool.submit(carry, cell, root, waits)] = cell
            except BrokenExecutor:
                suspects.append(cell)
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            cell = flying.pop(future)
            try:
                yield cell, future.result()
            except BrokenExecutor:
                suspects.append(cell)


def _alone(cell: Cell, root: Path, waits: bool) -> Outcome:
    with pool(1) as workers:
        try:
            return workers.submit(carry, cell, root, waits).result()
        except BrokenExecutor:
            return failed(cell, None, "its worker died, most often for want of memory")
