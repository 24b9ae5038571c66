"""Run a derivation: decide its claims, plant faults, run the check and the control, draw the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import content
from workbench import store as stores
from workbench.derivation.file import Derivation, load, numeric_widths, square_widths
from workbench.derivation.outcome import Outcome, describe_claim, describe_fault, describe_step
from workbench.errors import TheoremFileError
from workbench.symbolic.blindness import Mutant, plant_faults, said
from workbench.symbolic.calculus import Calculus, Step
from workbench.symbolic.decisions import decide
from workbench.symbolic.identities import Claim
from workbench.symbolic.words import Width

Experiment = Callable[..., Any]
Runs = dict[str, dict[str, Any] | None]


def run(
    claim: str | Path,
    depth: int | Sequence[int] | None = None,
    widths: Sequence[Width] | None = None,
    store: stores.Store | None = None,
    run_experiment: Experiment | None = None,
) -> Outcome:
    """Run a derivation and decide its outcome.

    Parameters
    ----------
    claim : str or path
        Name in the catalogue, or the path of a file.
    depth : int or sequence of int, optional
        By default the file's own depths, or the one that the widths tell.
    widths : sequence of int or str, optional
        The widths d_0 ... d_L, numbers or names; by default names (numbers where the claim needs them).
    store : Store, optional
        Where a current outcome is looked up and a new one kept.
    run_experiment : callable, optional
        (specification, store=...) -> evidence; by default `workbench.experiment.run`.
    """
    return Outcome(recorded(load(claim), store, depth, widths, run_experiment)[0])


def recorded(
    file: Derivation,
    store: stores.Store | None = None,
    depth: int | Sequence[int] | None = None,
    widths: Sequence[Width] | None = None,
    run_experiment: Experiment | None = None,
) -> tuple[stores.Record, bool]:
    """Return the record of a derivation, and whether it was computed now rather than found in the store."""
    depths = file.choose_depths(depth, widths)
    specification = {
        "kind": "derivation",
        "name": file.name,
        "file_sha256": file.sha256,
        "depth": list(depths),
        "widths": None if widths is None else list(widths),
    }
    found = store.current(specification) if store is not None else None
    if found is not None:
        return found, False
    record = _compute(file, depths, widths, specification, store, run_experiment)
    if store is not None:
        store.put(record)
    return record, True


@dataclass
class _Proof:
    """What the proofs at all depths asked for gave."""

    statuses: dict[str, str] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    mutants: list[Mutant] = field(default_factory=list)
    steps: list[tuple[str, Step]] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, file: Derivation, depth: int, widths: Sequence[Width], where: str) -> None:
        """Prove at one depth, and once more with each planted fault."""
        calculus = Calculus()
        decided = [(claim, decide(claim)) for claim in file.claims(calculus, depth, widths)]
        planted = _mutants(file, depth, widths)
        _hold_repeatable(file, depth, widths, [claim for claim, _ in decided])
        for claim, decision in decided:
            self.statuses[where + claim.name] = decision.status
            self.parts.append(describe_claim(where, claim, decision, planted, claim.name in file.any_gradient))
        self.faults += [describe_fault(where, mutant) for mutant in planted]
        self.mutants += planted
        self.names += [claim.name for claim, _ in decided]
        self.steps += [(where, step) for step in calculus.steps]
        self.cases.append(f"depth {depth}, widths {', '.join(map(str, widths))}")


def _compute(
    file: Derivation,
    depths: tuple[int, ...],
    widths: Sequence[Width] | None,
    specification: Mapping[str, Any],
    store: stores.Store | None,
    run_experiment: Experiment | None,
) -> stores.Record:
    proof = _Proof()
    for depth in depths:
        where = f"depth {depth}: " if len(depths) > 1 else ""
        proof.add(file, depth, file.choose_widths(depth, widths), where)
    if depths == file.depths and widths is None:
        _hold_declared(file, proof.names)
    verdict, reason = _judge_proof(proof.statuses, proof.mutants, proof.parts)
    runs: Runs = {"check": None, "control": None}
    if verdict == "proved":
        runs = _run_experiments(file, depths[-1], file.choose_widths(depths[-1], widths), store, run_experiment)
        verdict, reason = _judge_runs(runs)
    return _record(file, specification, proof, runs, verdict, reason)


def _record(
    file: Derivation, specification: Mapping[str, Any], proof: _Proof, runs: Runs, verdict: str, reason: str
) -> stores.Record:
    files = [file.path, *_theorem_files(runs)]
    return stores.Record(
        kind="derivation",
        name=file.name,
        specification=specification,
        fingerprint=stores.fingerprint(files),
        title=file.title,
        statement=file.claim,
        standing="derived here from the loss, every step recorded",
        hypotheses=[],
        source=file.source,
        files=[content.reference(path) for path in files],
        verdict=verdict,
        grade=None,
        margin=None,
        error=None,
        payload={
            "depth": specification["depth"],
            "widths": specification["widths"],
            "cases": proof.cases,
            "scope": file.scope,
            "reason": reason,
            "parts": {"prove": proof.parts, "blindness": proof.faults, **runs},
            "steps": [describe_step(number, *step) for number, step in enumerate(proof.steps, start=1)],
        },
    )


def _mutants(file: Derivation, depth: int, widths: Sequence[Width]) -> list[Mutant]:
    equal = square_widths(widths)
    return plant_faults(
        lambda calculus: file.claims(calculus, depth, equal), lambda calculus: file.claims(calculus, depth, widths)
    )


def _hold_repeatable(file: Derivation, depth: int, widths: Sequence[Width], claims: Sequence[Claim]) -> None:
    """Raise where a proof that is asked once more, after the faults, claims something else."""
    again = file.claims(Calculus(), depth, widths)
    if [said(claim) for claim in again] != [said(claim) for claim in claims]:
        raise TheoremFileError(f"{file.path.name}: prove claims something else when it is asked again")


def _hold_declared(file: Derivation, claims: Sequence[str]) -> None:
    """Raise where a claim that is declared to hold for any gradient is not made at any of the file's own depths."""
    missing = [name for name in file.any_gradient if name not in claims]
    if missing:
        raise TheoremFileError(f"{file.path.name}: any_gradient names {missing[0]!r}, which is no claim; leave it out")


