"""Figures in words, for readers who do not see them: what is drawn, and the numbers that a look would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.report import charts, exponents, maps
from workbench.report.figures import count_of, statement_of
from workbench.store import Record


def describe(figure: Mapping[str, Any], records: Mapping[str, Record], groups: Mapping[str, Sequence[str]]) -> str:
    """Return the alternative text of a figure.

    Parameters
    ----------
    figure : mapping
        Its entry in the report's plan.
    records : mapping of str to Record
    groups : mapping of str to list of str
        Keys of the runs in each group that the figure names.
    """
    if figure["kind"] == "envelope":
        return _envelope(records[figure["run"]], str(figure.get("of", "")))
    if figure["kind"] == "steps":
        panels = zip(groups.values(), figure["over"], strict=True)
        return " ".join(_steps([records[key] for key in keys], over) for keys, over in panels)
    if figure["kind"] == "probe":
        return charts.describe(records[figure["run"]])
    if figure["kind"] == "map":
        return maps.describe([records[key] for keys in groups.values() for key in keys], figure)
    if figure["kind"] == "depth":
        return exponents.describe(records[figure["run"]], figure)
    if figure["kind"] == "limit":
        return exponents.describe_limits([records[key] for keys in groups.values() for key in keys])
    return _saddle([records[key] for key in figure["runs"]])


def _envelope(record: Record, name: str) -> str:
    statement = statement_of(record, name)
    bound = "upper bound" if statement["relation"] == "<=" else "floor"
    first, last = statement["steps"][0], statement["steps"][-1]
    return (
        f"Two panels over steps {first} to {last}. Above, on a logarithmic axis, the {statement['quantity']} falls "
        f"from {_short(statement['lhs'][0])} to {_short(statement['lhs'][-1])}; its {bound} goes from "
        f"{_short(statement['rhs'][0])} to {_short(statement['rhs'][-1])}. Below, the ratio of the smaller side to the "
        f"larger, at most {_short(statement['tightness'])} after the start. Verdict: {statement['verdict']}."
    )


def _steps(records: Sequence[Record], over: str) -> str:
    counts = [count_of(record) for record in records]
    measured = ", ".join(str(count["measured"]) for count in counts)
    allowed = ", ".join(str(count["allowed"]) for count in counts)
    return f"Over the {over}, {len(records)} runs: steps measured {measured}; steps allowed {allowed}."


def _saddle(records: Sequence[Record]) -> str:
    told = [
        f"{record.payload['backend']['name']} ends at {_short(record.payload['loss']['values'][-1])} ({record.verdict})"
        for record in records
    ]
    floor = _short(statement_of(records[0], "")["rhs"][0])
    return f"Loss over steps 1 to {records[0].payload['steps']} with the floor {floor}: {'; '.join(told)}."


def _short(value: Any) -> str:
    return f"{float(value):.3g}" if value is not None and abs(float(value)) > 0 else str(value)
