"""Fitted slopes and limits over the depth: tables and figures of measured documents and of families."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.errors import InputError
from workbench.report.prose import inline, literal, number, prose
from workbench.store import Record

# Okabe and Ito's colours, as in the other figures, and a mark for each line: told apart without colour too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#A1203A", "#6E6E6E", "#CC79A7")
_MARKS = ("o", "s", "^", "D", "v", "x")
_WIDTH = 5.6
_NAMES = {"alpha": r"$\alpha$", "start": "start"}


def words_table(table: Mapping[str, Any], words: Callable[[str], str]) -> str:
    """Return a table of words, in which numbers are looked up."""
    head = ", ".join(literal(str(title)) for title in table["head"])
    widths = ", ".join(str(width) for width in table.get("widths", ["1fr"] * len(table["head"])))
    rows = ",\n  ".join(f"({', '.join(f'[{words(str(cell))}]' for cell in row)})" for row in table["rows"])
    return f"#small[#ruled(columns: ({widths}), align: left, head: ({head}),\n  {rows})]"


def slopes_table(record: Record, asked: Mapping[str, Any]) -> str:
    """Return the fitted slopes of each series with their bands; `hoelder` is a statistic too.

    In brackets stands how far a slope is from the one that is read elsewhere, where the plan has one.
    """
    series = _series(record)
    head = ", ".join(f"[{prose(str(title))}]" for title in ("series", "depths", *asked["heads"]))
    rows = ",\n  ".join(_slopes_row(key, found, asked["statistics"]) for key, found in series.items())
    columns = ", ".join(["auto", "auto", *(["1fr"] * len(asked["heads"]))])
    aligned = ", ".join(["left", "right", *(["right"] * len(asked["heads"]))])
    return f"#small[#ruled(columns: ({columns}), align: ({aligned}), head: ({head}),\n  {rows})]"


def _slopes_row(key: str, found: Mapping[str, Any], statistics: Sequence[str]) -> str:
    cells = [_fitted(found["hoelder"] if name == "hoelder" else found["slopes"].get(name)) for name in statistics]
    depths = f"[{found['depths'][0]}–{found['depths'][-1]}]"
    return f"([{prose(_label(key))}], {depths}, {', '.join(cells)})"


def _fitted(fit: Mapping[str, Any] | None) -> str:
    if fit is None:
        return "[–]"
    # A band below a thousandth is of the rounding of the table, not of the fit.
    band = "" if fit["band"] is None else rf" \pm {max(fit['band'], 0.001):.3f}"
    cell = f"#box[{inline(format(fit['value'], '.3f') + band)}]"
    if "difference" in fit:
        cell += f" #linebreak() #box[({inline(format(fit['difference'], '+.3f'))})]"
    return f"[{cell}]"


def _label(key: str) -> str:
    """Return what tells a series from the others, in words."""
    parts = [part.partition("=") for part in key.split(",")]
    return ", ".join(f"{_NAMES.get(name.rpartition('.')[2], '')} {value}".strip() for name, _, value in parts)


def _series(record: Record) -> Mapping[str, Any]:
    if record.kind != "measured":
        raise InputError(f"slopes are those of a measured document, and {record.name} is of the kind {record.kind}")
    return {found["key"]: found for found in record.payload["series"]}


def _drawn(record: Record, figure: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the series that a figure shows: all, or those whose key holds one of the texts given."""
    wanted = figure.get("series")
    found = {k: v for k, v in _series(record).items() if wanted is None or any(text in k for text in wanted)}
    if not found:
        raise InputError(f"a figure over the depth asks for the series {wanted}, and {record.name} has none of them")
    return found


