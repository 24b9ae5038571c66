"""What an ensemble recorded, member by member, in one file: written while the members run, never whole in memory.

Columns: `member`, `seed`, `quantity` (by its name), `step`, `time` (flow time), `value` and `error` (a bound of the
value's), both rounded to double precision, null where they are not known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.ensembles.asked import EnsembleExperiment
from workbench.exact import to_float
from workbench.store import Record, Store
from workbench.sweeps.row_groups import CHUNK, RowGroups, written
from workbench.trajectory import Trajectory

COLUMNS = {
    "member": "int64",
    "seed": "int64",
    "quantity": "string",
    "step": "int64",
    "time": "float64",
    "value": "float64",
    "error": "float64",
}


def record(experiment: EnsembleExperiment, store: Store | None, path: Path, chunk: int = CHUNK) -> Record:
    """Run an ensemble, found in the store or not, and return its record; what it recorded is in the file."""

    def run(rows: RowGroups) -> Record:
        return experiment.compute(store, lambda member, run: _add(rows, experiment, member, run))

    return written(path, COLUMNS, run, chunk)


def _add(rows: RowGroups, experiment: EnsembleExperiment, member: int, run: Trajectory) -> None:
    seed = experiment.ensemble.seed_of(member)
    for name, series in run.observables.items():
        for step, time, number in zip(run.steps, run.times, series, strict=True):
            row: tuple[Any, ...] = (step, to_float(time), to_float(number.value), to_float(number.error))
            rows.add((member, seed, name, *row))
