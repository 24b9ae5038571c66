"""A derivation on the page: the outcome, the identities with what they suppose, the faults, the numbered steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.report.prose import inline, literal, named, number, prose
from workbench.store import Record

_LATEX = {"rho": r"\rho", "lambda": r"\lambda", "eta": r"\eta", "x+": "x^{+}", "<=": r"\le", ">=": r"\ge"}
# An identity entry by entry can fill a page, where nobody reads it: some ten lines of a page, in characters of LaTeX.
_LONGEST = 1200

_SYMBOLS = re.compile(r"(?<![\w$^{])(?:rho|lambda|eta|x\+|x|<=|>=)(?![\w$}^])")


def derivation(record: Record) -> list[str]:
    """Return a derivation as Typst blocks."""
    payload = record.payload
    parts = payload["parts"]
    return [
        f"== Derivation: {prose(_sentence_case(record.title))}",
        f"#statement({literal('Claim')}, [{prose(record.statement)}])",
        f"{_depths(payload)} #verdict({literal(record.verdict)}): {prose(payload['reason'])}. "
        f"#aside[{prose(payload['scope'])}]",
        *_identities(parts["prove"], record.name),
        prose(_faults(parts["blindness"])),
        " ".join(_run(name, parts[name]) for name in ("check", "control") if parts.get(name) is not None),
        "#setting[Steps:]",
        *(_step(step) for step in payload["steps"]),
    ]


def _sentence_case(title: str) -> str:
    text = title.rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _depths(payload: Mapping[str, Any]) -> str:
    depths = payload["depth"]
    if isinstance(depths, int) or len(depths) == 1:
        return f"At depth {depths if isinstance(depths, int) else depths[0]}"
    return f"At the depths {', '.join(map(str, depths))}"


def _identities(claims: Sequence[Mapping[str, Any]], derived: str) -> list[str]:
    """Return the identities by setting; what several of them share is said once."""
    notation = _notation(claims)
    blocks = [f"#terms-of[Notation: {_listed(notation)}.]"] if notation else []
    settings = list(dict.fromkeys(claim.get("restriction") or "" for claim in claims))
    for setting in settings:
        members = [claim for claim in claims if (claim.get("restriction") or "") == setting]
        common = _common(members) if setting else []
        if setting:
            that_is = f", that is, {_listed(common)}" if common else ""
            blocks.append(f"#setting[When {prose(named(setting))}{that_is}:]")
        elif len(settings) > 1:
            blocks.append("#setting[Without a setting:]")
        rows = ", ".join(_identity(claim, common, derived, defined=bool(notation)) for claim in members)
        blocks.append(f"#identities({rows})")
    return blocks


def _notation(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the definitions of all identities, or none where two of them define one letter differently."""
    definitions = list(dict.fromkeys(latex for claim in claims for latex in claim.get("where") or ()))
    defined = [latex.partition(" = ")[0] for latex in definitions]
    return definitions if len(set(defined)) == len(defined) else []


def _common(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what every one of some identities supposes."""
    first, *others = [list(claim.get("supposing") or ()) for claim in claims]
    return [latex for latex in first if all(latex in other for other in others)]


def _listed(formulas: Sequence[str]) -> str:
    return ",#h(0.45em) ".join(inline(latex) for latex in formulas)


def _identity(claim: Mapping[str, Any], common: Sequence[str], derived: str, *, defined: bool) -> str:
    name = prose(_relations(named(claim["name"])))
    supposing = [latex for latex in claim.get("supposing") or () if latex not in common]
    terms = [("supposing", supposing), ("where", [] if defined else claim.get("where") or [])]
    said = "; ".join(f"{word} {_listed(formulas)}" for word, formulas in terms if formulas)
    said = "; ".join(part for part in (said, _declared(claim)) if part)
    return f"([{name}], [{_body(claim['latex'], derived)}], verdict({literal(claim['status'])}), [{said}])"


def _body(latex: str, derived: str) -> str:
    """Return the formula of an identity, or where one that is too long to read is printed."""
    if len(latex) <= _LONGEST:
        return inline(latex)
    terms = len(re.findall(r"(?<=[^{(^_=]) [+-] ", latex)) + 1
    return prose(f"{terms} terms, printed by `workbench derive {derived}`")


def _declared(claim: Mapping[str, Any]) -> str:
    """Return what the file declares of an identity that no fault in some gradient refutes."""
    if not claim.get("any_gradient"):
        return ""
    layers = ", ".join(claim["unnoticed"])
    return prose(f"declared to hold for any gradient{f' of `{layers}`' if layers else ', but a fault refutes it'}")


def _relations(text: str) -> str:
    """Return the name of an identity with its relations and lone letters as formulas."""
    return _SYMBOLS.sub(lambda match: f"${_LATEX.get(match[0], match[0])}$", text)


def _faults(faults: Sequence[Mapping[str, Any]]) -> str:
    """Return the fate of the planted faults in words: how many, and which were noticed."""
    if not faults:
        return ""
    fates: dict[str, list[str]] = {}
    for fault in faults:
        fates.setdefault(str(fault["status"]), []).append(named(str(fault["fault"])))
    told = "; ".join(f"{len(names)} {fate} ({', '.join(names)})" for fate, names in fates.items())
    return f"Planted faults: {told}."


def _run(name: str, run: Mapping[str, Any]) -> str:
    dropped = f" without `{', '.join(run['without'])}`" if run.get("without") else ""
    margin = "" if run.get("margin") is None else f", margin ${number(run['margin'])}$"
    words = prose(f"The {name}, a run of `{run['theorem']}`{dropped} ({run.get('grade')}{margin}), is ")
    return f"{words}#verdict({literal(run['verdict'])})."


def _step(step: Mapping[str, Any]) -> str:
    before, after = (f"[{inline(step[side])}]" for side in ("before", "after"))
    return f"#step({step['number']}, [{prose(named(step['rule']))}], {before}, {after})"
