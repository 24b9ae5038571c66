"""Tables of a report: its claims on the first page, runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from workbench.report.plan import Plan
from workbench.report.prose import inline, literal, number, prose
from workbench.store import Record

Records = Mapping[str, Record]

_WORST = ("violated", "refuted", "blind", "undecided", "vacuous", "consistent", "proved", "found")

# Columns of a comparison: name, width, alignment.
_COLUMNS = (
    ("arithmetic", "auto", "left"),
    ("run", "1fr", "left"),
    ("steps", "auto", "right"),
    ("allowed", "auto", "right"),
    ("last loss", "auto", "right"),
    ("error", "auto", "right"),
    ("verdict", "auto", "left"),
)


def maths(value: object, digits: int = 3) -> str:
    """Return a number as a cell, a dash where there is none."""
    return "[–]" if value is None else f"[{inline(number(value, digits))}]"


def cell(text: str) -> str:
    """Return words as a cell."""
    return f"[{prose(text)}]"


def claims_table(plan: Plan, records: Records) -> str:
    """Return the table of claims: a line for each run that has words, and one for each group of runs."""
    groups: dict[str, list[Record]] = {}
    words: dict[str, str] = {}
    for run in plan.runs:
        if run.claim:
            groups.setdefault(run.group, []).append(records[run.key])
            words[run.group] = run.claim
    body = ",\n  ".join(_claim_row(words[key], members) for key, members in groups.items())
    return (
        "#small[#ruled(columns: (1fr, auto, auto, auto, auto, auto), align: (left, left, right, right, left, left),\n"
        '  head: ("claim", "verdict", "margin", "tightness", "precision", "grade"),\n  ' + body + ")]"
    )


def _claim_row(words: str, records: Sequence[Record]) -> str:
    """Return a line of the table of claims: the worst verdict, smallest margin and largest tightness of its runs."""
    worst = min(records, key=lambda record: _WORST.index(record.verdict) if record.verdict in _WORST else len(_WORST))
    agreeing = sum(record.verdict == worst.verdict for record in records)
    margins = [record.margin for record in records if record.margin is not None]
    tightness = [t for record in records if (t := record.payload.get("tightness")) is not None]
    count = f" ({len(records)} runs)" if len(records) > 1 else ""
    some = f" + [ ({agreeing} of {len(records)})]" if agreeing < len(records) else ""
    return (
        f"({cell(words + count)}, verdict({literal(worst.verdict)}){some}, "
        f"{maths(min(margins, key=Decimal, default=None))}, {maths(max(tightness, default=None))}, "
        f"[{_precision(worst)}], [{_grade(worst)}])"
    )


def _grade(record: Record) -> str:
    return record.grade or ("–" if record.kind == "probe" else "proof")


def _precision(record: Record) -> str:
    if record.kind == "measured":
        return "53 bits"
    backend = record.payload.get("backend")
    if record.kind == "family":
        backend = {"precision_bits": 53, "digits": None, **record.specification["members"][0]["backend"]}
    if record.kind == "probe":
        return "–"
    if backend is None:
        return "symbolic"
    if backend["digits"]:
        return f"{backend['digits']} digits"
    return "rational" if backend["precision_bits"] is None else f"{backend['precision_bits']} bits"


def comparison(records: Sequence[Record]) -> str:
    """Return runs side by side; what all share is said once, and a column that would be empty is left out."""
    settings = [_setting(record) for record in records]
    shared = len(set(settings)) == 1 and len(records) > 1
    columns = [column for column in _COLUMNS if not (shared and column[0] == "run")]
    if shared:
        columns[0] = ("arithmetic", "1fr", "left")
    cells = [_compared(record, setting) for record, setting in zip(records, settings, strict=True)]
    columns = [column for column in columns if any(row[column[0]] != "[–]" for row in cells)]
    rows = ",\n  ".join(f"({', '.join(row[name] for name, _, _ in columns)})" for row in cells)
    widths, aligned = (", ".join(column[place] for column in columns) for place in (1, 2))
    head = ", ".join(literal(name) for name, _, _ in columns)
    said = f"{prose(f'The same run, {settings[0]}, in each arithmetic:')}\n\n" if shared else ""
    return f"{said}#ruled(columns: ({widths}), align: ({aligned}), head: ({head}),\n  {rows})"


def _compared(record: Record, setting: str) -> dict[str, str]:
    """Return the cells of a run by the names of their columns."""
    payload = record.payload
    count: Mapping[str, Any] = next((s for s in payload["statements"] if s["kind"] == "count"), {})
    loss = payload["loss"]
    return {
        "arithmetic": f"[{payload['backend']['name']}, {_precision(record)}]",
        "run": cell(setting),
        "steps": maths(count.get("measured") or payload["steps"]),
        "allowed": maths(count.get("allowed")),
        "last loss": maths(loss["values"][-1] if loss["values"] else None, 5),
        "error": maths(loss["errors"][-1] if loss["errors"] else None, 1),
        "verdict": f"verdict({literal(record.verdict)})",
    }


def _setting(record: Record) -> str:
    payload = record.payload
    step = payload["method"]["step_size_decimal"]
    words = f"$L = {payload['depth']}$, $d = {payload['widths'][0]}$"
    if step is not None:
        words += f", $\\eta = {number(step)}$"
    extra = "".join(f", {name} ${value}$" for name, value in payload["method"]["parameters"].items())
    dropped = [h["name"] for h in record.hypotheses if h["dropped"]]
    return words + extra + (f"; without `{dropped[0]}`" if dropped else "")
