"""The trajectories of a sweep in one file, a line a record, written in chunks: as long as it is, it never is in memory.

Columns: `run_id`, `quantity` (the loss, or an inequality by its name), `step`, `time` (flow time), `value`, `bound`
(null where there is none) and `error` (of the value). Numbers are rounded to double precision; a store keeps decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.store import Record, Store
from workbench.sweeps.outcomes import Outcome
from workbench.sweeps.row_groups import CHUNK, RowGroups, written

COLUMNS = {
    "run_id": "string",
    "quantity": "string",
    "step": "int64",
    "time": "float64",
    "value": "float64",
    "bound": "float64",
    "error": "float64",
}


def write(outcomes: Iterable[Outcome], store: Store, path: Path, chunk: int = CHUNK) -> None:
    """Write the trajectories of the runs that have a record, whole or not at all; `.parquet` or `.csv`."""

    def add(rows: RowGroups) -> None:
        for line in _lines(outcomes, store):
            rows.add(line)

    written(path, COLUMNS, add, chunk)


def _lines(outcomes: Iterable[Outcome], store: Store) -> Iterator[tuple[Any, ...]]:
    for outcome in sorted(outcomes, key=lambda o: o.run_id or ""):
        record = store.get(outcome.run_id) if outcome.run_id and "error" not in outcome.row else None
        if record is not None:
            yield from _of(record)


def _of(record: Record) -> Iterator[tuple[Any, ...]]:
    loss = record.payload["loss"]
    yield from _series(record.id, "loss", loss, loss["values"], [None] * len(loss["values"]))
    for statement in record.payload["statements"]:
        if "lhs" in statement:
            yield from _series(record.id, statement["name"], statement, statement["lhs"], statement["rhs"])


def _series(run_id: str, name: str, series: Any, values: list[Any], bounds: list[Any]) -> Iterator[tuple[Any, ...]]:
    errors = series["errors"] or [None] * len(values)
    for step, time, value, bound, error in (
        zip(series["steps"], series["times"], values, bounds, errors, strict=True) if values else ()
    ):
        yield run_id, name, step, time, _float(value), _float(bound), _float(error)


def _float(decimal: Any) -> float | None:
    return None if decimal is None else float(decimal)
