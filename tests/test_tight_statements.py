"""What is called tight is held from both sides: three in a hundred stronger, an example refutes it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from workbench import theorems
from workbench.evidence import compare
from workbench.exact import Measured
from workbench.experiment import read
from workbench.theorems import Bound, Identity, Prediction
from workbench.theorems._run import Run
from workbench.theorems._statement import Number

# Sharp in the limit of long times alone: a wrong constant is caught along a family, in `tests/test_identity_paper.py`.
LATE = ("singular_target",)
LOADED = [theorems.load(name) for name in theorems.catalogue() if name not in LATE]
TIGHT = [theorem.name for theorem in LOADED if theorem.tight and theorem.examples]
FACTORS = (Fraction(97, 100), Fraction(103, 100))


def scaled(value: Number, factor: Fraction) -> Number:
    if isinstance(value, Measured):
        parts = (None if part is None else part * factor for part in (value.value, value.error))
        return Measured(*parts)
    return None if value is None else value * factor


def stronger(prediction: Prediction, factor: Fraction) -> Prediction:
    """Return a bound with its right side off by a factor, an identity also by more than its resolution."""
    if isinstance(prediction, Bound):
        return replace(prediction, rhs=[scaled(x, factor) for x in prediction.rhs])
    if isinstance(prediction, Identity):
        return replace(prediction, lhs=_shifted(prediction, factor))
    return prediction


def _shifted(prediction: Identity, factor: Fraction) -> list[Number]:
    shift, found = 4 * prediction.resolution, []
    for value in prediction.lhs:
        moved = scaled(value, factor)
        if isinstance(moved, Measured):
            found.append(Measured(None if moved.value is None else moved.value + shift, moved.error))
        else:
            found.append(None if moved is None else moved + shift)
    return found


def refuted(name: str, factor: Fraction, monkeypatch: pytest.MonkeyPatch) -> bool:
    theorem = theorems.load(name)
    predict = theorem.module.predict

    def wrong(run: Run) -> list[Prediction]:
        return [stronger(prediction, factor) for prediction in predict(run)]

    monkeypatch.setattr(theorem.module, "predict", wrong)
    for example in theorem.examples:
        if example.expect == "consistent":
            tried = read(example.experiment, theorem)
            if compare(theorem, tried.trajectory(), tried.without, tried.constants).verdict == "violated":
                return True
    return False


@pytest.mark.long
@pytest.mark.parametrize("name", TIGHT)
def test_a_tight_statement_three_in_a_hundred_stronger_is_violated(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for factor in FACTORS:
        with monkeypatch.context() as patch:
            if refuted(name, factor, patch):
                return
    pytest.fail(f"{name} is called tight, and three in a hundred stronger it is still obeyed by its examples")


def test_a_rate_of_weight_sharing_wrong_by_two_per_cent_is_caught(tmp_path: Path) -> None:
    text = theorems.load("weight_sharing").path.read_text(encoding="utf-8")
    before = "exp(-2 * rate * time)"
    assert text.count(before) == 1
    path = tmp_path / "weight_sharing.py"
    path.write_text(text.replace(before, "exp(-2 * Fraction(51, 50) * rate * time)"), encoding="utf-8")
    theorem = theorems.load(str(path))
    examples = [e.experiment for e in theorem.examples if e.expect == "consistent"]
    assert "violated" in [read(e, theorem).evidence().verdict for e in examples]
