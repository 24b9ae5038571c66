"""How the runs of a sweep ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def failed(cell: Cell, run_id: str | None, message: str) -> Outcome:
    """Return the outcome of a run that has no result."""
    return Outcome(cell.values, FAILED, run_id, {"error": message})
