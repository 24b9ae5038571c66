"""`workbench bench SUITE`: timings against named peers, medians of interleaved runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.console import print_json, progress, table
from workbench.errors import UnknownNameError


def suites() -> list[str]:
    """Return the names of the suites: the modules of the folder `bench`."""
    folder = Path(__file__).parent.parent / "bench"
    return sorted(p.stem for p in folder.glob("*.py") if not p.name.startswith("_"))


def bench_command(
    suite: Annotated[str, typer.Argument(help="Name of a suite: precision, ...")],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, under a minute")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Time a part of the workbench against named peers."""
    if suite not in suites():
        raise UnknownNameError("suite", suite, suites())
    with progress(f"timing {suite}"):
        rows: list[dict[str, Any]] = import_module(f"workbench.bench.{suite}").run(quick=quick)
    if json:
        print_json({"suite": suite, "quick": quick, "rows": rows})
        return
    header = list(dict.fromkeys(key for row in rows for key in row))
    print(table([[_cell(row.get(key)) for key in header] for row in rows], header))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
