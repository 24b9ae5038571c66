"""An ensemble's evidence as a record: the four counts, and the worst member by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from workbench import content
from workbench.ensembles.verdicts import EnsembleEvidence
from workbench.exact import decimal_text
from workbench.store import Record, fingerprint


def ensemble_record(found: EnsembleEvidence, specification: dict[str, Any], files: list[str]) -> Record:
    """Return the record of an ensemble.

    Parameters
    ----------
    found : EnsembleEvidence
    specification : dict
        Canonical JSON of what was asked.
    files : list of str
        References of the theorem's file.
    """
    theorem, margin = found.theorem, found.worst_margin
    texts, dropped = theorem.hypothesis_texts, specification["without"]
    return Record(
        kind="ensemble",
        name=theorem.name,
        specification=specification,
        fingerprint=fingerprint([content.resolve(name) for name in files]),
        title=theorem.title,
        statement=theorem.statement,
        standing=theorem.standing,
        # Margins differ from member to member: the words stand here, and the worst member can be run alone.
        hypotheses=[
            {"name": n, "text": t, "margin": None, "margin_decimal": None, "holds": None, "dropped": n in dropped}
            for n, t in texts.items()
        ],
        source=asdict(theorem.source),
        files=files,
        verdict=found.verdict,
        grade="estimate",
        margin=decimal_text(margin.value),
        error=decimal_text(margin.error, 3),
        payload=_payload(found, specification),
    )


def _payload(found: EnsembleEvidence, specification: dict[str, Any]) -> dict[str, Any]:
    ensemble, worst = found.ensemble, found.worst_member
    target = ensemble.member(worst).loss.target
    backend = specification["backend"]
    bits = 53 if backend["precision"] == "float64" else 24
    return {
        "depth": ensemble.network.depth,
        "widths": list(ensemble.widths),
        "target": {"label": f"{ensemble.count} of the family {ensemble.target['family']}; the worst: {target.label}"},
        "backend": {"name": backend["precision"], "digits": None, "precision_bits": bits, "device": backend["device"]},
        "method": {"step_size_decimal": None, "parameters": {}},
        "loss": {"values": [], "errors": []},
        "members": ensemble.count,
        "counts": dict(found.counts),
        "statuses": dict(found.statuses),
        # The one in which most members ended.
        "status": max(found.statuses, key=lambda word: (found.statuses[word], word), default="finished"),
        "steps": specification["dynamics"]["steps"],
        "tightness": None,
        "worst_member": worst,
        "worst_seed": ensemble.seed_of(worst),
        "worst_problem": ensemble.member(worst).specification(),
        "worst_step_size": str(ensemble.step_size(worst)),
        "notes": [
            f"the verdict is the worst of {ensemble.count} members: number {worst}, which can be run alone",
            *found.notes,
        ],
        "statements": [],
    }
