"""The table of a sweep: one row a run, in Parquet where pyarrow is installed, else in CSV."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import InputError, MissingPackageError, StoreError
from workbench.sweeps.outcomes import Outcome
from workbench.sweeps.runs import MEDIANS

_COLUMNS = (
    *("theorem", "verdict", "grade", "margin", "error_of_margin", "tightness", "status", "steps"),
    *("observed_rate", "predicted_rate", "error"),
)

# Only where a run of the sweep is an ensemble.
_OF_ENSEMBLES = (
    "members",
    *("members_consistent", "members_vacuous", "members_undecided", "members_violated", "worst_member"),
    *("allowed", "tightness_median", "steps_ratio", "seconds", "why_blank"),
)

# Only where a run of the sweep is a training.
_OF_TRAININGS = ("trained", "seconds", *MEDIANS)


def default_suffix() -> str:
    """Return the suffix of the best format at hand."""
    return ".parquet" if find_spec("pyarrow") is not None else ".csv"


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return the rows, each with every column, in the order of the run ids."""
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.values))
    ordered = sorted(outcomes, key=lambda o: (o.run_id or "", str(o.values)))
    ensembles = any(outcome.row.get("members") is not None for outcome in outcomes)
    trained = any(outcome.row.get("trained") is not None for outcome in outcomes)
    columns = (*_COLUMNS, *_OF_ENSEMBLES) if ensembles else (*_COLUMNS, *_OF_TRAININGS) if trained else _COLUMNS
    # What was asked for must not hide behind what was found: `steps` may be both.
    asked = {name: f"asked_{name}" if name in ("run_id", *columns) else name for name in names}
    return [
        {
            "run_id": outcome.run_id,
            **{column: outcome.values.get(name) for name, column in asked.items()},
            **{name: outcome.row.get(name) for name in columns},
        }
        for outcome in ordered
    ]


def write(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the table of some outcomes, whole or not at all."""
    whole(
        path, {".csv": lambda part: _csv(rows(outcomes), part), ".parquet": lambda part: _parquet(rows(outcomes), part)}
    )


def check_path(path: Path, suffixes: Sequence[str] = (".parquet", ".csv")) -> None:
    """Raise where a file cannot be written, which is better known before a night of runs than after it."""
    if path.suffix not in suffixes:
        raise InputError(f"the file {path} ends in {path.suffix!r}; give {' or '.join(suffixes)}")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise MissingPackageError("pyarrow", "a table in Parquet")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    if not os.access(path.parent, os.W_OK):
        raise StoreError(f"{path} cannot be written: its folder is closed to you")


def whole(path: Path, writers: Mapping[str, Callable[[Path], None]]) -> None:
    """Write a file by the writer of its suffix, whole or not at all."""
    check_path(path, tuple(writers))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        os.close(handle)
        try:
            writers[path.suffix](Path(name))
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _csv(table: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]) if table else ["run_id"])
        writer.writeheader()
        writer.writerows(table)


def _parquet(table: list[dict[str, Any]], path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({name: _column(table, name) for name in (table[0] if table else [])}), path)


def _column(table: list[dict[str, Any]], name: str) -> list[Any]:
    """Return a column of one type: what mixes numbers and texts becomes texts."""
    values = [row[name] for row in table]
    if len({isinstance(value, str) for value in values if value is not None}) > 1:
        return [None if value is None else str(value) for value in values]
    return values
