"""One run of a sweep, whatever it is: an experiment, an ensemble, or a training.

Both say what they ask (`specification`, `run_id`) and give a `record`; nothing else of them is used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, Protocol

from workbench import experiment
from workbench.errors import DamagedRecordError, StoreError, WorkbenchError
from workbench.store import Record, Store
from workbench.sweeps.claims import claimed


class Run(Protocol):
    """What may be asked of a store."""

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""

    def record(self, store: Store | None = None) -> tuple[Record, bool]:
        """Return the record, and whether it was computed now rather than found."""


def read(specification: Mapping[str, Any]) -> Run:
    """Return the run that a specification stands for: a training, an ensemble, or else an experiment."""
    if "training" in specification:
        from workbench import training

        return training.read(specification["training"])
    if "ensemble" not in specification:
        return experiment.read(specification)
    # Torch is slow to import, and every worker of a sweep imports this module.
    from workbench.ensembles import asked

    return asked.read(specification)


def told(error: Exception) -> str:
    """Return the line of an error that ends one run: no error of one, a fault of this program included, ends others."""
    if isinstance(error, WorkbenchError):
        return str(error)
    return (f"{type(error).__name__}: {error}".splitlines() or [""])[0]


def ended(error: Exception, store: Store, run_id: str | None) -> str:
    """Return the line of a run that failed; a damaged record is set aside, so that the next sweep carries the run."""
    if run_id is None or not isinstance(error, DamagedRecordError):
        return told(error)
    try:
        # Only under the claim: another process may have put a sound record there since.
        with claimed(store.root, run_id) as mine:
            if mine and store.set_aside(run_id):
                return f"the record {run_id}.json is damaged and was set aside; the next sweep carries the run again"
    except StoreError as other:
        return told(other)
    return told(error)


def row(record: Record) -> dict[str, Any]:
    """Return the figures of a record that a table keeps; an ensemble's are those of its worst member."""
    payload = record.payload
    if record.kind == "training":
        return _trained(record)
    counts = payload.get("counts", {})
    return {
        "theorem": record.name,
        "verdict": record.verdict,
        "grade": record.grade,
        "margin": None if record.margin is None else float(record.margin),
        "error_of_margin": None if record.error is None else float(record.error),
        "tightness": payload.get("tightness"),
        "status": payload["status"],
        "steps": payload["steps"],
        "observed_rate": payload.get("observed_rate"),
        "predicted_rate": payload.get("predicted_rate"),
        "members": payload.get("members"),
        **{f"members_{verdict}": count for verdict, count in counts.items()},
        "worst_member": payload.get("worst_member"),
        **{name: payload.get(name) for name in ("allowed", "tightness_median", "steps_ratio", "seconds")},
        "why_blank": " ".join(payload["notes"]) if record.verdict == "blank" else None,
    }


# Of a training: the median over its members of the figures that most plots are of.
MEDIANS = (
    *("epochs", "loss", "accuracy", "test_loss", "test_accuracy", "branch_norm", "scale_norm", "effective_norm"),
    *("increment", "rescaled_increment", "increment_root_sum_of_squares", "effective_root_sum_of_squares"),
    "two_variation",
)


def _trained(record: Record) -> dict[str, Any]:
    """Return the figures of a training: medians over the members that have them."""
    payload, members = record.payload, record.payload["members"]
    known = {name: [m[name] for m in members if m.get(name) is not None] for name in MEDIANS}
    return {
        **{name: payload[name] for name in ("status", "steps", "seconds")},
        "theorem": None,
        "verdict": record.verdict,
        "grade": record.grade,
        "trained": len(members),
        **{name: median(values) if values else None for name, values in known.items()},
    }
