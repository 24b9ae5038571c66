"""What the trainings of a sweep measured, in one JSON document: for figures made elsewhere.

`runs` has one entry a run, ordered by what varied: `values` (what varied), `run_id`, and the record's payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.store import Store
from workbench.sweeps import results
from workbench.sweeps.outcomes import Outcome
from workbench.sweeps.specification import Template

FORMAT = 1

# Digits of a figure: two more than any plot shows.
_DIGITS = 6


def check_path(path: Path, template: Template) -> None:
    """Raise where there is nothing to measure, or no place to put it."""
    if template.training is None:
        raise InputError("--measured is for sweeps of trainings; the others keep their figures in --table")
    results.check_path(path, (".json",))


def write(name: str, outcomes: Iterable[Outcome], store: Store, path: Path) -> None:
    """Write the document, whole or not at all."""
    runs = []
    for outcome in sorted(outcomes, key=_place):
        record = store.get(outcome.run_id) if outcome.run_id and "error" not in outcome.row else None
        if record is not None:
            runs.append({"values": outcome.values, "run_id": record.id, **_shortened(record.payload)})
    # A line a run: a later run changes one line of a file that is kept.
    lines = ",\n".join(json.dumps(run, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for run in runs)
    text = f'{{"format": {FORMAT}, "sweep": {json.dumps(name)}, "runs": [\n{lines}\n]}}'

    def put(part: Path) -> None:
        part.write_text(text + "\n", encoding="utf-8")

    results.whole(path, {".json": put})


def _place(outcome: Outcome) -> list[tuple[bool, float, str]]:
    """Order numbers by size and texts by name."""
    values = outcome.values.values()
    return [(True, 0.0, v) if isinstance(v, str) else (False, float(v), "") for v in values]


def _shortened(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _shortened(part) for key, part in value.items()}
    return [_shortened(part) for part in value] if isinstance(value, list) else value
