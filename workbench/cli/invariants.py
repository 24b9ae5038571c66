"""`workbench invariants`: the conservation laws of a linear network, counted, found, and certified complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import HOLDS, OPEN, print_json, progress, read_widths

if TYPE_CHECKING:
    from workbench.invariants import Census


def invariants_command(
    widths: Annotated[str, typer.Option(help="Widths d_0,d_1,...,d_L, such as 2,3,2")],
    momentum: Annotated[bool, typer.Option("--momentum", help="Heavy-ball flow in place of gradient flow")] = False,
    degree: Annotated[
        int | None, typer.Option(help="Look for all polynomial integrals up to this degree; by default none")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random points")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Count the laws valid for every loss, and say whether those found are all: status 3 when some are missing."""
    from workbench.invariants import census

    sizes = read_widths(widths)
    with progress(f"counting the laws of {widths}"):
        found = census(sizes, momentum, degree, seed)
    if json:
        print_json(_document(found))
    else:
        print(_text(found))
    raise typer.Exit(HOLDS if found.complete else OPEN)


def _document(found: Census) -> dict[str, Any]:
    return {
        "count": found.count,
        "found": [{"name": law.name, "law": law.text} for law in found.laws],
        "complete": found.complete,
        "missing": found.missing,
        "degree": found.degree,
        "certificate": found.certificate,
    }


def _text(found: Census) -> str:
    certificate = found.certificate
    lines = [
        f"{certificate['dynamics']}, widths {' → '.join(map(str, found.widths))}: {found.dimension} coordinates",
        f"independent laws valid for every loss: {'' if certificate['exhausted'] else 'at most '}{found.count}",
        f"found: {len(found.laws)}",
        *(f"  {law.name} = {law.text}" for law in found.laws),
        _verdict(found),
        f"certificate: rank {certificate['lie_rank']} of the brackets + rank {certificate['law_rank']} of the laws",
    ]
    for witness in found.witnesses:
        drawn = ", ".join(f"{n} of length {length}" for length, n in enumerate(witness.closure.brackets))
        lines.append(f"  modulo {witness.prime}, point of seed {witness.seed}; brackets: {drawn}")
    return "\n".join(lines)


def _verdict(found: Census) -> str:
    if found.complete:
        return "complete: the ranks add up to the dimension, so no law is missing"
    looked = f"no polynomial up to degree {found.degree} adds one" if found.degree else "--degree looks for polynomials"
    laws = "1 law is" if found.missing == 1 else f"{found.missing} laws are"
    laws = laws if found.certificate["exhausted"] else f"up to {laws}"
    return f"incomplete: {laws} not accounted for; {looked}"
