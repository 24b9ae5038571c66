"""Theorem 2 on many targets by their eigenvalues: held to exact numbers, to the theorem, and to full matrices."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from workbench import experiment, theorems
from workbench.ensembles import asked, matrix_check, modes
from workbench.ensembles.envelopes import Envelopes
from workbench.errors import WorkbenchError
from workbench.evidence import run_of
from workbench.store import Store
from workbench.sweeps import runs
from workbench.targets import conditioned

LEVEL = 1e-10


def spectra(members: int, size: int, condition: int) -> np.ndarray:
    return conditioned.spectra(range(members), [size, size], condition)


def carried(values: np.ndarray, depth: int, path: str = "numpy") -> tuple[Envelopes, modes.ModeRun]:
    envelopes = Envelopes(values, depth)
    most = int(envelopes.allowed(LEVEL)[1].max()) + 2
    return envelopes, modes.run(values, envelopes.step_sizes, depth, LEVEL, most, path)


def asking(**changes: Any) -> dict[str, Any]:
    target = {"family": "conditioned", "shape": [2, 2], "condition": 3}
    return {
        "theorem": "positive_definite",
        "problem": {"depth": 2, "target": target},
        "ensemble": {"members": 20, "check": 5, "by": "modes"},
        "dynamics": {"name": "descent", "step_size": "largest", "stop": {"until_loss": "1e-10"}},
        **changes,
    }


@pytest.mark.parametrize(("size", "condition"), [(1, 1), (2, 1), (2, 100), (5, "7/2")])
def test_spectra_are_the_exact_ones_rounded_once(size: int, condition: Any) -> None:
    exact = conditioned.exact_spectra(range(6), [size, size], condition)
    found = conditioned.spectra(range(6), [size, size], condition)
    assert np.array_equal(found, [[float(x) for x in row] for row in exact])
    for seed, row in enumerate(exact):
        assert max(row) / min(row) == Fraction(condition)
        target = conditioned.build([size, size], condition, rotate=1, seed=seed)
        assert target.is_symmetric()
        assert target.eigenvalues == tuple(sorted(row))
        assert sum(target.rows[i][i] for i in range(size)) == sum(row)


@pytest.mark.parametrize("changes", [{"condition": "1/2"}, {"shape": [2, 3]}, {"rotate": 2}, {"shape": [1, 1]}])
def test_a_condition_number_that_there_is_not_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WorkbenchError):
        conditioned.build(**{"shape": [2, 2], "condition": 4, **changes})


@pytest.mark.parametrize(("depth", "condition"), [(1, 4), (2, 40), (3, 10), (8, 10)])
def test_losses_are_within_their_errors_of_high_precision(depth: int, condition: int) -> None:
    values = spectra(3, 3, condition)
    envelopes, run = carried(values, depth)
    context = mpmath.mp.clone()
    context.dps = 50
    for member in range(3):
        eta, level = context.mpf(float(envelopes.step_sizes[member])), context.mpf(LEVEL)
        goals, x, reached = [context.mpf(float(v)) for v in values[member]], [context.mpf(1)] * 3, None
        for step in range(run.records[-1] + 1):
            loss = sum((y**depth - g) ** 2 for y, g in zip(x, goals, strict=True)) / 2
            reached = step if reached is None and loss <= level else reached
            if step in run.records:
                place = run.records.index(step)
                error = float(run.errors[place, member])
                assert abs(loss - float(run.losses[place, member])) <= error
                # Not idle: far below the loss itself.
                assert error <= 1e-6 * max(float(loss), LEVEL)
            x = [y - eta * y ** (depth - 1) * (y**depth - g) for y, g in zip(x, goals, strict=True)]
        assert reached is not None
        assert reached <= run.reached[member] <= reached + 1


@pytest.mark.parametrize(("depth", "condition"), [(1, 3), (2, 30), (4, 8)])
def test_envelopes_and_counts_are_the_theorem_s(depth: int, condition: int) -> None:
    values = spectra(4, 3, condition)
    envelopes, run = carried(values, depth)
    judged = envelopes.judge(run, LEVEL)
    theorem = theorems.load("positive_definite")
    for member in range(4):
        target = {"family": "conditioned", "shape": [3, 3], "condition": condition, "seed": member}
        step_size = str(Fraction(float(envelopes.step_sizes[member])))
        evidence = experiment.run(
            {
                "theorem": "positive_definite",
                "problem": {"network": {"widths": [3] * (depth + 1)}, "loss": {"target": target}},
                "dynamics": {"name": "descent", "step_size": step_size, "stop": {"until_loss": "1e-10"}},
                "backend": {"name": "ball", "digits": 30},
            }
        )
        assert evidence.verdict == judged.verdicts[member] == "consistent"
        view = run_of(evidence.trajectory)
        with view.reals.session():
            bound, count, *_ = theorem.predict(view)
        for step in (k for k in run.records if k <= run.reached[member]):
            found, error = envelopes.at(step)
            assert abs(float(bound.rhs[evidence.trajectory.steps.index(step)].value) - found[member]) <= error[member]
        fewest, most = envelopes.allowed(LEVEL)
        assert fewest[member] <= float(count.at_most.value) <= most[member] <= fewest[member] + 1e-6
        assert run.reached[member] - evidence.trajectory.steps[-1] in (0, 1)


def test_a_faster_rate_is_violated(monkeypatch: pytest.MonkeyPatch) -> None:
    values = spectra(20, 3, 10)
    envelopes, run = carried(values, 2)
    assert set(envelopes.judge(run, LEVEL).verdicts) == {"consistent"}
    envelopes._log_factor = envelopes._log_factor * 2
    broken = envelopes.judge(run, LEVEL)
    assert set(broken.verdicts) == {"violated"}
    assert broken.tightness.min() > 1


def test_a_count_that_is_too_small_is_violated_and_a_wide_error_decides_nothing() -> None:
    values = spectra(20, 3, 10)
    envelopes, run = carried(values, 2)
    envelopes._contraction = envelopes._contraction * 4
    assert set(envelopes.judge(run, LEVEL).verdicts) == {"violated"}
    envelopes, run = carried(values, 2)
    run.errors[:] = 1.0
    assert set(envelopes.judge(run, LEVEL).verdicts) == {"undecided"}


def test_full_matrices_agree_and_a_wrong_recursion_is_seen() -> None:
    values = spectra(12, 3, 10)
    envelopes, run = carried(values, 3)
    found = matrix_check.check(values, envelopes.step_sizes, 3, LEVEL, run)
    assert found.agrees
    assert found.complete
    assert found.defect < 1e-8
    nearly = values * (1 + 1e-5)
    assert not matrix_check.check(nearly, envelopes.step_sizes, 3, LEVEL, run).agrees
    assert not matrix_check.check(values, envelopes.step_sizes / 1.01, 3, LEVEL, run).agrees
    assert not matrix_check.check(values, envelopes.step_sizes, 4, LEVEL, run).agrees


def test_a_check_is_cut_where_its_work_ends() -> None:
    values = spectra(4, 2, 10)
    envelopes, run = carried(values, 2)
    found = matrix_check.check(values, envelopes.step_sizes, 2, LEVEL, run, operations=4 * 16 * 3 * 7)
    assert (found.steps, found.complete, found.agrees) == (7, False, True)


@pytest.mark.long
@pytest.mark.parametrize(("depth", "size"), [(1, 1), (5, 3), (64, 16)])
def test_the_compiled_recursion_is_the_plain_one(depth: int, size: int) -> None:
    pytest.importorskip("numba", reason="the compiled recursion needs numba")
    values = spectra(37, size, 1 if size == 1 else 4)
    _, plain = carried(values, depth)
    _, fast = carried(values, depth, "compiled")
    assert fast.records == plain.records
    assert np.array_equal(fast.reached, plain.reached)
    assert (np.abs(fast.losses - plain.losses) <= fast.errors + plain.errors).all()
    assert np.allclose(fast.reached_error, plain.reached_error, rtol=1e-3, atol=2e-19)


def test_a_record_counts_and_is_found_the_second_time(tmp_path: Any) -> None:
    store = Store(tmp_path)
    record, fresh = runs.read(asking()).record(store)
    again, computed = runs.read(asking()).record(store)
    assert (fresh, computed) == (True, False)
    assert again == record
    assert record.verdict == "consistent"
    assert record.payload["counts"] == {"violated": 0, "undecided": 0, "vacuous": 0, "consistent": 20}
    assert record.payload["check"]["agrees"]
    assert 0 < record.payload["tightness_median"] <= record.payload["tightness"] <= 1
    assert record.payload["steps"] <= record.payload["allowed"]


def test_a_member_is_an_exact_problem_that_can_be_run_alone() -> None:
    found = asked.read(asking())
    assert found.ensemble.member(3).loss.target.eigenvalues == tuple(
        sorted(conditioned.exact_spectra([3], [2, 2], 3)[0])
    )


def test_what_would_take_too_long_is_left_blank_and_says_why() -> None:
    stop = {"until_loss": "1e-10", "most": 5}
    record, _ = runs.read(asking(dynamics={"stop": stop})).record()
    assert record.verdict == "blank"
    assert sum(record.payload["counts"].values()) == 0
    assert "above the limit of 5" in record.payload["notes"][0]
    assert "above the limit of 5" in str(runs.row(record)["why_blank"])


def test_a_disagreement_leaves_the_verdict_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_check, "RESOLUTION", 1e-30)
    record, _ = runs.read(asking()).record()
    assert record.verdict == "undecided"
    assert "disagree" in record.payload["notes"][-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"theorem": "near_identity"},
        {"without": ["step_size"]},
        {"backend": {"name": "float32"}},
        {"ensemble": {"members": 20, "by": "magic"}},
        {"ensemble": {"members": 0, "by": "modes"}},
        {"dynamics": {"stop": {"steps": 3}}},
        {"dynamics": {"name": "heavy_ball", "stop": {}}},
        {"problem": {"depth": 2, "target": {"family": "near_identity", "shape": [2, 2]}}},
    ],
)
def test_what_modes_cannot_carry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WorkbenchError) as caught:
        runs.read(asking(**changes))
    assert "\n" not in str(caught.value)