def _judge_proof(
    statuses: Mapping[str, str], mutants: Sequence[Mutant], parts: Sequence[Mapping[str, Any]]
) -> tuple[str, str]:
    refuted = [name for name, status in statuses.items() if status == "refuted"]
    if refuted:
        return "refuted", f"an exact witness refutes {refuted[0]!r}"
    survivors = [mutant for mutant in mutants if mutant.fate == "survived"]
    if not mutants:
        return "blind", "the proof takes no gradient of a loss"
    if survivors:
        first = survivors[0]
        return "blind", f"it goes through with the {first.fault} of the gradient of {first.variable} flipped"
    undecided = [name for name, status in statuses.items() if status == "undecided"]
    if undecided:
        return "undecided", f"{undecided[0]!r} has no normal form that settles it"
    unclear = [mutant.reason for mutant in mutants if mutant.fate == "undecided"]
    if unclear:
        return "undecided", f"a planted fault is undecided: {unclear[0]}"
    for part in parts:
        if part["unnoticed"] and not part["any_gradient"]:
            layer = part["unnoticed"][0]
            return "blind", f"{part['name']!r} reads the gradient of {layer} but goes through with any fault in it"
        if part["defined_so"] and not part["reads"]:
            return "blind", f"{part['name']!r} says of what it defines only what its definition says"
    return "proved", "every identity has the normal form zero and no planted fault survives"


def _run_experiments(
    file: Derivation,
    depth: int,
    widths: Sequence[Width],
    store: stores.Store | None,
    run_experiment: Experiment | None,
) -> Runs:
    runner = run_experiment if run_experiment is not None else _experiment_runner()
    check, control = file.experiments(depth, numeric_widths(widths, file.shape))
    return {"check": _evidence(runner, check, store), "control": _evidence(runner, control, store)}


def _experiment_runner() -> Experiment:
    # Imported here: a proof alone needs no numerical library.
    from workbench import experiment

    return experiment.run


def _evidence(runner: Experiment, specification: Mapping[str, Any], store: stores.Store | None) -> dict[str, Any]:
    evidence = runner(specification, store=store)
    return {
        "theorem": specification["theorem"],
        "without": list(specification.get("without", ())),
        "specification": dict(specification),
        "verdict": evidence.verdict,
        "grade": evidence.grade,
        "margin": evidence.margin_decimal,
    }


def _judge_runs(runs: Runs) -> tuple[str, str]:
    check, control = runs["check"], runs["control"]
    if check is None or check["verdict"] != "consistent":
        found = "missing" if check is None else check["verdict"]
        return (
            "refuted" if found == "violated" else "undecided"
        ), f"the identities are proved but the check is {found}"
    if control is None or control["verdict"] != "violated":
        found = "missing" if control is None else control["verdict"]
        return "undecided", f"the control is {found} where it must be violated, so the check tells nothing"
    return "proved", "every identity is proved, no planted fault survives, the check holds and the control fails"


def _theorem_files(runs: Runs) -> list[Path]:
    known = content.modules("theorems")
    named = sorted({part["theorem"] for part in runs.values() if part is not None})
    return [known[name] for name in named if name in known]
