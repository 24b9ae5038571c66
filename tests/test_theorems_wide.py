"""Widths, residual networks and slow starts: the numbers of the sheet, open constants, and planted errors caught."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import recording, theorems
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence
from workbench.exact import Measured
from workbench.experiment import read
from workbench.theorems._examples import BALL, FLOAT, experiment


def carried_out(name: str, specification: dict[str, Any]) -> Evidence:
    return read({"theorem": name, **specification}).evidence()


def agrees_after(name: str, folder: Path, before: str, after: str) -> bool:
    """Say whether a theorem's examples still end as they say after an edit of its file."""
    text = theorems.load(name).path.read_text()
    assert text.count(before) == 1, before
    path = folder / f"{name}.py"
    path.write_text(text.replace(before, after))
    found = [
        (example.expect, carried_out(str(path), example.experiment).verdict)
        for example in theorems.load(str(path)).examples
        if example.expect == "consistent"
    ]
    return all(expected == verdict for expected, verdict in found)


# Two sides of what is sharp: wrong by 2 %, and a thousand times too weak is no longer near.
PLANTED = [
    ("zero_asymmetric_flow", "RATE = Fraction(2)", "RATE = Fraction(204, 100)"),
    ("zero_asymmetric_flow", "-2 * rate * run.number(time)", "Fraction(-196, 100) * rate * run.number(time)"),
    ("correlated_gradient_bound", "FACTOR = 4", "FACTOR = Fraction(408, 100)"),
    ("correlated_gradient_bound", "POWER = 1", "POWER = 2"),
    ("layers_near_identity", "[level] * len", "[level * Fraction(98, 100)] * len"),
    ("slow_start", "list(run.times)", "[time * Fraction(98, 100) for time in run.times]"),
    ("far_side", "floor if end is None", "floor * Fraction(102, 100) if end is None"),
    ("linear_residual_descent", "run.depth * smallest * part", "6 * run.depth * smallest * part"),
    ("weight_sharing_descent", "factor = 1 - eta", "factor = 1 - 3 * eta"),
    ("orthogonal_kernel", "trace = run.depth", "trace = Fraction(102, 100) * run.depth"),
    ("orthogonal_start", "FRACTION = Fraction(1, 2)", "FRACTION = Fraction(5, 2)"),
    ("gaussian_start", "FRACTION = Fraction(1, 4)", "FRACTION = Fraction(5, 2)"),
    (
        "rank_one_flow",
        "growth = run.reals.exp(run.number(2 * rate",
        "growth = run.reals.exp(run.number(Fraction(204, 100) * rate",
    ),
    ("rank_one_flow", "losses.append((trace**2", "losses.append((trace**2 * Fraction(102, 100)"),
    ("nesterov_modes", "own = beta * (1 - eta * curvature)", "own = beta * (1 - eta * curvature * Fraction(102, 100))"),
    ("nesterov_modes", "own = beta * (1 - eta * curvature)", "own = beta"),
    ("noise_reduction", "[start * (1 - eta * level)", "[start * (1 - Fraction(102, 100) * eta * level)"),
    ("idempotent_skips", "(run.depth - 2) * _square", "(run.depth - 1) * _square"),
    ("repelling_minimum", "[growth * gap for gap in old]", "[growth * gap * Fraction(102, 100) for gap in old]"),
    ("zero_asymmetric_descent", "1 - eta / 2)", "1 - eta * 2)"),
]


@pytest.mark.parametrize(("name", "before", "after"), PLANTED, ids=[f"{p[0]}-{i}" for i, p in enumerate(PLANTED)])
def test_a_planted_error_is_caught(name: str, before: str, after: str, tmp_path: Path) -> None:
    assert not agrees_after(name, tmp_path, before, after)


@pytest.mark.parametrize(
    "name",
    ["zero_asymmetric_flow", "correlated_gradient_bound", "layers_near_identity", "slow_start", "repelling_minimum"],
)
def test_what_is_called_tight_leaves_no_room_for_a_factor(name: str) -> None:
    theorem = theorems.load(name)
    assert theorem.tight
    found = [carried_out(name, e.experiment) for e in theorem.examples if e.expect == "consistent"]
    nearest: dict[str, float] = {}
    for evidence in found:
        for judged in evidence.judged:
            key = judged.prediction.name
            nearest[key] = max(nearest.get(key, 0.0), float(judged.tightness or 0))
    # The second of two bounds may be weaker, but a thousandfold weaker one would be near nothing.
    assert max(nearest.values()) > 0.98
    assert min(nearest.values()) > 0.5


