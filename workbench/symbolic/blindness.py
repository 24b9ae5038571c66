"""Plant faults in the gradients of a proof and see whether it notices, claim by claim.

Each layer's gradient gets its sign flipped, then one transpose flipped. A proof whose claims all stay `proved` does
not depend on that gradient; nor does a single claim that a fault makes say something else and none refutes. One
exception is decided here, never declared by a proof: a flipped transpose that
leaves the gradient as it is under the restriction of every claim that reads that gradient (the claims that the
sign fault refutes) is `equivalent`. A flipped sign has no such excuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import TheoremFileError, WorkbenchError
from workbench.symbolic.calculus import Calculus, Fault
from workbench.symbolic.decisions import Status, decide
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
    changed : tuple of str
        Names of the claims that the fault makes say something else: they read this gradient.
    reason : str
        Why it is undecided, if it is.
    """

    fault: Fault
    variable: str
    fate: Fate
    claims: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reason: str = ""


def plant_faults(proof: Proof, given: Proof | None = None) -> list[Mutant]:
    """Return the fate of every fault; an empty list where the proof takes no gradient at all.

    Parameters
    ----------
    proof : callable
        The proof at equal widths, where any letter can be transposed.
    given : callable, optional
        The proof at the widths asked for. Claims that are made there only meet the faults that fit any shape.
    """
    calculus = Calculus()
    claims = proof(calculus)
    found = []
    for layer, variable in enumerate(calculus.variables, start=1):
        _hold_blindfold(proof, layer, claims)
        planted = [_examine(proof, "sign", layer, variable.name, claims)]
        readers = [claim for claim in claims if claim.name in planted[0].claims]
        planted.append(_examine(proof, "transpose", layer, variable.name, claims, readers))
        found += planted + _more_faults(proof, layer, claims, planted)
    return found + ([] if given is None else _at_given_widths(given, {claim.name for claim in claims}))


def _more_faults(proof: Proof, layer: int, claims: Sequence[Claim], planted: Sequence[Mutant]) -> list[Mutant]:
    """Return the further faults that refute what reads this gradient and noticed none of the faults before.

    A bound may hold for either sign, and symmetry for any transpose: a doubled gradient, or one with a stray
    matrix, tells whether such a claim depends on the gradient at all.
    """
    variable, found = planted[0].variable, list(planted)
    deeper: tuple[Fault, ...] = ("double", "stray")
    for fault in deeper:
        waiting = {claim.name for claim in claims if unnoticed(claim.name, found)}
        if not waiting:
            break
        mutant = _examine(proof, fault, layer, variable, claims)
        if waiting & set(mutant.claims):
            found.append(mutant)
    return found[len(planted) :]


def _at_given_widths(given: Proof, examined: set[str]) -> list[Mutant]:
    calculus = Calculus()
    claims = given(calculus)
    if {claim.name for claim in claims} <= examined:
        return []
    # A flipped transpose may not fit these shapes.
    fitting: tuple[Fault, ...] = ("sign", "double", "stray")
    layers = list(enumerate(calculus.variables, start=1))
    found = [_examine(given, fault, layer, m.name, claims) for layer, m in layers for fault in fitting]
    # A proof that goes entry by entry may have no place for a stray matrix.
    return [mutant for mutant in found if mutant.fate != "undecided"]


def gradients_read(claim: str, mutants: Sequence[Mutant]) -> tuple[str, ...]:
    """Return the layers whose gradient a claim reads: a planted fault changes what the claim says."""
    return tuple(dict.fromkeys(mutant.variable for mutant in mutants if claim in mutant.changed))


def unnoticed(claim: str, mutants: Sequence[Mutant]) -> tuple[str, ...]:
    """Return the layers whose gradient a claim reads while no fault in that gradient refutes it.

    The sides change alike, as those of G^T G = (G^T G)^T do: such a claim says nothing of the gradient.
    """
    refuting = {mutant.variable for mutant in mutants if claim in mutant.claims}
    return tuple(name for name in gradients_read(claim, mutants) if name not in refuting)


def _hold_blindfold(proof: Proof, layer: int, claims: Sequence[Claim]) -> None:
    """Raise where a proof goes another way because a fault is announced: with a dummy fault it must say the same."""
    faults: tuple[Fault, ...] = ("sign", "transpose")
    for fault in faults:
        announced = proof(Calculus(fault, layer, dummy=True))
        if [said(claim) for claim in announced] != [said(claim) for claim in claims]:
            raise TheoremFileError("prove looks for planted faults: it claims something else when one is announced")


def said(claim: Claim) -> tuple[object, ...]:
    """Return what a claim says: its sides, definitions and restriction, without the functions that draw witnesses."""
    sides = (claim.left, claim.right) if isinstance(claim, Identity) else (claim.smaller, claim.larger, claim.region)
    under = claim.under
    supposed = None if under is None else (under.name, dict(under.letters), under.rules, dict(under.scalars))
    return (claim.name, *sides, tuple(claim.where), supposed)


def _examine(
    proof: Proof, fault: Fault, layer: int, variable: str, exact: Sequence[Claim], readers: Sequence[Claim] = ()
) -> Mutant:
    calculus = Calculus(fault, layer)
    try:
        claims = proof(calculus)
    except WorkbenchError as error:
        return Mutant(fault, variable, "undecided", reason=str(error))
    statuses, reason = _statuses(claims)
    sayings = {claim.name: said(claim) for claim in exact}
    changed = tuple(claim.name for claim in claims if sayings.get(claim.name) != said(claim))
    refuted = tuple(name for name, status in statuses.items() if status == "refuted")
    if refuted:
        return Mutant(fault, variable, "killed", refuted, changed)
    if "undecided" in statuses.values():
        return Mutant(fault, variable, "undecided", (), changed, reason)
    alike = fault == "transpose" and readers and all(_same_gradients(calculus, claim) for claim in readers)
    return Mutant(fault, variable, "equivalent" if alike else "survived", (), changed)


def _statuses(claims: Sequence[Claim]) -> tuple[dict[str, Status], str]:
    """Return what becomes of each claim, and why one may be undecided: a fault may leave what a claim can read."""
    statuses: dict[str, Status] = {}
    reason = "no claim is refuted, but not all are proved"
    for claim in claims:
        try:
            statuses[claim.name] = decide(claim).status
        except WorkbenchError as error:
            statuses[claim.name], reason = "undecided", str(error)
    return statuses, reason


def _same_gradients(calculus: Calculus, claim: Claim) -> bool:
    # Those without the fault are one expression, and a restriction need not speak of their letters.
    for gradient in (each for each in calculus.gradients if each.exact != each.given):
        if claim.under is None:
            return False
        if claim.under.apply(gradient.exact) != claim.under.apply(gradient.given):
            return False
    return True
