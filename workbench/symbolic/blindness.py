"""Plant faults in the gradients of a proof and see whether it notices.

Each layer's gradient gets its sign flipped, then one transpose flipped. A proof whose claims all stay `proved` does
not depend on that gradient. One exception is decided here, never declared by a proof: a flipped transpose that
leaves the gradient as it is under the restriction of every claim that reads that gradient (the claims that the
sign fault refutes) is `equivalent`. A flipped sign has no such excuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import TheoremFileError, WorkbenchError
from workbench.symbolic.calculus import Calculus, Fault
from workbench.symbolic.decisions import decide
from workbench.symbolic.identities import Claim, Identity

Proof = Callable[[Calculus], Sequence[Claim]]
Fate = Literal["killed", "survived", "equivalent", "undecided"]


@dataclass(frozen=True)
class Mutant:
    """One planted fault and what became of it.

    Parameters
    ----------
    fault : {"sign", "transpose"}
    variable : str
        Name of the layer whose gradient carries the fault.
    fate : {"killed", "survived", "equivalent", "undecided"}
    claims : tuple of str
        Names of the claims that the fault refutes.
    reason : str
        Why it is undecided, if it is.
    """

    fault: Fault
    variable: str
    fate: Fate
    claims: tuple[str, ...] = ()
    reason: str = ""


def plant_faults(proof: Proof) -> list[Mutant]:
    """Return the fate of every fault; an empty list where the proof takes no gradient at all."""
    calculus = Calculus()
    claims = proof(calculus)
    found = []
    for layer, variable in enumerate(calculus.variables, start=1):
        _hold_blindfold(proof, layer, claims)
        flipped_sign = _examine(proof, "sign", layer, variable.name)
        readers = [claim for claim in claims if claim.name in flipped_sign.claims]
        found.append(flipped_sign)
        found.append(_examine(proof, "transpose", layer, variable.name, readers))
    return found


def _hold_blindfold(proof: Proof, layer: int, claims: Sequence[Claim]) -> None:
    """Raise where a proof goes another way because a fault is announced: with a dummy fault it must say the same."""
    faults: tuple[Fault, ...] = ("sign", "transpose")
    for fault in faults:
        announced = proof(Calculus(fault, layer, dummy=True))
        if [_said(claim) for claim in announced] != [_said(claim) for claim in claims]:
            raise TheoremFileError("prove looks for planted faults: it claims something else when one is announced")


def _said(claim: Claim) -> tuple[object, ...]:
    """Return what a claim says: its sides, definitions and restriction, without the functions that draw witnesses."""
    sides = (claim.left, claim.right) if isinstance(claim, Identity) else (claim.smaller, claim.larger, claim.region)
    under = claim.under
    supposed = None if under is None else (under.name, dict(under.letters), under.rules, dict(under.scalars))
    return (claim.name, *sides, tuple(claim.where), supposed)


def _examine(proof: Proof, fault: Fault, layer: int, variable: str, readers: Sequence[Claim] = ()) -> Mutant:
    calculus = Calculus(fault, layer)
    try:
        statuses = {claim.name: decide(claim).status for claim in proof(calculus)}
    except WorkbenchError as error:
        return Mutant(fault, variable, "undecided", reason=str(error))
    refuted = tuple(name for name, status in statuses.items() if status == "refuted")
    if refuted:
        return Mutant(fault, variable, "killed", refuted)
    if "undecided" in statuses.values():
        return Mutant(fault, variable, "undecided", reason="no claim is refuted, but not all are proved")
    if fault == "transpose" and readers and all(_same_gradients(calculus, claim) for claim in readers):
        return Mutant(fault, variable, "equivalent")
    return Mutant(fault, variable, "survived")


def _same_gradients(calculus: Calculus, claim: Claim) -> bool:
    # Those without the fault are one expression, and a restriction need not speak of their letters.
    for gradient in (each for each in calculus.gradients if each.exact != each.given):
        if claim.under is None:
            return False
        if claim.under.apply(gradient.exact) != claim.under.apply(gradient.given):
            return False
    return True