def test_the_spectrum_of_noise_reduction_is_that_of_cosines() -> None:
    singular = importlib.import_module("workbench.theorems._singular")
    for a, size in ((Fraction(1, 2), 5), (Fraction(-1), 6), (Fraction(3), 2)):
        rows = [[-a if i == j else Fraction(i == j + 1) for j in range(size - 1)] for i in range(size)]
        found = [float(x.value) for x in singular.squared_singular_values(rows)]
        cosines = [math.cos(k * math.pi / size) for k in range(1, size)]
        assert found == pytest.approx(sorted(1 + float(a) ** 2 - 2 * float(a) * c for c in cosines), abs=1e-12)
        assert min(found) >= (1 - abs(float(a))) ** 2


# The numbers of the sheet.


def test_eight_layers_and_one_half_have_the_rate_7_4475() -> None:
    chain = experiment(
        [1] * 9,
        {"rows": [["1/2"]]},
        dynamics="gradient_flow",
        stop={"time": "3"},
        start={"scheme": "zero_asymmetric"},
        backend=FLOAT,
    )
    found = carried_out("zero_asymmetric_flow", chain)
    assert found.predicted_rate is not None
    assert found.predicted_rate.value is not None
    assert found.observed is not None
    assert float(found.predicted_rate.value) == pytest.approx(7.4475, abs=1e-4)
    assert float(found.observed.rate) == pytest.approx(7.4475, rel=1e-3)


def test_a_mode_s_value_is_enclosed_and_solves_its_equation() -> None:
    module = importlib.import_module("workbench.theorems.zero_asymmetric_flow")
    for depth, value in ((1, Fraction(3)), (2, Fraction(1, 2)), (8, Fraction(1, 4)), (5, Fraction(0))):
        lower, upper = (module._mode_square(depth, value, above=above) for above in (False, True))
        assert lower * (1 + lower) ** (depth - 1) <= value <= upper * (1 + upper) ** (depth - 1)
        assert upper - lower < Fraction(1, 2**60)


def test_twelve_layers_take_45_steps_where_40_5_are_the_least() -> None:
    chain = experiment(
        [1] * 13,
        {"rows": [["1"]]},
        step_size="1/12",
        stop={"steps": 45},
        start={"scheme": "given", "weights": [[["7/10"]]] * 12},
        backend=BALL,
    )
    found = carried_out("slow_start", chain)
    least = found.judged[0].rhs[-1].value
    assert found.verdict == "consistent"
    assert least is not None
    assert float(12 * least) == pytest.approx(40.5, abs=0.1)


def exponent_ratio(name: str, specification: dict[str, Any]) -> float:
    """Return the exponent of the loss over that of the bound, of the last record."""
    found = carried_out(name, specification)
    judged = found.judged[0]
    assert found.verdict == "consistent"

    def fallen(series: Any) -> float:
        first, last = series[0].value, series[-1].value
        return -math.log1p(float(last / first - 1))

    return fallen(judged.lhs) / fallen(judged.rhs)


def small_step(name: str, index: int) -> dict[str, Any]:
    given = theorems.load(name).examples[index].experiment
    return {**given, "dynamics": {**given["dynamics"], "step_size": "1/1000000", "stop": {"steps": 1}}, "backend": BALL}


def test_an_orthogonal_start_is_four_times_as_fast_as_its_bound() -> None:
    assert exponent_ratio("orthogonal_start", small_step("orthogonal_start", 0)) == pytest.approx(4, rel=1e-4)


def test_a_gaussian_start_is_eight_times_as_fast_as_its_bound() -> None:
    # The squared norms of 4,096 normal numbers are within some 2 % of their mean: the ratio with them.
    wide = experiment(
        [1, 4096, 1],
        {"rows": [["1"]]},
        step_size="1/1000000",
        stop={"steps": 1},
        start={"scheme": "gaussian", "scale": "1/8", "seed": 3},
        backend=FLOAT,
    )
    assert exponent_ratio("gaussian_start", wide) == pytest.approx(8, rel=0.08)


