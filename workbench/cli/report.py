"""`workbench report NAME`: typeset a report from the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import progress, store_at


def report_command(
    name: Annotated[str, typer.Argument(help="Name of a report: a folder with a report.toml")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the PDF goes")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
) -> None:
    """Write a report as PDF from the store; computes nothing, and refuses a store that is stale."""
    from workbench import report

    with progress(f"typesetting {name}"):
        path = report.build(name, store_at(store), output)
    print(f"wrote {path}")
