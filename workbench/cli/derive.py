"""`workbench derive NAME`: print a derivation, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import print_json, progress, read_widths, status_of, store_at
from workbench.errors import InputError


def derive_command(
    name: Annotated[str, typer.Argument(help="Name of a derivation, or the path of a derivation file")],
    depth: Annotated[int | None, typer.Option(help="Number of layers")] = None,
    widths: Annotated[str | None, typer.Option(help="Widths d_0,d_1,...,d_L, such as 2,3,2")] = None,
    width: Annotated[
        int | None, typer.Option(help="One width of all layers, in place of --widths; with --depth")
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX")] = False,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Derive, check and control a claim; prints its numbered steps and its outcome.

    Claims are about linear networks with and without biases, with tied weights and with residual blocks, along the
    gradient flow and in steps of descent, weight decay, heavy ball and Nesterov. `workbench list` names them; a claim
    of your own is a file that builds its network with the modules of workbench.symbolic.
    """
    from workbench import derivation

    if depth is not None and depth < 1:
        raise InputError(f"the depth is {depth}; it must be at least 1")
    sizes = _sizes(depth, width, widths)
    if sizes is not None and depth is not None and len(sizes) != depth + 1:
        raise InputError(f"--widths {widths} has depth {len(sizes) - 1} but --depth is {depth}; give one of them")
    claim = derivation.load(name)
    with progress(f"deriving {claim.name}"):
        record, _ = derivation.recorded(claim, store_at(store), depth, sizes)
    if json:
        print_json({"name": record.name, "verdict": record.verdict, "run_id": record.id, **record.payload})
    else:
        print(derivation.latex(record) if latex else derivation.text(record))
    raise typer.Exit(status_of(record.verdict))


def _sizes(depth: int | None, width: int | None, widths: str | None) -> tuple[int, ...] | None:
    if width is None:
        return None if widths is None else read_widths(widths)
    if widths is not None or depth is None:
        raise InputError(f"--width {width} is one width of all layers: give it with --depth and without --widths")
    if width < 1:
        raise InputError(f"the width is {width}; it must be at least 1")
    return (width,) * (depth + 1)
