"""`workbench bench NAME`: measure against named peers."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import HOLDS, VIOLATED, print_json, progress, say, table
from workbench.errors import UnknownNameError

# What the benchmarks share, beside them in their folder.
_SHARED = ("__init__", "measure")


_RECORD = "Also write the figures, with device, driver and versions, to reports/benchmarks/"


def benchmarks() -> list[str]:
    """Return the names of the benchmarks: the modules of their folder."""
    folder = Path(__file__).parent.parent / "bench"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in _SHARED and path.stem[0] != "_")


def bench_command(
    name: Annotated[str, typer.Argument(help="ensemble, precision, precision_descent, precision_flow or symbolic")],
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs and smaller peers")] = False,
    record: Annotated[bool, typer.Option("--record", help=_RECORD)] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Measure tasks beside their peers in one run; status 1 when a promise is not kept."""
    if name not in benchmarks():
        raise UnknownNameError("benchmark", name, benchmarks())
    with progress(f"measuring {name}"):
        found = import_module(f"workbench.bench.{name}").measure(quick)
    if record:
        from workbench.bench._record import write

        say(f"wrote {write(name, quick, found, Path('reports') / 'benchmarks')}")
    if json:
        print_json({"benchmark": name, "quick": quick, "entries": [entry.document for entry in found]})
    else:
        header = ["task", "median", "unit", "runs", "peer", "peer's", "ratio", "promise", "kept"]
        print(table([_row(entry.document) for entry in found], header))
    raise typer.Exit(HOLDS if all(entry.met for entry in found) else VIOLATED)


def _row(entry: dict[str, object]) -> list[str]:
    promise = "-"
    if entry["floor"] is not None:
        promise = f">= {entry['floor']:g}x"
    elif entry["limit"] is not None:
        promise = f"<= {entry['limit']:g} s"
    numbers = [f"{entry[key]:.3g}" if entry[key] is not None else "-" for key in ("peer_seconds", "ratio")]
    own = [
        str(entry["name"]),
        f"{entry['seconds']:.3g}",
        str(entry["unit"]) or "-",
        str(entry["runs"]),
        str(entry["peer"]) or "-",
    ]
    return [*own, *numbers, promise, "yes" if entry["met"] else "NO"]
