"""The outcome of a derivation, and how it is kept and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench import store as stores
from workbench.symbolic import printing, statements
from workbench.symbolic.blindness import Mutant, gradients_read, unnoticed
from workbench.symbolic.calculus import Step
from workbench.symbolic.decisions import Decision
from workbench.symbolic.identities import Claim

_FAULTS = {
    "sign": "sign of",
    "transpose": "one transpose in",
    "double": "twice",
    "stray": "a stray matrix added to",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a derivation; everything it knows is in its record."""

    kept: stores.Record

    @property
    def verdict(self) -> str:
        """One of proved, refuted, undecided, blind."""
        return self.kept.verdict

    @property
    def reason(self) -> str:
        """One sentence that says why."""
        return str(self.kept.payload["reason"])

    @property
    def parts(self) -> Mapping[str, Any]:
        """The identities, the planted faults, the check and the control."""
        parts: Mapping[str, Any] = self.kept.payload["parts"]
        return parts

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The numbered steps, in LaTeX and in text."""
        return list(self.kept.payload["steps"])

    def record(self) -> stores.Record:
        """Return the record to keep."""
        return self.kept

    def text(self) -> str:
        """Return the outcome as lines for the terminal."""
        return text(self.kept)

    def latex(self) -> str:
        """Return every statement, with its abbreviations, and every step as displayed LaTeX."""
        return latex(self.kept)


def text(record: stores.Record) -> str:
    """Return a derivation's record as lines for the terminal: the steps, the claims, the faults, the verdict."""
    parts = record.payload["parts"]
    # What is proved is proved of these: a claim about equal widths says nothing of others.
    lines = [record.title, "", "Cases", *(f"  {case}" for case in record.payload["cases"]), "", "Steps"]
    for step in record.payload["steps"]:
        lines += [f"  {step['number']:3}. {step['rule']}", f"         {step['before_text']}"]
        lines += [f"       → {step['after_text']}"]
    lines += ["", "Claims"]
    for part in parts["prove"]:
        lines += _part_lines(part)
    lines += ["", "Planted faults"]
    lines += [f"  {fault['status']:10} {fault['fault']}" for fault in parts["blindness"]]
    runs = [(name, parts[name]) for name in ("check", "control") if parts[name] is not None]
    lines += ["", "Runs"] if runs else []
    lines += [f"  {part['verdict']:10} {_run_line(name, part)}" for name, part in runs]
    lines += ["", "Scope", "  " + " ".join(record.payload["scope"].split())]
    return "\n".join([*lines, "", f"{record.name}: {record.verdict} ({record.payload['reason']})"])


def latex(record: stores.Record) -> str:
    """Return every statement of a derivation's record and every step as displayed LaTeX, names as comments."""
    blocks = []
    for step in record.payload["steps"]:
        blocks.append(_displayed(f"{step['number']}. {step['rule']}", [step["before"], step["after"]]))
    for part in record.payload["parts"]["prove"]:
        formulas = [part["latex"], *part["where"], *part["supposing"]]
        blocks.append(_displayed(f"{part['name']}: {part['status']}", formulas))
    return "\n\n".join(blocks)


def _displayed(comment: str, formulas: Sequence[str]) -> str:
    return "\n".join([f"% {comment}", *(rf"\[ {formula} \]" for formula in formulas)])


def _run_line(name: str, part: Mapping[str, Any]) -> str:
    dropped = f" without {', '.join(part['without'])}" if part["without"] else ""
    return f"{name}: {part['theorem']}{dropped} ({part['grade']}, margin {part['margin']})"


def describe_claim(
    where: str, claim: Claim, decision: Decision, mutants: Sequence[Mutant], declared: bool = False
) -> dict[str, Any]:
    """Return a decided claim as JSON: LaTeX for documents, text for the terminal.

    `reads` names the layers whose gradient it depends on, as the planted faults show, and `unnoticed` those of them
    whose faults it does not notice.
    """
    certificate = decision.certificate
    return {
        "name": where + claim.name,
        "status": decision.status,
        "reads": list(gradients_read(claim.name, mutants)),
        "unnoticed": list(unnoticed(claim.name, mutants)),
        "any_gradient": declared,
        "defined_so": statements.is_defined_so(claim),
        "notices_faults": any(claim.name in mutant.claims for mutant in mutants),
        "latex": statements.claim_latex(claim),
        "text": statements.claim_unicode(claim),
        "where": statements.definitions_latex(claim),
        "where_text": statements.definitions_unicode(claim),
        "restriction": None if claim.under is None else claim.under.name,
        "supposing": statements.suppositions_latex(claim),
        "supposing_text": statements.suppositions_unicode(claim),
        "witness": None if decision.witness is None else dict(decision.witness),
        "certificate": None if certificate is None else printing.latex(certificate),
    }


def describe_fault(where: str, mutant: Mutant) -> dict[str, Any]:
    """Return a planted fault as JSON."""
    return {
        "fault": f"{where}{_FAULTS[mutant.fault]} the gradient of {mutant.variable}",
        "status": mutant.fate,
        "refuted": list(mutant.claims),
        "reason": mutant.reason,
    }


def describe_step(number: int, where: str, step: Step) -> dict[str, Any]:
    """Return a step of the log as JSON."""
    return {
        "number": number,
        "rule": where + step.rule,
        "before": printing.latex(step.before),
        "after": printing.latex(step.after),
        "before_text": printing.unicode(step.before),
        "after_text": printing.unicode(step.after),
    }


def _aside(part: Mapping[str, Any]) -> str:
    if part["unnoticed"] and not part["any_gradient"]:
        return f"no planted fault in the gradient of {', '.join(part['unnoticed'])} refutes it"
    reads = f"reads the gradient of {', '.join(part['reads'])}" if part["reads"] else "reads no gradient"
    return f"{reads}; {_any_gradient(part)}" if part["any_gradient"] else reads


def _any_gradient(part: Mapping[str, Any]) -> str:
    """Return what a claim declared to hold for any gradient was seen to hold for."""
    if not part["unnoticed"]:
        return "declared to hold for any gradient, but a fault refutes it"
    return f"declared to hold for any gradient of {', '.join(part['unnoticed'])}"


def _part_lines(part: Mapping[str, Any]) -> list[str]:
    lines = [f"  {part['status']:10} {part['name']} ({_aside(part)})", f"             {part['text']}"]
    lines += [f"               where {text}" for text in part["where_text"]]
    if part["restriction"] is not None:
        lines.append(f"               supposing that {part['restriction']}:")
    lines += [f"               supposing {text}" for text in part["supposing_text"]]
    if part["witness"] is not None:
        values = ", ".join(f"{name} = {value}" for name, value in part["witness"].items())
        lines.append(f"               fails at {values}".replace("'", ""))
    return lines
