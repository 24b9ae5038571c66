"""Evidence as a record: what the store keeps and the report reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from workbench import content
from workbench.evidence import VACUOUS, Evidence, Judged
from workbench.exact import Measured, decimal_text, to_float
from workbench.store import Record, fingerprint
from workbench.theorems import Bound, Count, Hypothesis, Identity
from workbench.trajectory import Event, Trajectory

# Points of a series that a record keeps: enough for a figure, few enough for a store of thousands.
_MOST_POINTS = 400

_GRADES = {
    "enclosure": "every number lies within its stated error, proved in ball or rational arithmetic",
    "estimate": "errors are propagated estimates, not proofs",
}


def evidence_record(evidence: Evidence, specification: dict[str, Any], files: list[str], method_label: str) -> Record:
    """Return the record of evidence.

    Parameters
    ----------
    evidence : Evidence
    specification : dict
        Canonical JSON of the experiment.
    files : list of str
        References of the theorem's file.
    method_label : str
        The dynamics in words.
    """
    theorem, margin = evidence.theorem, evidence.margin
    return Record(
        kind="evidence",
        name=theorem.name,
        specification=specification,
        fingerprint=fingerprint([content.resolve(name) for name in files]),
        title=theorem.title,
        statement=theorem.statement,
        standing=theorem.standing,
        hypotheses=[_hypothesis(h, evidence) for h in evidence.hypotheses],
        source=asdict(theorem.source),
        files=files,
        verdict=evidence.verdict,
        grade=evidence.grade,
        margin=decimal_text(margin.value),
        error=decimal_text(margin.error, 3),
        payload=_payload(evidence, method_label),
    )


def _hypothesis(hypothesis: Hypothesis, evidence: Evidence) -> dict[str, Any]:
    margin = hypothesis.margin.value if hypothesis.margin is not None and hypothesis.margin.finite else None
    return {
        "name": hypothesis.name,
        "text": evidence.theorem.hypothesis_texts.get(hypothesis.name, ""),
        "margin": to_float(margin),
        "margin_decimal": decimal_text(margin),
        "holds": hypothesis.holds,
        "dropped": hypothesis.name in evidence.dropped,
    }


def _payload(evidence: Evidence, method_label: str) -> dict[str, Any]:
    trajectory = evidence.trajectory
    observed, predicted = evidence.observed, evidence.predicted_rate
    return {
        "depth": trajectory.depth,
        "widths": list(trajectory.problem.network.widths),
        "network": trajectory.problem.network.specification()["kind"],
        "target": _target(trajectory),
        "method": _method(trajectory, method_label),
        "backend": asdict(trajectory.arithmetic),
        "status": trajectory.status.name.lower(),
        "status_text": trajectory.status.value,
        "steps": trajectory.steps[-1],
        "margin_decimal": evidence.margin_decimal,
        "tightness": evidence.tightness,
        "observed_rate": None if observed is None else observed.rate,
        "rate_band": None if observed is None else observed.band,
        "rate_window": None if observed is None else [trajectory.steps[k] for k in observed.window],
        "predicted_rate": None if predicted is None else to_float(predicted.value),
        "grade_text": _GRADES[evidence.grade],
        "notes": list(evidence.notes),
        "perhaps_unnecessary": dict(evidence.theorem.perhaps_unnecessary),
        "events": [_event(event) for event in trajectory.events],
        "loss": _series(trajectory, {"values": trajectory.observables.get("loss", ())}),
        "statements": [] if evidence.verdict == VACUOUS else [_judged(j, trajectory) for j in evidence.judged],
    }


def _event(event: Event) -> dict[str, Any]:
    """Return what was proved of a level; times as exact texts."""
    times = {"clear": event.clear, "low": event.low, "high": event.high}
    exact = {name: None if time is None else str(time) for name, time in times.items()}
    return {"event": str(event.watch), "outcome": event.outcome, **exact}


def _target(trajectory: Trajectory) -> dict[str, Any]:
    target = trajectory.target
    rows = "; ".join(", ".join(str(x) for x in row) for row in target.rows)
    values = target.eigenvalues
    label = target.label or (f"[{rows}]" if len(rows) < 60 else f"{target.shape[0]} x {target.shape[1]} matrix")
    return {"label": label, "eigenvalues": None if values is None else [str(x) for x in values]}


def _method(trajectory: Trajectory, label: str) -> dict[str, Any]:
    method = trajectory.method
    return {
        "name": method.name,
        "label": label,
        "step_size": None if method.step_size is None else str(method.step_size),
        "step_size_decimal": decimal_text(method.step_size, 12),
        "stop": method.stop.specification(),
        "parameters": {k: str(v) for k, v in sorted(method.parameters.items())},
    }


def _judged(judged: Judged, trajectory: Trajectory) -> dict[str, Any]:
    prediction = judged.prediction
    common = {
        "name": prediction.name,
        "label": prediction.label,
        "latex": prediction.latex,
        "verdict": judged.verdict,
        "margin": decimal_text(judged.margin.value),
        "error": decimal_text(judged.margin.error, 3),
        "tightness": to_float(judged.tightness),
    }
    if isinstance(prediction, Count):
        allowed = judged.rhs[0].value if judged.rhs else None
        return common | {
            "kind": "count",
            "measured": judged.measured,
            "allowed": None if allowed is None else int(allowed),
            "level": decimal_text(prediction.level, 6),
        }
    series = _series(trajectory, {"lhs": judged.lhs, "rhs": judged.rhs})
    if isinstance(prediction, Identity):
        resolution = decimal_text(prediction.resolution, 3)
        return common | series | {"kind": "identity", "quantity": prediction.quantity, "resolution": resolution}
    kind: Bound = prediction
    return common | series | {"kind": "bound", "quantity": kind.quantity, "relation": kind.relation}


def _series(trajectory: Trajectory, columns: dict[str, Sequence[Measured]]) -> dict[str, Any]:
    """Return a few hundred records of some series, as decimals, with the error of the first."""
    kept = thinned(len(trajectory.steps))
    first = next(iter(columns.values()))
    found: dict[str, Any] = {
        "steps": [trajectory.steps[k] for k in kept],
        "times": [float(trajectory.times[k]) for k in kept],
    }
    for name, values in columns.items():
        found[name] = [decimal_text(values[k].value) for k in kept] if values else []
    found["errors"] = [decimal_text(first[k].error, 3) for k in kept] if first else []
    return found


def thinned(count: int, most: int = _MOST_POINTS) -> list[int]:
    """Return at most `most` of `count` indices, the first and last among them, half spaced evenly and half in ratio."""
    if count <= most:
        return list(range(count))
    half = most // 2
    even = {i * (count - 1) // (half - 1) for i in range(half)}
    ratio = {round((count - 1) ** Fraction(i, half - 1)) for i in range(half)}
    return [*sorted({0, count - 1} | even | ratio)[: most - 1], count - 1]