# Constants that a statement leaves open.


def test_an_open_constant_is_repeated_and_can_be_given() -> None:
    given = theorems.load("gaussian_start").examples[0].experiment
    default = carried_out("gaussian_start", given)
    assert default.verdict == "consistent"
    assert any("assumed: C = 1" in note for note in default.notes)
    large = {**given, "constants": {"C": "1000"}}
    assert carried_out("gaussian_start", large).verdict == "vacuous"
    assert any("assumed: C = 1000" in note for note in carried_out("gaussian_start", large).notes)
    ids = {read({"theorem": "gaussian_start", **run}).run_id for run in (given, large)}
    assert len(ids) == 2


def test_the_width_that_is_asked_for_grows_with_depth_for_gaussian_layers_only() -> None:
    widths = {}
    for name, index in (("gaussian_start", 3), ("orthogonal_start", 2)):
        found = carried_out(name, theorems.load(name).examples[index].experiment)
        margin = next(h.margin for h in found.hypotheses if h.name == "width")
        assert margin is not None
        assert margin.value is not None
        widths[name] = 8 - float(margin.value)
    # r = kappa = d = 1: 3 max(1 + 1, ln 10) and (1 + 1/4) + ln 10.
    assert widths["gaussian_start"] == pytest.approx(3 * math.log(10))
    assert widths["orthogonal_start"] == pytest.approx(1.25 + math.log(10))


@pytest.mark.parametrize("constants", [{"D": "1"}, {"C": "x"}])
def test_an_unknown_constant_is_one_clear_line(constants: dict[str, str]) -> None:
    given = theorems.load("gaussian_start").examples[0].experiment
    with pytest.raises(WorkbenchError) as caught:
        carried_out("gaussian_start", {**given, "constants": constants})
    assert "\n" not in str(caught.value)


def test_the_margin_of_a_hypothesis_that_straddles_zero_is_unknown() -> None:
    given = theorems.load("layers_near_identity").examples[0].experiment
    # An eigenvalue known within 1e-14 or so around zero: x^2 = 1 + 1e-30.
    entry = "1000000000000000000000000000001/1000000000000000000000000000000"
    target = {"rows": [["1", entry], [entry, "1"]]}
    problem = {**given["problem"], "loss": {**given["problem"]["loss"], "target": target}}
    found = carried_out("layers_near_identity", {**given, "problem": problem})
    assert found.verdict in ("undecided", "vacuous")
    assert found.verdict != "consistent"


def test_the_best_matrix_and_the_least_loss_are_exact() -> None:
    module = importlib.import_module("workbench.theorems._inputs")
    run = read(
        {"theorem": "linear_residual_descent", **theorems.load("linear_residual_descent").examples[0].experiment}
    )
    loss = run.problem.loss
    known = module.moments(loss)
    # Normal equations: (W* X - Y) X^T = 0.
    for row, labels in zip(known.best, loss.target.rows, strict=True):
        rest = [sum(w * x[n] for w, x in zip(row, loss.inputs.rows, strict=True)) - y for n, y in enumerate(labels)]
        assert all(sum(r * x for r, x in zip(rest, given, strict=True)) == 0 for given in loss.inputs.rows)
    assert known.least > 0
    assert known.spectrum[0].minus(Measured(Fraction(0))).value > 0


def test_a_recorded_run_keeps_the_constant_that_it_was_judged_with(tmp_path: Path) -> None:
    theorem = theorems.load("gaussian_start")
    given = theorem.examples[0].experiment
    weights = read({"theorem": theorem.name, **given}).trajectory(keep_weights=False)
    path = tmp_path / "run.npz"
    losses = [float(x.value or 0) for x in weights.observables["loss"]]
    np.savez(
        path,
        steps=np.array(weights.steps),
        loss=np.array(losses),
        step_size=np.array(float(weights.method.step_size or 0)),
    )
    method = {"name": "gradient_descent"}
    ids = set()
    for constants in ({}, {"C": "1/2"}):
        record = recording.judged(theorem, {**given, "dynamics": method, "constants": constants}, path)
        ids.add(record.id)
    assert len(ids) == 2
