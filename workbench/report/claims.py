"""The machine-readable list of a report's claims, attached to its PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.report.plan import Plan
from workbench.store import Record, canonical_json

FORMAT = 1


def claims_json(plan: Plan, records: Mapping[str, Record]) -> str:
    """Return every result of a report as one versioned JSON document."""
    claims = [_claim(run.key, run.claim, records[run.key]) for run in plan.runs]
    return canonical_json({"format": FORMAT, "report": plan.name, "claims": claims})


def _claim(key: str, words: str, record: Record) -> dict[str, Any]:
    payload = record.payload
    backend = payload.get("backend", {})
    return {
        "key": key,
        "claim": words,
        "kind": record.kind,
        "name": record.name,
        "verdict": record.verdict,
        "grade": record.grade,
        "margin": None if record.margin is None else float(record.margin),
        "margin_decimal": record.margin,
        "error_decimal": record.error,
        "tightness": payload.get("tightness"),
        "backend": backend.get("name"),
        "digits": backend.get("digits"),
        "precision_bits": backend.get("precision_bits"),
        "hypotheses": record.hypotheses,
        "standing": record.standing,
        "source": dict(record.source),
        "run_id": record.id,
        "fingerprint": record.fingerprint,
    }