def draw(canvas: Any, record: Record, figure: Mapping[str, Any]) -> None:
    """Draw statistics over the depth, one panel each, one line a series; both axes logarithmic."""
    names, series = list(figure["of"]), _drawn(record, figure)
    columns = min(2, len(names))
    rows = math.ceil(len(names) / columns)
    canvas.set_size_inches(_WIDTH, 2.2 * rows + 0.3 * math.ceil(len(series) / 2))
    panels = canvas.subplots(rows, columns, squeeze=False)
    for place, name in enumerate(names):
        panel = panels[place // columns][place % columns]
        for line, (key, found) in enumerate(series.items()):
            points = _points(found, name)
            style = {"color": _COLOURS[line % 6], "marker": _MARKS[line % 6], "markersize": 3, "linewidth": 1.0}
            panel.plot([x for x, _ in points], [y for _, y in points], label=_label(key), **style)
        panel.set_xscale("log", base=2)
        # An accuracy does not span a decade; sizes and losses do.
        if "accuracy" not in name:
            panel.set_yscale("log")
        panel.set_ylabel(str(figure["labels"][place]))
        panel.set_xlabel("depth $L$")
    for spare in range(len(names), rows * columns):
        panels[spare // columns][spare % columns].set_visible(False)
    handles, labels = panels[0][0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=2)


def _points(found: Mapping[str, Any], name: str) -> list[tuple[float, float]]:
    if name == "between_depths":
        return [(entry["to"], entry["distance"]) for entry in found["between_depths"]]
    values = found["statistics"].get(name)
    if values is None:
        known = ", ".join(found["statistics"])
        raise InputError(f"a figure over the depth draws {name!r}, which was not measured; there are {known}")
    return [(x, y) for x, y in zip(found["depths"], values, strict=True) if y]


def describe(record: Record, figure: Mapping[str, Any]) -> str:
    """Return the alternative text of a figure over the depth."""
    told = []
    for name in figure["of"]:
        for key, found in _drawn(record, figure).items():
            points = _points(found, name)
            if points:
                (a, b), (c, d) = points[0], points[-1]
                told.append(f"{name} of {key} from {b:.3g} at depth {a} to {d:.3g} at depth {c}")
    return "Over the depth, on logarithmic axes: " + "; ".join(told) + "."


def draw_limits(canvas: Any, records: Sequence[Record]) -> None:
    """Draw the values of each family along it, and the limits that they are judged by."""
    statements = [statement["name"] for statement in _judged(records[0])]
    canvas.set_size_inches(_WIDTH, 2.4)
    panels = canvas.subplots(1, len(statements), squeeze=False)[0]
    for place, panel in enumerate(panels):
        for line, record in enumerate(records):
            statement = _judged(record)[place]
            depths = [int(member["depth"]) for member in record.payload["members"]]
            values = [float(value) for value in statement["values"]]
            colour = _COLOURS[line % 6]
            style = {"color": colour, "marker": _MARKS[line % 6], "markersize": 3, "label": _branch_scale(record)}
            panel.plot(depths[len(depths) - len(values) :], values, **style)
            panel.axhline(float(statement["limit"]), color=colour, linewidth=0.7, linestyle=":")
        panel.set_xscale("log", base=2)
        panel.set_xlabel("depth $L$")
        panel.set_title(statements[place], fontsize=9)
    panels[0].set_ylabel("slope")
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=3)


def _branch_scale(record: Record) -> str:
    """Return the branch scale of a family as a power of the depth, as its name has it."""
    name = str(record.specification["members"][0]["problem"]["network"].get("branch_scale", "1"))
    exponent = name.rpartition(",")[2].rstrip(")")
    return f"$\\delta = L^{{{exponent}}}$" if name.startswith("power(") else f"$\\delta = {name}$"


def _judged(record: Record) -> Sequence[Mapping[str, Any]]:
    if record.kind != "family" or not record.payload["statements"]:
        raise InputError(f"a figure of limits shows families that were judged; {record.name} is {record.verdict}")
    found: Sequence[Mapping[str, Any]] = record.payload["statements"]
    return found


def describe_limits(records: Sequence[Record]) -> str:
    """Return the alternative text of a figure of limits."""
    told = [
        f"{statement['label']} ends at {number(statement['values'][-1])} against {number(statement['limit'])}"
        for record in records
        for statement in _judged(record)
    ]
    return "Slopes between neighbouring depths of each family, with their limits dotted: " + "; ".join(told) + "."
