"""`workbench doctor`: what is installed, what is missing, and what that costs."""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import print_json, store_at, table
from workbench.store import provenance

# Package, module, what it is for.
_PARTS = [
    ("numpy", "numpy", "the float64 backend"),
    ("mpmath", "mpmath", "the mp backend"),
    ("gmpy2", "gmpy2", "a faster mp backend (optional)"),
    ("python-flint", "flint", "enclosures: the ball backend"),
    ("torch", "torch", "the torch backend"),
    ("sympy", "sympy", "derivations"),
    ("matplotlib", "matplotlib", "figures of a report"),
    ("typst", "typst", "typesetting a report"),
    ("tex2typst", "tex2typst", "formulas of a report"),
    ("rich", "rich", "progress bars"),
    ("typer", "typer", "the command line"),
]


def doctor_command(
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Say what is installed, which devices there are, and whether the store is sound."""
    packages = [_package(*part) for part in _PARTS]
    devices = _devices()
    where = store_at(store)
    kept, stale = _store_state(store)
    if json:
        print_json(
            {
                **provenance(),
                "packages": [{"name": n, "version": v or None, "purpose": p} for n, v, p in packages],
                "devices": devices,
                "store": {"path": str(where.root), "records": kept, "stale": stale},
            }
        )
    else:
        print(table([[n, v or f"missing: pip install {n}", p] for n, v, p in packages], ["package", "version", "for"]))
        print(f"devices: {', '.join(devices)}")
        print(f"store: {where.root}, {kept} records, {stale} stale")
    required = [n for n, v, p in packages if not v and "optional" not in p]
    raise typer.Exit(2 if required else 0)


def _package(name: str, module: str, purpose: str) -> tuple[str, str, str]:
    if util.find_spec(module) is None:
        return name, "", purpose
    try:
        return name, metadata.version(name), purpose
    except metadata.PackageNotFoundError:
        return name, "present", purpose


def _devices() -> list[str]:
    if util.find_spec("torch") is None:
        return ["cpu"]
    import torch

    return ["cpu", *(f"cuda:{k} ({torch.cuda.get_device_name(k)})" for k in range(torch.cuda.device_count()))]


def _store_state(path: Path | None) -> tuple[int, int]:
    records = list(store_at(path))
    return len(records), sum(not record.is_current() for record in records)
