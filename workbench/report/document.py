"""A report as a Typst document, and its PDF."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.errors import MissingPackageError, WorkbenchError
from workbench.report import figures
from workbench.report.claims import claims_json
from workbench.report.descriptions import describe
from workbench.report.lookup import lookup
from workbench.report.plan import Plan, Section
from workbench.report.proof import derivation
from workbench.report.prose import filled, inline, literal, number, prose
from workbench.report.tally import tally_words
from workbench.store import Record

Records = Mapping[str, Record]

_WORST = ("violated", "refuted", "blind", "undecided", "vacuous", "consistent", "proved")

# PDF/UA-1 refuses a formula or a figure without alternative text.
_STANDARDS: list[Any] = ["a-3b", "ua-1"]


class TypesettingError(WorkbenchError, RuntimeError):
    """The document does not compile."""


def typeset(plan: Plan, records: Records) -> bytes:
    """Return the PDF of a report: PDF/A-3b, tagged, its claims attached."""
    try:
        import typst
    except ImportError as error:
        raise MissingPackageError("typst", "typesetting a report") from error
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, data in _drawings(plan, records).items():
            (root / name).write_bytes(data)
        (root / "claims.json").write_text(claims_json(plan, records), encoding="utf-8")
        template = files("workbench.report").joinpath("template.typ").read_text("utf-8")
        (root / "template.typ").write_text(template, encoding="utf-8")
        (root / "main.typ").write_text(source(plan, records), encoding="utf-8")
        try:
            pdf = typst.compile(
                str(root / "main.typ"),
                root=str(root),
                format="pdf",
                ignore_system_fonts=True,
                pdf_standards=_STANDARDS,
                timestamp=_date(records),
            )
        except typst.TypstError as error:
            raise TypesettingError(f"the report {plan.name} does not compile: {error}") from error
    return bytes(pdf)


def _date(records: Records) -> datetime.datetime:
    """Return the day on which the latest record was computed: the document's date, never the clock's."""
    days = [str(record.provenance.get("date", "")) for record in records.values()]
    latest = max((day for day in days if day), default="2018-01-01")
    return datetime.datetime.fromisoformat(latest).replace(tzinfo=datetime.UTC)


def _drawings(plan: Plan, records: Records) -> dict[str, bytes]:
    drawn = {}
    for s, section in enumerate(plan.sections):
        for f, figure in enumerate(section.figures):
            groups = {key: plan.group(key) for key in figure.get("runs", [])}
            drawn[f"figure-{s}-{f}.svg"] = figures.draw(figure, records, groups)
    return drawn


def source(plan: Plan, records: Records) -> str:
    """Return the Typst source of a report."""
    date = _date(records)
    head = [
        '#import "template.typ": *',
        f"#show: article.with(title: {literal(plan.title)}, subtitle: {literal(plan.subtitle)}, "
        f"running: {literal(plan.title)}, date: datetime(year: {date.year}, month: {date.month}, day: {date.day}))",
        '#pdf.attach("claims.json", relationship: "data", mime-type: "application/json", '
        'description: "Every claim of this report with its verdict, margin, grade and run id")',
        f"#abstract[{_words(plan.abstract, records)}]",
        _claims_table(plan, records),
        prose(tally_words(records.values())),
    ]
    body = [part for s, section in enumerate(plan.sections) for part in _section(plan, section, s, records)]
    return "\n\n".join(part for part in [*head, *body, *_provenance(plan, records)] if part) + "\n"


def _words(text: str, records: Records) -> str:
    return prose(filled(text.strip(), lambda place: lookup(records, place)))


def _maths(value: object, digits: int = 3) -> str:
    return "[–]" if value is None else f"[{inline(number(value, digits))}]"


def _cell(text: str) -> str:
    return f"[{prose(text)}]"


def _claims_table(plan: Plan, records: Records) -> str:
    """Return the table of claims: a line for each run that has words, and one for each group of runs."""
    groups: dict[str, list[Record]] = {}
    words: dict[str, str] = {}
    for run in plan.runs:
        if run.claim:
            groups.setdefault(run.group, []).append(records[run.key])
            words[run.group] = run.claim
    body = ",\n  ".join(_claim_row(words[key], members) for key, members in groups.items())
    return (
        "#ruled(columns: (1fr, auto, auto, auto, auto, auto), align: (left, left, right, right, left, left),\n"
        '  head: ("claim", "verdict", "margin", "tightness", "precision", "grade"),\n  ' + body + ")"
    )


def _claim_row(words: str, records: Sequence[Record]) -> str:
    """Return a line of the table of claims: of a group the worst verdict, the smallest margin, the largest tightness."""
    worst = min(records, key=lambda record: _WORST.index(record.verdict) if record.verdict in _WORST else len(_WORST))
    agreeing = sum(record.verdict == worst.verdict for record in records)
    margins = [record.margin for record in records if record.margin is not None]
    tightness = [t for record in records if (t := record.payload.get("tightness")) is not None]
    count = f" ({len(records)} runs)" if len(records) > 1 else ""
    some = f" + [ ({agreeing} of {len(records)})]" if agreeing < len(records) else ""
    return (
        f"({_cell(words + count)}, verdict({literal(worst.verdict)}){some}, "
        f"{_maths(min(margins, key=Decimal, default=None))}, {_maths(max(tightness, default=None))}, "
        f"[{_precision(worst)}], [{worst.grade or 'proof'}])"
    )


def _precision(record: Record) -> str:
    backend = record.payload.get("backend")
    if backend is None:
        return "symbolic"
    if backend["digits"]:
        return f"{backend['digits']} digits"
    return "rational" if backend["precision_bits"] is None else f"{backend['precision_bits']} bits"


def _section(plan: Plan, section: Section, index: int, records: Records) -> list[str]:
    parts = [f"= #{literal(section.heading)}"]
    if section.words:
        parts.append(_words(section.words, records))
    if section.statement:
        parts += _statement(records[section.statement])
    for f, figure in enumerate(section.figures):
        caption = _words(str(figure.get("caption", "")), records)
        alt = literal(describe(figure, records, {key: plan.group(key) for key in figure.get("runs", [])}))
        drawing = f'image("figure-{index}-{f}.svg", width: 100%, alt: {alt})'
        parts.append(f"#figure({drawing}, alt: {alt}, caption: [{caption}])")
    if section.compare:
        parts.append(_comparison([records[key] for key in section.compare]))
    if section.derivation:
        parts += derivation(records[section.derivation])
    return parts


def _statement(record: Record) -> list[str]:
    origin = record.source
    cited = f"{origin['authors']} ({origin['year']}). {origin['title']}. {origin['where']}."
    locator = str(origin.get("locator") or record.name)
    parts = [
        f"#statement({literal(locator)}, [{prose(record.statement)}])",
        f"#aside[#emph[Standing.] {prose(_sentence(record.standing))} #emph[Source.] #{literal(cited)};]",
    ]
    if record.hypotheses:
        rows = ", ".join(
            f"(raw({literal(h['name'])}), {_cell(h['text'])}, {_maths(h['margin'])}, verdict({literal(_holds(h))}))"
            for h in record.hypotheses
        )
        parts.append(
            "#ruled(columns: (auto, 1fr, auto, auto), align: (left, left, right, left), "
            f'head: ("hypothesis", "wording", "margin", "here"), {rows})'
        )
    return parts


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith(".") else text.rstrip() + "."


def _holds(hypothesis: Mapping[str, Any]) -> str:
    return {True: "holds", False: "fails", None: "unknown"}[hypothesis["holds"]]


def _comparison(records: Sequence[Record]) -> str:
    """Return runs side by side: the setting once where all share it, arithmetic, steps, last loss, error, verdict."""
    settings = [_setting(record) for record in records]
    shared = len(set(settings)) == 1
    rows = [_compared(record, None if shared else words) for record, words in zip(records, settings, strict=True)]
    head = ["arithmetic", "run", "steps", "allowed", "last loss", "error", "verdict"]
    columns = ["auto", "1fr", "auto", "auto", "auto", "auto", "auto"]
    align = ["left", "left", "right", "right", "right", "right", "left"]
    if shared:
        columns[0] = "1fr"
        for column in (head, columns, align):
            del column[1]
    names = ", ".join(literal(name) for name in head)
    table = f"#ruled(columns: ({', '.join(columns)}), align: ({', '.join(align)}), head: ({names}),\n  "
    said = f"{prose(f'The same run, {settings[0]}, in each arithmetic:')}\n\n" if shared and len(records) > 1 else ""
    return said + table + ",\n  ".join(rows) + ")"


def _compared(record: Record, setting: str | None) -> str:
    payload = record.payload
    counts = [s for s in payload["statements"] if s["kind"] == "count"]
    allowed = counts[0]["allowed"] if counts else None
    steps = counts[0]["measured"] if counts else payload["steps"]
    loss = payload["loss"]
    last = loss["values"][-1] if loss["values"] else None
    error = loss["errors"][-1] if loss["errors"] else None
    middle = "" if setting is None else f"{_cell(setting)}, "
    return (
        f"([{payload['backend']['name']}, {_precision(record)}], {middle}{_maths(steps)}, "
        f"{_maths(allowed)}, {_maths(last, 5)}, {_maths(error, 1)}, verdict({literal(record.verdict)}))"
    )


def _setting(record: Record) -> str:
    payload = record.payload
    step = payload["method"]["step_size_decimal"]
    words = f"$L = {payload['depth']}$, $d = {payload['widths'][0]}$"
    if step is not None:
        words += f", $\\eta = {number(step)}$"
    extra = "".join(f", {name} ${value}$" for name, value in payload["method"]["parameters"].items())
    dropped = [h["name"] for h in record.hypotheses if h["dropped"]]
    return words + extra + (f"; without `{dropped[0]}`" if dropped else "")


def _provenance(plan: Plan, records: Records) -> list[str]:
    latest = max(records.values(), key=lambda r: str(r.provenance.get("date", "")))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(latest.provenance["versions"].items()))
    platform = f"Python {latest.provenance['python']} on {latest.provenance['platform']}"
    rows = ", ".join(
        f"(raw({literal(run.key)}), {_cell(_seed(records[run.key]))}, "
        f"raw({literal(records[run.key].id[:16])}), verdict({literal(records[run.key].verdict)}))"
        for run in plan.runs
    )
    return [
        "= Provenance",
        prose(
            f"Computed with {versions}; {platform}. Every number above is read from the records below, found under "
            "the SHA-256 of their specifications, of which the first sixteen digits are given. The claims, their "
            "margins in full and the whole ids are attached to this file as `claims.json`."
        ),
        f'#small[#ruled(columns: (auto, 1fr, auto, auto), head: ("run", "target", "id", "verdict"), {rows})]',
    ]


def _seed(record: Record) -> str:
    if "target" in record.payload:
        return str(record.payload["target"]["label"])
    return f"symbolic, `{record.name}`"
