"""A table that is written while it is made, a group of rows after another: as long as it is, it never is in memory."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from workbench.sweeps.results import whole

# Rows of a group: a few megabytes.
CHUNK = 2**16

# What a column holds, by the word that pyarrow has for it.
Columns = Mapping[str, str]
Rows = list[tuple[Any, ...]]
Made = TypeVar("Made")


class RowGroups:
    """Rows that wait until a group of them is full.

    Parameters
    ----------
    write : callable
        Takes a group.
    chunk : int
        Rows of a group.
    """

    def __init__(self, write: Callable[[Rows], object], chunk: int = CHUNK) -> None:
        self._write, self._chunk = write, chunk
        self._waiting: Rows = []

    def add(self, row: tuple[Any, ...]) -> None:
        """Take one more row."""
        self._waiting.append(row)
        if len(self._waiting) >= self._chunk:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._write(self._waiting)
        self._waiting = []


def written(path: Path, columns: Columns, make: Callable[[RowGroups], Made], chunk: int = CHUNK) -> Made:
    """Return what `make` returns, after the rows that it added are in the file, whole or not at all.

    Parameters
    ----------
    path : Path
        `.parquet` or `.csv`.
    columns : mapping of str to {"string", "int64", "float64"}
    make : callable
        Takes the RowGroups to add rows to.
    chunk : int
    """
    made: list[Made] = []

    def through(opened: Callable[..., Any]) -> Callable[[Path], None]:
        def write(part: Path) -> None:
            with opened(part, columns) as group:
                rows = RowGroups(group, chunk)
                made.append(make(rows))
                rows.flush()

        return write

    whole(path, {".csv": through(_csv), ".parquet": through(_parquet)})
    return made[0]


@contextmanager
def _csv(path: Path, columns: Columns) -> Iterator[Callable[[Rows], object]]:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        yield writer.writerows


@contextmanager
def _parquet(path: Path, columns: Columns) -> Iterator[Callable[[Rows], object]]:
    import pyarrow
    from pyarrow import parquet

    kinds = [getattr(pyarrow, kind)() for kind in columns.values()]
    schema = pyarrow.schema(list(zip(columns, kinds, strict=True)))

    def group(rows: Rows) -> None:
        arrays = [pyarrow.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
        writer.write_table(pyarrow.table(arrays, schema=schema))

    with parquet.ParquetWriter(path, schema) as writer:
        yield group
