"""A report as a Typst document, and its PDF."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.errors import MissingPackageError, WorkbenchError
from workbench.report import figures
from workbench.report.claims import claims_json
from workbench.report.lookup import VERDICTS, lookup
from workbench.report.plan import Plan, Section
from workbench.report.prose import display, filled, formula, literal, named, number, prose
from workbench.store import Record

Records = Mapping[str, Record]

_STANDARDS: list[Any] = ["a-3b"]


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
        _words(plan.abstract, records),
        _claims_table(plan, records),
        _tally_words(records),
    ]
    body = [part for s, section in enumerate(plan.sections) for part in _section(plan, section, s, records)]
    return "\n\n".join(part for part in [*head, *body, *_provenance(plan, records)] if part) + "\n"


def _words(text: str, records: Records) -> str:
    return prose(filled(text.strip(), lambda place: lookup(records, place)))


def _maths(value: object, digits: int = 3) -> str:
    return "[–]" if value is None else f"[${formula(number(value, digits))}$]"


def _cell(text: str) -> str:
    return f"[{prose(text)}]"


def _claims_table(plan: Plan, records: Records) -> str:
    rows = []
    for run in plan.runs:
        if not run.claim:
            continue
        record = records[run.key]
        rows.append(
            f"({_cell(run.claim)}, verdict({literal(record.verdict)}), {_maths(record.margin)}, "
            f"[{_precision(record)}], [{record.grade or 'proof'}], {_maths(record.payload.get('tightness'))})"
        )
    body = ",\n  ".join(rows)
    return (
        "#ruled(columns: (1fr, auto, auto, auto, auto, auto), align: (left, left, right, left, left, right),\n"
        '  head: ("claim", "verdict", "margin", "precision", "grade", "tightness"),\n  ' + body + ")"
    )


def _precision(record: Record) -> str:
    backend = record.payload.get("backend")
    if backend is None:
        return "symbolic"
    if backend["digits"]:
        return f"{backend['digits']} digits"
    return "rational" if backend["precision_bits"] is None else f"{backend['precision_bits']} bits"


def _tally_words(records: Records) -> str:
    evidence = [record for record in records.values() if record.kind == "evidence"]
    counts = {word: sum(r.verdict == word for r in evidence) for word in VERDICTS}
    enclosed = sum(r.grade == "enclosure" for r in evidence)
    derived = [record for record in records.values() if record.kind == "derivation"]
    proved = sum(record.verdict == "proved" for record in derived)
    listed = ", ".join(f"{count} {word}" for word, count in counts.items())
    return prose(
        f"Of {len(evidence)} runs judged in this report, {listed}; {enclosed} of them are enclosures. A violated or "
        f"vacuous run here is a control: a hypothesis fails, and the statement is silent, or the hypothesis was set "
        f"aside on purpose. {proved} of {len(derived)} derivations are proved, each with every planted fault caught. "
        "Margin is the smallest slack of the inequality, tightness the largest ratio of its two sides after the start."
    )


def _section(plan: Plan, section: Section, index: int, records: Records) -> list[str]:
    parts = [f"= #{literal(section.heading)}"]
    if section.words:
        parts.append(_words(section.words, records))
    if section.statement:
        parts += _statement(records[section.statement])
    for f, figure in enumerate(section.figures):
        caption = _words(str(figure.get("caption", "")), records)
        alt = literal(f"{figure['kind']} of {', '.join([str(figure.get('run', '')), *figure.get('runs', [])])}")
        parts.append(
            f'#figure(image("figure-{index}-{f}.svg", width: 100%, alt: {alt}), caption: [{caption}], placement: auto)'
        )
    if section.compare:
        parts.append(_comparison([records[key] for key in section.compare]))
    if section.derivation:
        parts += _derivation(records[section.derivation])
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
    """Return runs side by side: arithmetic, steps, last loss with its error, verdict."""
    rows = []
    for record in records:
        payload = record.payload
        counts = [s for s in payload["statements"] if s["kind"] == "count"]
        allowed = counts[0]["allowed"] if counts else None
        steps = counts[0]["measured"] if counts else payload["steps"]
        loss = payload["loss"]
        last = loss["values"][-1] if loss["values"] else None
        error = loss["errors"][-1] if loss["errors"] else None
        rows.append(
            f"([{payload['backend']['name']}, {_precision(record)}], {_cell(_setting(record))}, {_maths(steps)}, "
            f"{_maths(allowed)}, {_maths(last, 10)}, {_maths(error, 1)}, verdict({literal(record.verdict)}))"
        )
    body = ",\n  ".join(rows)
    return (
        "#ruled(columns: (auto, 1fr, auto, auto, auto, auto, auto), "
        "align: (left, left, right, right, right, right, left),\n"
        '  head: ("arithmetic", "run", "steps", "allowed", "last loss", "error", "verdict"),\n  ' + body + ")"
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


def _derivation(record: Record) -> list[str]:
    payload = record.payload
    depths = ", ".join(str(d) for d in payload["depth"]) if isinstance(payload["depth"], list) else payload["depth"]
    parts = [
        f"== #{literal('Derivation: ' + record.name)}",
        f"#statement({literal('Claim')}, [{prose(record.statement)}])",
        f"Outcome at depth {depths}: #verdict({literal(record.verdict)}). #aside[{prose(payload['scope'])}]",
    ]
    parts += [_step(step) for step in payload["steps"]]
    parts += [_proved(claim) for claim in payload["parts"]["prove"]]
    faults = ", ".join(_fault(fault) for fault in payload["parts"]["blindness"])
    if faults:
        parts.append(f'#ruled(columns: (1fr, auto), head: ("planted fault", "fate"), {faults})')
    for name in ("check", "control"):
        run = payload["parts"].get(name)
        if run is not None:
            judged = f"#raw({literal(run['theorem'])}), is #verdict({literal(run['verdict'])})."
            parts.append(f"The {name}, a run of {judged}")
    return parts


def _step(step: Mapping[str, Any]) -> str:
    before, after = (f"[{display(step[side])}]" for side in ("before", "after"))
    return f"#step({step['number']}, [{prose(named(step['rule']))}], {before}, {after})"


def _proved(claim: Mapping[str, Any]) -> str:
    formulas = ", ".join(f"[{display(latex)}]" for latex in (claim["latex"], *claim.get("where", [])))
    return f"#claim([{prose(named(claim['name']))}], {literal(claim['status'])}, {formulas})"


def _fault(fault: Mapping[str, Any]) -> str:
    return f"({_cell(named(fault['fault']))}, verdict({literal(fault['status'])}))"


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
        f'#ruled(columns: (auto, 1fr, auto, auto), head: ("run", "target", "id", "verdict"), {rows})',
    ]


def _seed(record: Record) -> str:
    if "target" in record.payload:
        return str(record.payload["target"]["label"])
    return f"symbolic, `{record.name}`"
