"""`workbench bench NAME`: measure against named peers."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.console import HOLDS, VIOLATED, print_json, progress, table
from workbench.errors import UnknownNameError

_BENCHMARKS = ("symbolic",)


def bench_command(
    name: Annotated[str, typer.Argument(help="Name of a benchmark: symbolic")],
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs and smaller peers")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Measure tasks beside their peers in one run; status 1 when a promise is not kept."""
    if name not in _BENCHMARKS:
        raise UnknownNameError("benchmark", name, _BENCHMARKS)
    from workbench.bench import symbolic

    with progress(f"measuring {name}"):
        found = symbolic.measure(quick)
    if json:
        print_json({"benchmark": name, "quick": quick, "entries": [entry.document for entry in found]})
    else:
        header = ["task", "median s", "runs", "peer", "peer s", "ratio", "promise", "kept"]
        print(table([_row(entry.document) for entry in found], header))
    raise typer.Exit(HOLDS if all(entry.met for entry in found) else VIOLATED)


def _row(entry: dict[str, object]) -> list[str]:
    promise = f">= {entry['floor']:g}x" if entry["floor"] is not None else f"<= {entry['limit']:g} s"
    numbers = [f"{entry[key]:.3g}" if entry[key] is not None else "-" for key in ("peer_seconds", "ratio")]
    own = [str(entry["name"]), f"{entry['seconds']:.3g}", str(entry["runs"]), str(entry["peer"]) or "-"]
    return [*own, *numbers, promise, "yes" if entry["met"] else "NO"]
