"""Hold the names in a proof's claims: what is defined, what is supposed, and what reads alike on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.errors import TheoremFileError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity, Inequality, Side, names_in
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.printing import LATEX, UNICODE
from workbench.symbolic.words import Letter, letters


def hold_names(file: str, claims: Sequence[Claim], calculus: Calculus) -> None:
    """Raise where the names in a claim do not mean one thing each.

    Parameters
    ----------
    file : str
        Name of the file, for the message.
    claims : sequence of Identity and Inequality
    calculus : Calculus
        What the proof differentiated with: it knows what the losses are made of.

    Raises
    ------
    TheoremFileError
        If a definition gives what the loss is made of another meaning, is given twice, uses what comes later or
        speaks of what is supposed; or if two names in one claim read alike.
    """
    for claim in claims:
        fault = _definition_fault(claim, calculus) or _reading_fault(claim, calculus)
        if fault:
            raise TheoremFileError(f"{file}: {claim.name!r} {fault}")


def _definition_fault(claim: Claim, calculus: Calculus) -> str:
    names = [symbol.name if isinstance(symbol, Letter) else symbol for symbol, _ in claim.where]
    supposed = _supposed(claim)
    for place, (name, (_, value)) in enumerate(zip(names, claim.where, strict=True)):
        if name in calculus.given:
            return (
                f"defines {name}, which the loss is made of; "
                "suppose something of it by a restriction, or define another name"
            )
        if name in names[:place]:
            return f"defines {name} twice; give each its own name"
        if name in supposed:
            return f"defines {name} and supposes something of it; do one of them"
        later = [used for used in names_in(value) if used in names[place:]]
        if later:
            return f"defines {name} by {later[0]}, which is not defined before it"
    return ""


def _supposed(claim: Claim) -> set[str]:
    """Return what a region is about: a definition could leave it without a point."""
    if isinstance(claim, Identity):
        return set()
    return {*claim.region.ratios, *claim.region.parameters}


def _reading_fault(claim: Claim, calculus: Calculus) -> str:
    sides = (claim.smaller, claim.larger) if isinstance(claim, Inequality) else (claim.left, claim.right)
    values = [*sides, *(value for _, value in claim.where)]
    used = set().union(*(names_in(value) for value in values))
    defined = {symbol.name if isinstance(symbol, Letter) else symbol for symbol, _ in claim.where}
    shared = _two_meanings(values)
    if shared:
        return f"has two meanings for {shared}; give each its own name"
    alike = _alike({*used, *defined, *calculus.given})
    if alike:
        return f"has two names that read alike, {alike[0]!r} and {alike[1]!r}; change one of them"
    return ""


def _two_meanings(values: Sequence[Side]) -> str:
    """Return a name that is two letters, or a letter and a number."""
    matrices = [value for value in values if not isinstance(value, Polynomial)]
    found = {letter for value in matrices for letter in letters(value)}
    scalars = {name for value in matrices for part in value.terms.values() for name in part.symbols}
    scalars |= {name for value in values if isinstance(value, Polynomial) for name in value.symbols}
    names = [letter.name for letter in found]
    return min((name for name in names if name in scalars or names.count(name) > 1), default="")


def _alike(names: Iterable[str]) -> tuple[str, str] | None:
    read: dict[tuple[str, str], str] = {}
    for name in sorted(names):
        for where, text in (("LaTeX", LATEX.name(name)), ("text", UNICODE.name(name))):
            other = read.setdefault((where, "".join(text.split())), name)
            if other != name:
                return other, name
    return None
