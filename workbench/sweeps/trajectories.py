"""The trajectories of a sweep in one file, a line a record, written in chunks: as long as it is, it never is in memory.

Columns: `run_id`, `quantity` (the loss, or an inequality by its name), `step`, `time` (flow time), `value`, `bound`
(null where there is none) and `error` (of the value). Numbers are rounded to double precision; a store keeps decimals.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.store import Record, Store
from workbench.sweeps.outcomes import Outcome
from workbench.sweeps.results import whole

COLUMNS = ("run_id", "quantity", "step", "time", "value", "bound", "error")

# Rows of a chunk: a few megabytes.
CHUNK = 2**16


def write(outcomes: Iterable[Outcome], store: Store, path: Path, chunk: int = CHUNK) -> None:
    """Write the trajectories of the runs that have a record, whole or not at all; `.parquet` or `.csv`."""
    chunks = _chunks(_lines(outcomes, store), chunk)
    whole(path, {".csv": lambda part: _csv(chunks, part), ".parquet": lambda part: _parquet(chunks, part)})


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


def _chunks(lines: Iterator[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    while part := list(islice(lines, size)):
        yield part


def _csv(chunks: Iterator[list[tuple[Any, ...]]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for part in chunks:
            writer.writerows(part)


def _parquet(chunks: Iterator[list[tuple[Any, ...]]], path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    text, number = pyarrow.string(), pyarrow.float64()
    kinds = (text, text, pyarrow.int64(), number, number, number, number)
    schema = pyarrow.schema(list(zip(COLUMNS, kinds, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        for part in chunks:
            columns = [pyarrow.array(column, kind) for column, kind in zip(zip(*part, strict=True), kinds, strict=True)]
            writer.write_table(pyarrow.table(columns, schema=schema))
