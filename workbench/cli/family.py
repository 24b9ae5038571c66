"""`workbench family FILE.toml`: a statement about a limit, judged along the runs of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import print_json, progress, say, status_of, store_at, table
from workbench.store import Record

_HELP = {
    "file": "A sweep, as `workbench sweep` takes it; its grid, in order, is the family",
    "set": "Values of a grid, such as depth=2,4,8; repeat for several",
}


def family_command(
    file: Annotated[Path, typer.Argument(help=_HELP["file"])],
    change: Annotated[list[str] | None, typer.Option("--set", help=_HELP["set"], metavar="NAME=VALUES")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Judge a slope or a limit along a family of runs: consistent, violated, undecided or vacuous."""
    from workbench.sweeps import family, specification

    template = specification.read(file, dict(specification.assignment(text) for text in change or []))
    asked = family.read(template)
    with progress(f"{file.stem}: {len(asked.members)} runs", len(asked.members)) as bar:
        record, fresh = asked.record(store_at(store), bar.advance)
    if json:
        keys = ("name", "verdict", "grade", "hypotheses", "payload")
        print_json({**{key: getattr(record, key) for key in keys}, "run_id": record.id})
    else:
        print(text(record))
        if not fresh:
            say("(found in the store; nothing was recomputed)")
    raise typer.Exit(status_of(record.verdict or ""))


def text(record: Record) -> str:
    """Return the evidence of a family in words, for a terminal."""
    payload = record.payload
    lines = [f"{record.name}: {str(record.verdict).upper()} ({record.grade})", f"  {record.title}"]
    for item in record.hypotheses:
        word = {True: "holds", False: "FAILS", None: "unknown"}[item["holds"]]
        lines.append(
            f"    {item['name']}: {word} in every member" if word == "holds" else f"    {item['name']}: {word}"
        )
        lines[-1] += ", set aside" if item["dropped"] else ""
    for statement in payload["statements"]:
        limit, near = _short(statement["limit"]), statement["resolution"]
        lines.append(f"  {statement['label']}: {statement['verdict']}, limit {limit}, resolution {near}")
        # A slope has one value for each pair of neighbours: it stands beside the later one.
        members = payload["members"][-len(statement["values"]) :]
        columns = zip(members, statement["values"], statement["gaps"], strict=True)
        rows = [[_named(member), _short(value), _short(gap)] for member, value, gap in columns]
        lines += [f"    {line}" for line in table(rows, ["member", "value", "gap"]).splitlines()]
    return "\n".join([*lines, f"  run id {record.id}"])


def _named(values: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "-"


def _short(decimal: str | None) -> str:
    return "-" if decimal is None else f"{float(decimal):.6g}"
