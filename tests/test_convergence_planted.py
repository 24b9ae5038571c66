"""Rates of convergence with planted errors: each must be noticed, and a sharp rate must not be idle."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from test_convergence_rates import FLOWS, sheet
from test_theorems import carried_out, example_evidence, holds

from workbench import theorems
from workbench.evidence import Evidence
from workbench.theorems._examples import averaged


def noticed(name: str, folder: Path, before: str, after: str) -> bool:
    """Say whether an example of a built-in theorem ends otherwise after an edit of its file."""
    text = theorems.load(name).path.read_text()
    assert text.count(before) == 1, before
    path = folder / f"{name}.py"
    path.write_text(text.replace(before, after))
    examples = theorems.load(str(path)).examples
    return any(carried_out(str(path), e.experiment).verdict != e.expect for e in examples)


# Planted errors. The sharp statements from both sides: a rate 2% too fast is violated, a thousandth of one is idle.

RATES = {
    "deficiency_margin_flow": "return 2 * factor",
    "support_gap": "envelope(run, 2 * gap",
    "imbalance_margin": "envelope(run, 2 * rate",
    "homogeneous_imbalance": "envelope(run, 2 * gamma",
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_rate_two_per_cent_too_fast_is_caught(name: str, tmp_path: Path) -> None:
    assert noticed(name, tmp_path, RATES[name], RATES[name].replace("2 *", "run.number(51) / 25 *"))


def ratio_at_the_start(found: Evidence) -> float:
    """Return the ratio of the rate until the first record to that of the bound."""
    assert found.predicted_rate is not None
    before, after = (float(x.value or 0) for x in found.trajectory.observables["loss"][:2])
    return math.log(before / after) / float(found.trajectory.times[1]) / float(found.predicted_rate.value or 0)


@pytest.mark.parametrize("name", FLOWS)
def test_a_sharp_rate_is_attained_at_the_start(name: str) -> None:
    assert theorems.load(name).tight
    assert 1 <= ratio_at_the_start(example_evidence(name, 0)) < 1.02


@pytest.mark.parametrize("name", FLOWS)
def test_a_rate_a_thousandth_of_the_sharp_one_is_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(
        theorems.load(name).path.read_text().replace(RATES[name], RATES[name].replace("2 *", "run.number(1) / 500 *"))
    )
    idle = carried_out(str(path), theorems.load(name).examples[0].experiment)
    assert idle.verdict == "consistent"
    assert ratio_at_the_start(idle) > 900


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("imbalance_margin", "p + q + plus, remaining(run, inputs)) - plus", "p + q, remaining(run, inputs)) - minus"),
        ("imbalance_margin", "4 * margin", "5 * margin"),
        ("support_gap", "negated(values), inputs", "values, inputs"),
        ("homogeneous_imbalance", "offsets.remove(least)", "offsets.remove(max(offsets))"),
        ("deficiency_margin_flow", "else 1\n", "else run.depth\n"),
        ("deficiency_margin", "exp(-rate *", "exp(-100 * rate *"),
        ("local_descent", "k * eta**2 / 2)", "k * eta**2 / Fraction(51, 25))"),
        ("local_descent", "2 * mu * eta", "Fraction(51, 25) * mu * eta"),
        ("momentum_rate", "(4 * beta", "(run.number(49) * 2 / 25 * beta"),
        ("momentum_rate", "amplitude * beta**step", "amplitude * (49 * beta / 50) ** step"),
        ("momentum_rate", "positive[-1:]", "positive[:1]"),
        ("practical_step", "eta / 2 * slope", "eta * slope"),
        ("practical_step", "bounds[0] >= 0", "bounds[0] >= -20"),
        ("practical_step", "2 * eta * (losses[0]", "eta / 50 * (losses[0]"),
        ("practical_step", "return 2 * ratio", "return 8 * ratio"),
    ],
)  # fmt: skip
def test_a_planted_error_is_caught(name: str, before: str, after: str, tmp_path: Path) -> None:
    assert noticed(name, tmp_path, before, after)


def test_the_local_curvature_is_attained_within_two_per_cent() -> None:
    found = example_evidence("local_descent", 0)
    observed = found.trajectory.observables
    step = float(found.trajectory.method.step_size or 0)
    before, after = (float(x.value or 0) for x in observed["loss"][:2])
    slope = float(observed["gradient_squared_norm"][0].value or 0)
    bound = next(j for j in found.judged if j.prediction.name == "decrease_by_slope")
    allowed = float(bound.rhs[1].value or 0)
    assert 0.98 < (after - before + step * slope) / (allowed - before + step * slope) <= 1


def test_an_averaged_loss_is_outside_every_rate() -> None:
    run = averaged(sheet(2, step_size="1/100", stop={"steps": 1}))
    for name in [*FLOWS, "deficiency_margin", "local_descent", "practical_step"]:
        assert holds(name, run)["setting"] is False


@pytest.mark.parametrize(
    ("name", "numbers"), [("imbalance_margin", {"w": "2", "x": "1"}), ("homogeneous_imbalance", {"L": "2"})]
)
def test_a_counterexample_with_other_numbers_refutes_nothing(name: str, numbers: dict[str, str]) -> None:
    erratum = theorems.load(name).errata[0]
    assert erratum.refutes(erratum.counterexample)
    assert not erratum.refutes({**erratum.counterexample, **numbers})
