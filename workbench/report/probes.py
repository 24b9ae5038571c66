"""What a probe found, as a part of a report, as a page of its own, and as a figure in a file."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from workbench.errors import StoreError
from workbench.report.prose import inline, literal, number, prose
from workbench.store import Record

FORMATS = (".svg", ".png", ".pdf")

# An integer below this is shown whole.
_WHOLE = 10**12

# Dots an inch of a figure that is a picture.
_DOTS = 200


def asked(record: Record) -> list[str]:
    """Return the question and the answer as Typst."""
    payload = record.payload
    return [
        f"#statement({literal('Question')}, [{_words(payload['asked'])}])",
        f"#verdict({literal(record.verdict)}): {_words(payload['answer'])}",
    ]


def details(record: Record) -> list[str]:
    """Return the numbers of a probe, what was searched, and the witness, as Typst."""
    payload = record.payload
    parts = [
        _numbers({name: payload["numbers"][name] for name in payload["order"]}),
        *(_table(table) for table in payload["tables"]),
        _listed("Searched", payload["searched"]),
        _listed("Not found", payload["not_found"]),
        _witness(payload["witness"]),
        _cut(payload["cut_short"]),
        *(f"#aside[{_words(note)}]" for note in payload["notes"]),
    ]
    return [part for part in parts if part]


# A probe speaks in plain words, so that a terminal can show them; in print its powers and Greek letters are formulas.
_POWERS = re.compile(r"(?<![\w$])(\w+)\^(?:\(([^()]+)\)|(-?[\w.]+))(?![\w$])")
_GREEK = re.compile(r"(?<![\w`$\\])(eta|lambda|xi|kappa|delta)(_\w+)?(?![\w`$])")


def _words(text: str) -> str:
    # Whatever is a formula or a name already is left alone.
    pieces = re.split(r"(\$[^$]*\$|`[^`]*`)", text)
    return prose("".join(piece if place % 2 else _formulas(piece) for place, piece in enumerate(pieces)))


def _formulas(text: str) -> str:
    told = _POWERS.sub(lambda m: f"${_letter(m.group(1))}^{{{m.group(2) or m.group(3)}}}$", text)
    pieces = re.split(r"(\$[^$]*\$)", told)
    greek = [p if k % 2 else _GREEK.sub(lambda m: f"$\\{m.group(0)}$", p) for k, p in enumerate(pieces)]
    return "".join(greek)


def _letter(name: str) -> str:
    return f"\\{name}" if _GREEK.fullmatch(name) else name


def _numbers(numbers: Mapping[str, Mapping[str, Any]]) -> str:
    if not numbers:
        return ""
    compared = any(item["predicted"] is not None for item in numbers.values())
    rows = ", ".join(_number(item, compared=compared) for item in numbers.values())
    more = ', "closed form"' if compared else ""
    columns = "(1fr, auto, auto, auto, auto)" if compared else "(1fr, auto, auto, auto)"
    aligned = "(left, right, right, left, right)" if compared else "(left, right, right, left)"
    head = f'("quantity", "found", "error", "grade"{more})'
    return f"#small[#ruled(columns: {columns}, align: {aligned}, head: {head}, {rows})]"


def _number(item: Mapping[str, Any], *, compared: bool) -> str:
    label = item["label"] + (f", {item['closed_form']}" if item["closed_form"] else "")
    cells = [f"[{_words(label)}]", _value(item, ""), _error(item["error"]), f"[{item['grade']}]"]
    if compared:
        cells.append(_value(item, "predicted_"))
    return f"({', '.join(cells)})"


def _value(item: Mapping[str, Any], prefix: str) -> str:
    value = item[prefix.rstrip("_") or "value"]
    if value is None:
        return "[–]"
    whole = Decimal(value) == Decimal(value).to_integral_value() and abs(Decimal(value)) < _WHOLE
    shown = f"{Decimal(value):.0f}" if whole else number(value, max(item[f"{prefix}digits"], 2))
    return f"[{inline(shown)}]"


def _error(error: str | None) -> str:
    return "[–]" if error in (None, "0") else f"[{inline(number(error, 1))}]"


def _table(table: Mapping[str, Any]) -> str:
    columns = ", ".join(["auto"] * len(table["head"]))
    head = ", ".join(literal(name) for name in table["head"])
    rows = ", ".join(f"({', '.join(f'[{_words(cell)}]' for cell in row)},)" for row in table["rows"])
    return f"#setting[{_words(table['title'])}]\n\n#small[#ruled(columns: ({columns},), head: ({head},), {rows})]"


def _listed(name: str, items: list[str]) -> str:
    if not items:
        return ""
    return f"#aside[#emph[{name}.] {_words('; '.join(items))}]"


def _witness(witness: Mapping[str, Any] | None) -> str:
    if witness is None:
        return ""
    words = f"#aside[#emph[Witness.] {_words(witness['says'])}]"
    return f"{words}\n\n#command({literal(witness['command'])})" if witness["command"] else words


def _cut(seconds: float | None) -> str:
    return "" if seconds is None else f"#aside[Cut short after {seconds:g} seconds.]"


def write_figure(record: Record, path: Path) -> Path:
    """Draw the figure of a probe into a file, by its suffix, and return the path."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from workbench.report.charts import draw
    from workbench.report.figures import STYLE

    suffix = path.suffix.lower()
    # A PDF names its producer and its day unless it is told not to.
    metadata = {".svg": {"Date": None, "Creator": None}, ".pdf": {"CreationDate": None}}.get(suffix, {})
    with mpl.rc_context(STYLE):
        canvas, stream = Figure(), io.BytesIO()
        draw(canvas, record)
        canvas.savefig(stream, format=suffix[1:], dpi=_DOTS, metadata=metadata)
    return _written(path, stream.getvalue())


def write_page(record: Record, path: Path) -> Path:
    """Typeset a report of one probe into a file, and return the path."""
    from workbench.report.document import typeset
    from workbench.report.plan import Plan, PlannedRun, Section

    figure = record.payload["figure"]
    drawings = () if figure is None else ({"kind": "probe", "run": "probe", "caption": figure["caption"]},)
    run = PlannedRun("probe", probe=record.name)
    heading = f"Probe: {record.name.replace('_', ' ')}"
    section = Section("Finding", figures=drawings, probe="probe")
    return _written(path, typeset(Plan("probe", heading, record.title, "", [run], [section]), {"probe": record}))


def _written(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    return path
