"""A report as a Typst document, and its PDF."""

from __future__ import annotations

import datetime
import tempfile
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.errors import MissingPackageError, WorkbenchError
from workbench.report import figures, probes
from workbench.report.claims import claims_json
from workbench.report.descriptions import describe
from workbench.report.exponents import slopes_table, words_table
from workbench.report.lookup import lookup
from workbench.report.plan import Plan, Section
from workbench.report.proof import derivation
from workbench.report.prose import filled, literal, prose
from workbench.report.tables import cell, claims_table, comparison, maths
from workbench.report.tally import tally_words
from workbench.store import Record

Records = Mapping[str, Record]

# PDF/UA-1 refuses a formula or a figure without alternative text.
_STANDARDS: list[Any] = ["a-3b", "ua-1"]


# A group of runs that is longer than this has one line of the provenance.
_MOST_ROWS = 12


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
        f"#abstract[{_words(plan.abstract, records)}]" if plan.abstract else "",
        claims_table(plan, records) if any(run.claim for run in plan.runs) else "",
        prose(tally_words(records.values())) if len(records) > 1 else "",
    ]
    body = [part for s, section in enumerate(plan.sections) for part in _section(plan, section, s, records)]
    return "\n\n".join(part for part in [*head, *body, *_provenance(plan, records)] if part) + "\n"


def _words(text: str, records: Records) -> str:
    return prose(filled(text.strip(), lambda place: lookup(records, place)))


def _section(plan: Plan, section: Section, index: int, records: Records) -> list[str]:
    parts = [f"= #{literal(section.heading)}"]
    if section.words:
        parts.append(_words(section.words, records))
    if section.statement:
        parts += _statement(records[section.statement])
    if section.probe:
        parts += probes.asked(records[section.probe])
    for f, figure in enumerate(section.figures):
        caption = _words(str(figure.get("caption", "")), records)
        alt = literal(describe(figure, records, {key: plan.group(key) for key in figure.get("runs", [])}))
        drawing = f'image("figure-{index}-{f}.svg", width: 100%, alt: {alt})'
        parts.append(f"#figure({drawing}, alt: {alt}, caption: [{caption}])")
    if section.table:
        parts.append(words_table(section.table, lambda text: _words(text, records)))
    if section.exponents:
        parts.append(slopes_table(records[section.exponents["run"]], section.exponents))
    if section.compare:
        parts.append(comparison([records[key] for key in section.compare]))
    if section.derivation:
        parts += derivation(records[section.derivation])
    if section.probe:
        parts += probes.details(records[section.probe])
    return parts


def _statement(record: Record) -> list[str]:
    origin = record.source
    cited = f"{origin['authors']} ({origin['year']}). {origin['title']}. {origin['where']}."
    locator = f"Statement ({origin['locator']})" if origin.get("locator") else "Statement"
    parts = [
        f"#statement({literal(locator)}, [{prose(record.statement)}])",
        f"#aside[#emph[Standing.] {prose(_sentence(_standing(record)))} #emph[Source.] #{literal(cited)};]",
    ]
    if record.hypotheses:
        rows = ", ".join(
            f"(raw({literal(h['name'])}), {cell(h['text'])}, {maths(h['margin'])}, verdict({literal(_holds(h))}))"
            for h in record.hypotheses
        )
        parts.append(
            "#ruled(columns: (auto, 1fr, auto, auto), align: (left, left, right, left), "
            f'head: ("hypothesis", "wording", "margin", "here"), {rows})'
        )
    for name, why in record.payload.get("perhaps_unnecessary", {}).items():
        parts.append(f"#aside[{prose(f'No violation is known without `{name}`, which may be unnecessary: {why}.')}]")
    return parts


def _standing(record: Record) -> str:
    """Return the standing with the file that holds the proof, which the docstring calls below."""
    if not record.files:
        return record.standing
    return record.standing.replace("proof below", f"proof in `{record.files[0].removeprefix('package:')}`")


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith(".") else text.rstrip() + "."


def _holds(hypothesis: Mapping[str, Any]) -> str:
    return {True: "holds", False: "fails", None: "unknown"}[hypothesis["holds"]]


def _provenance(plan: Plan, records: Records) -> list[str]:
    latest = max(records.values(), key=lambda r: str(r.provenance.get("date", "")))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(latest.provenance["versions"].items()))
    platform = f"Python {latest.provenance['python']} on {latest.provenance['platform']}"
    rows = ", ".join(_provenance_rows(plan, records))
    return [
        "= Provenance",
        prose(
            f"Computed with {versions}; {platform}. Every number above is read from the records below, found under "
            "the SHA-256 of their specifications, of which the first sixteen digits are given. The claims, their "
            "margins in full and the whole ids are attached to this file as `claims.json`."
        ),
        f'#small[#ruled(columns: (auto, 1fr, auto, auto), head: ("run", "target", "id", "verdict"), {rows})]',
    ]


def _provenance_rows(plan: Plan, records: Records) -> list[str]:
    """Return a row for each run; a group of very many has one, since every id is attached anyway."""
    groups: dict[str, list[str]] = {}
    for run in plan.runs:
        groups.setdefault(run.group, []).append(run.key)
    rows = []
    for group, keys in groups.items():
        if len(keys) > _MOST_ROWS:
            counts = Counter(records[key].verdict for key in keys)
            told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
            rows.append(f"(raw({literal(group)}), {cell(f'{len(keys)} runs: {told}')}, [attached], [–])")
            continue
        rows += [
            f"(raw({literal(key)}), {cell(_seed(records[key]))}, "
            f"raw({literal(records[key].id[:16])}), verdict({literal(records[key].verdict)}))"
            for key in keys
        ]
    return rows


def _seed(record: Record) -> str:
    if "target" in record.payload:
        return str(record.payload["target"]["label"])
    if record.kind == "family":
        return f"family of {len(record.payload['run_ids'])} runs"
    if record.kind == "measured":
        return f"{record.payload['members']} trainings"
    return f"probe, `{record.name}`" if record.kind == "probe" else f"symbolic, `{record.name}`"
