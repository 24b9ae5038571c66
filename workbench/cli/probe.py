"""`workbench probe KIND`: edge cases, one kind of question a command; the kinds are the modules of `probes/`."""

from __future__ import annotations

import inspect
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from workbench.cli.console import print_json, progress, say, status_of, store_at
from workbench.errors import InputError
from workbench.store import Record

_HELP = {
    "limit": "Seconds after which the best found so far is returned, as undecided",
    "figure": "Draw the figure into a file, .svg, .png or .pdf",
    "page": "Typeset a page of a report into a file, .pdf",
}

# Options that every kind has, by the name under which the command receives them.
_COMMON: dict[str, tuple[Any, Any]] = {
    "time_limit": (float | None, typer.Option(help=_HELP["limit"], metavar="SECONDS")),
    "figure": (Path | None, typer.Option(help=_HELP["figure"], metavar="FILE")),
    "page": (Path | None, typer.Option(help=_HELP["page"], metavar="FILE")),
    "store": (Path | None, typer.Option(help="Folder of the store")),
    "json": (bool, typer.Option("--json", help="Print one JSON document and nothing else")),
}


class _Kinds(TyperGroup):
    """The kinds of probes as commands, each built from its module's options when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the kinds."""
        from workbench import probes

        return probes.catalogue()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a kind."""
        from workbench import probes

        name = cmd_name.replace("-", "_")
        return _command(name, probes.load(name))


def _command(name: str, kind: Any) -> Any:
    from workbench import probes

    def run(**given: Any) -> None:
        common = {key: given.pop(key) for key in _COMMON}
        _probe(name, given, **common)

    parameters = [_parameter(option) for option in kind.OPTIONS]
    defaults = {"json": False}
    parameters += [
        inspect.Parameter(
            key, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(key), annotation=Annotated[type_, option]
        )
        for key, (type_, option) in _COMMON.items()
    ]
    # typer reads a command's options off its signature and its annotations.
    run.__dict__["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, help=probes.title(kind))(run)
    return typer.main.get_command(app)


def _parameter(option: Any) -> inspect.Parameter:
    """Return one option of a kind as a parameter of its command."""
    metavar = {"metavar": option.metavar} if option.metavar else {}
    if option.positional:
        annotation: Any = Annotated[option.type | None, typer.Argument(help=option.help, **metavar)]
    else:
        names = (option.flag,) if option.type is bool and not option.default else ()
        wanted = list[option.type] if option.many else option.type
        annotation = Annotated[wanted | None, typer.Option(*names, help=option.help, **metavar)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=annotation)


app = typer.Typer(
    cls=_Kinds, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _probe(
    name: str,
    given: dict[str, Any],
    time_limit: float | None,
    figure: Path | None,
    page: Path | None,
    store: Path | None,
    json: bool,
) -> None:
    """Put a question to a kind of probe, and print, draw and typeset what came of it."""
    from workbench import probes
    from workbench.report import probes as pages

    for path, suffixes in ((figure, pages.FORMATS), (page, (".pdf",))):
        if path is not None and path.suffix.lower() not in suffixes:
            raise InputError(f"the file {path} ends in {path.suffix!r}; give one that ends in {', '.join(suffixes)}")
    probe = probes.read(name, given)
    with progress(f"probing: {name}"):
        record, fresh = probe.record(store_at(store), time_limit)
    record = _here(record, given)
    written = []
    if figure is not None:
        written.append(pages.write_figure(record, figure))
    if page is not None:
        written.append(pages.write_page(record, page))
    if json:
        print_json(document(record))
    else:
        print(text(record))
        if not fresh:
            say("(found in the store; nothing was recomputed)")
    for path in written:
        say(f"wrote {path}")
    raise typer.Exit(status_of(record.verdict))


def _here(record: Record, given: dict[str, Any]) -> Record:
    """Return the record with the theorem file as it was given: the store keeps its name alone, which is no path."""
    path, witness = given.get("theorem"), record.payload.get("witness")
    if path is None or not witness or not witness["command"]:
        return record
    program, verb, name, *rest = shlex.split(witness["command"])
    if Path(path).name != name:
        return record
    command = shlex.join([program, verb, str(path), *rest])
    return replace(record, payload={**record.payload, "witness": {**witness, "command": command}})


def document(record: Record) -> dict[str, Any]:
    """Return the JSON document of a probe."""
    return {
        "probe": record.name,
        "outcome": record.verdict,
        "grade": record.grade,
        "question": record.specification["question"],
        **record.payload,
        "run_id": record.id,
    }


def text(record: Record) -> str:
    """Return what a probe found in words, for a terminal."""
    payload = record.payload
    grade = f" ({record.grade})" if record.grade else ""
    lines = [f"{record.name}: {record.verdict.upper()}{grade}", f"  {payload['asked']}", f"  {payload['answer']}"]
    lines += [f"  {_number(payload['numbers'][name])}" for name in payload["order"]]
    for table in payload["tables"]:
        lines += [f"  {table['title']}", *_rows(table)]
    lines += [f"  searched: {what}" for what in payload["searched"]]
    lines += [f"  not found: {what}" for what in payload["not_found"]]
    witness = payload["witness"]
    if witness is not None:
        lines.append(f"  witness: {witness['says']}")
        lines += [f"    {line}" for line in (witness["command"] or _exact(witness)).splitlines()]
    if payload["cut_short"] is not None:
        lines.append(f"  cut short after {payload['cut_short']:g} seconds; --time-limit gives it more")
    lines += [f"  note: {note}" for note in payload["notes"]]
    return "\n".join([*lines, f"  run id {record.id}"])


# A witness without a command is printed where it is not longer than this; --json has it whole.
_LONGEST = 400


def _exact(witness: dict[str, Any]) -> str:
    """Return the exact values of a witness, a line each, where they are few."""
    lines = [f"{name}: {', '.join(map(str, v))}" for name, v in witness["specification"].items() if isinstance(v, list)]
    told = "\n".join(lines)
    return told if len(told) <= _LONGEST else ""


def _number(number: dict[str, Any]) -> str:
    told = f"{number['label']}: {_value(number, '')}"
    told += f" ({number['grade']})" if number["grade"] != "exact" else " (exact)"
    if number["predicted"] is not None:
        told += f"; predicted {_value(number, 'predicted_')}"
        told += f" by {number['closed_form']}" if number["closed_form"] else ""
    return told


def _value(number: dict[str, Any], prefix: str) -> str:
    value, error = number[prefix.rstrip("_") or "value"], number[f"{prefix}error"]
    if value is None:
        return "none"
    from workbench.probes.base import plain

    return plain(value) if error in (None, "0") else f"{plain(value)} +- {error}"


def _rows(table: dict[str, Any]) -> list[str]:
    from workbench.cli.console import table as aligned

    return [f"    {line}" for line in aligned(table["rows"], table["head"]).splitlines()]
