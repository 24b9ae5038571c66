"""A sweep as the family of runs of one limit: carried out, judged, and kept as one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench import content, experiment, theorems
from workbench.errors import InputError
from workbench.exact import Measured, decimal_text, to_float
from workbench.experiment import Experiment
from workbench.store import Record, Store, fingerprint
from workbench.sweeps import specification
from workbench.sweeps.judgement import FamilyEvidence, JudgedLimit, judge
from workbench.theorems import FamilyExample, Theorem


@dataclass(frozen=True)
class Family:
    """A statement about a limit, and the experiments of its family in order.

    Parameters
    ----------
    theorem : Theorem
    members : sequence of Experiment
    values : sequence of mapping
        What varies, for each member.
    without : tuple of str
        Hypotheses to set aside.
    """

    theorem: Theorem
    members: Sequence[Experiment]
    values: Sequence[Mapping[str, Any]]
    without: tuple[str, ...] = ()

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        return {"kind": "family", "members": [member.specification() for member in self.members]}

    def evidence(self, advance: Callable[[], None] = lambda: None) -> FamilyEvidence:
        """Carry every run out and judge the limits, reporting each run that is done."""
        trajectories = []
        for member in self.members:
            trajectories.append(member.trajectory())
            advance()
        return judge(self.theorem, trajectories, self.without)

    def record(self, store: Store | None = None, advance: Callable[[], None] = lambda: None) -> tuple[Record, bool]:
        """Return the record of this family, and whether it was computed now rather than found."""
        asked = self.specification()
        found = None if store is None else store.current(asked)
        if found is not None:
            return found, False
        record = _record(self, self.evidence(advance), asked)
        if store is not None:
            store.put(record)
        return record, True


def read(template: specification.Template, theorem: Theorem | None = None) -> Family:
    """Return the family that a sweep stands for."""
    if template.theorem is None:
        raise InputError("a family is judged by a theorem; a sweep of trainings has none")
    theorem = theorem or theorems.load(template.theorem)
    cells = list(specification.cells(template))
    members = [experiment.read(cell.specification, theorem) for cell in cells]
    return Family(theorem, members, [cell.values for cell in cells], tuple(template.without))


def of_example(theorem: Theorem, example: FamilyExample) -> Family:
    """Return the family of an example."""
    data = {**example.sweep, "theorem": theorem.name}
    return read(specification.validated(data, example.name), theorem)


def _record(family: Family, evidence: FamilyEvidence, asked: dict[str, Any]) -> Record:
    theorem = family.theorem
    files = [content.reference(theorem.path)]
    return Record(
        kind="family",
        name=theorem.name,
        specification=asked,
        fingerprint=fingerprint([content.resolve(name) for name in files]),
        title=theorem.title,
        statement=theorem.statement,
        standing=theorem.standing,
        hypotheses=_hypotheses(family, evidence),
        source=asdict(theorem.source),
        files=files,
        verdict=evidence.verdict,
        grade=evidence.grade,
        margin=decimal_text(evidence.gap.value),
        error=decimal_text(evidence.gap.error, 3),
        payload={
            "members": [{k: str(v) for k, v in values.items()} for values in family.values],
            "run_ids": [member.run_id for member in family.members],
            "steps": [trajectory.steps[-1] for trajectory in evidence.trajectories],
            "statements": [_limit(judged) for judged in evidence.judged],
        },
    )


def _hypotheses(family: Family, evidence: FamilyEvidence) -> list[dict[str, Any]]:
    """Return each hypothesis with the smallest margin over the members."""
    rows = []
    for audited in zip(*evidence.hypotheses, strict=True):
        held = {h.holds for h in audited}
        margins = [h.margin.value for h in audited if h.margin is not None and h.margin.value is not None]
        smallest = min(margins, default=None)
        rows.append(
            {
                "name": audited[0].name,
                "text": family.theorem.hypothesis_texts.get(audited[0].name, ""),
                "margin": to_float(smallest),
                "margin_decimal": decimal_text(smallest),
                "holds": False if False in held else None if None in held else True,
                "dropped": audited[0].name in family.without,
            }
        )
    return rows


def _limit(judged: JudgedLimit) -> dict[str, Any]:
    def decimals(numbers: Sequence[Measured]) -> list[str | None]:
        return [decimal_text(number.value) for number in numbers]

    prediction = judged.prediction
    return {
        "kind": "limit",
        "name": prediction.name,
        "label": prediction.label,
        "latex": prediction.latex,
        "verdict": judged.verdict,
        "values": decimals(judged.values),
        "errors": [decimal_text(value.error, 3) for value in judged.values],
        "limit": decimal_text(judged.limit.value),
        "gaps": decimals(judged.gaps),
        "resolution": decimal_text(prediction.resolution, 3),
    }
