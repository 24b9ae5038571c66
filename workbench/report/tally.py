"""The verdicts of a report counted, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workbench.report.lookup import VERDICTS
from workbench.store import Record

_MEANING = (
    "*Margin* is the smallest slack of the inequality, negative where it is violated, and for an identity minus the "
    "largest defect; *tightness* the largest ratio of the two sides after the start, at most 1 where the bound holds."
)


def tally_words(records: Iterable[Record]) -> str:
    """Return how many claims have which verdict, how many are controls, and what became of the derivations."""
    kept = list(records)
    evidence = [record for record in kept if record.kind == "evidence"]
    ensembles = [record for record in kept if record.kind == "ensemble"]
    derived = [record for record in kept if record.kind == "derivation"]
    others = [*_family_words(kept), *_measured_words(kept)]
    probes = [record for record in kept if record.kind == "probe"]
    meaning = [_MEANING] if evidence or ensembles or derived else []
    words = [*_evidence_words(evidence), *others, *_ensemble_words(ensembles), *_derivation_words(derived)]
    return " ".join([*words, *_probe_words(probes), *meaning])


def _family_words(records: list[Record]) -> list[str]:
    families = [record for record in records if record.kind == "family"]
    if not families:
        return []
    counts = Counter(record.verdict for record in families)
    listed = ", ".join(f"{counts[word]} {_be(counts[word])} {word}" for word in VERDICTS if counts[word])
    runs = sum(len(record.payload["run_ids"]) for record in families)
    return [f"Of {len(families)} families of {runs} runs, each judged by its slopes, {listed}."]


def _measured_words(records: list[Record]) -> list[str]:
    measured = [record for record in records if record.kind == "measured"]
    if not measured:
        return []
    members = sum(record.payload["members"] for record in measured)
    return [f"Further {members} trainings are measured in double precision: figures, not evidence for a statement."]


def _evidence_words(records: list[Record]) -> list[str]:
    if not records:
        return []
    counts = Counter(record.verdict for record in records)
    listed = ", ".join(f"{counts[word]} {_be(counts[word])} {word}" for word in VERDICTS)
    enclosed = sum(record.grade == "enclosure" for record in records)
    words = [f"Of {len(records)} runs, {listed}.", f"In {enclosed} the errors are proved enclosures."]
    violated = [record for record in records if record.verdict == "violated"]
    controls = [record for record in violated if any(h.get("dropped") for h in record.hypotheses)]
    if controls:
        what = "a control" if len(controls) == 1 else "controls"
        words.append(
            f"{len(controls)} of the {len(violated)} violations {_be(len(controls))} {what}, with a hypothesis set "
            "aside on purpose."
        )
    if counts["vacuous"]:
        words.append("Where a run is vacuous a hypothesis fails and the statement says nothing.")
    return words


def _ensemble_words(records: list[Record]) -> list[str]:
    if not records:
        return []
    counts = Counter({word: sum(record.payload["counts"].get(word, 0) for record in records) for word in VERDICTS})
    listed = ", ".join(f"{counts[word]} {_be(counts[word])} {word}" for word in VERDICTS)
    # A blank ensemble was not run, and none of its members is counted.
    judged = sum(record.verdict in VERDICTS for record in records)
    what = "1 ensemble" if judged == 1 else f"{judged} ensembles"
    return [f"Of the {sum(counts.values())} members of {what}, {listed}; an ensemble's verdict is its worst."]


def _derivation_words(records: list[Record]) -> list[str]:
    if not records:
        return []
    proved = sum(record.verdict == "proved" for record in records)
    fates = Counter(fault["status"] for record in records for fault in record.payload["parts"]["blindness"])
    planted = sum(fates.values())
    told = ", ".join(f"{count} {_be(count)} {fate}" for fate, count in sorted(fates.items(), key=lambda f: -f[1]))
    return [f"{proved} of {len(records)} derivations {_be(proved)} proved; of {planted} planted faults, {told}."]


def _probe_words(records: list[Record]) -> list[str]:
    if not records:
        return []
    counts = Counter(record.verdict for record in records)
    told = ", ".join(f"{count} {_be(count)} {word}" for word, count in sorted(counts.items()))
    return [f"Of {len(records)} {'probe' if len(records) == 1 else 'probes'}, {told}."]


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
