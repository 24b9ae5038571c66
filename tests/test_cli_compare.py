"""`workbench compare`: verdicts, JSON, exit statuses, and one clear line for bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import Command

SPD = ["compare", "positive_definite", "--target", "spectrum:1/2,2;rotate=1", "--depth", "2", "--until-loss", "1e-8"]
KEYS = (
    "theorem verdict grade hypotheses margin margin_decimal error tightness observed_rate predicted_rate steps "
    "backend digits precision_bits status run_id"
).split()


def test_json_is_one_versioned_document_with_every_field(workbench: Command) -> None:
    found = workbench(*SPD, "--backend", "ball", "--digits", "30", "--json")
    assert found.status == 0
    assert found.document["format"] == 1
    assert [key for key in KEYS if key not in found.document] == []
    assert found.document["verdict"] == "consistent"
    assert found.document["grade"] == "enclosure"
    assert {h["name"] for h in found.document["hypotheses"]} >= {"identity_start", "step_size"}
    assert all(h["holds"] in (True, False, None) for h in found.document["hypotheses"])
    assert math.isclose(found.document["margin"], float(found.document["margin_decimal"]))


def test_logs_go_to_standard_error_only(workbench: Command) -> None:
    found = workbench("compare", "positive_definite", "--target", "[[2]]", "--depth", "2", "--json")
    assert json.loads(found.out)["theorem"] == "positive_definite"
    assert "500 steps" in found.err


def test_second_run_is_found_in_the_store_with_the_same_document(workbench: Command) -> None:
    first, second = workbench(*SPD, "--json"), workbench(*SPD, "--json")
    assert first.out == second.out
    assert "found in the store" in workbench(*SPD).err


def test_vacuous_exits_three_and_dropped_hypothesis_is_violated(workbench: Command) -> None:
    saddle = ["compare", "negative_eigenvalue", "--target", '[["-1/2"]]', "--depth", "3", "--step-size", "1"]
    vacuous = workbench(*saddle, "--steps", "40", "--json")
    dropped = workbench(*saddle, "--steps", "40", "--without", "step_size", "--json")
    assert (vacuous.status, vacuous.document["verdict"]) == (3, "vacuous")
    assert (dropped.status, dropped.document["verdict"]) == (1, "violated")
    assert vacuous.document["margin"] is None


@pytest.mark.parametrize("backend", ["float64", "torch", "mp", "ball", "exact"])
def test_descent_that_overflows_is_diverged_and_never_consistent(workbench: Command, backend: str) -> None:
    # The floor holds along the way, but a run that diverged is never consistent.
    arguments = ["--target", "[[-2,0],[0,3]]", "--depth", "4", "--step-size", "2", "--steps", "6"]
    found = workbench("compare", "negative_eigenvalue", *arguments, "--backend", backend, "--json")
    assert found.document["status"] == "diverged"
    assert found.document["verdict"] == "undecided"
    assert found.status == 3


BAD = {
    "unknown theorem": (["compare", "positive_definit", "--target", "[[1]]", "--depth", "2"], "positive_definite"),
    "ragged": (["compare", "positive_definite", "--target", "[[1,2],[3]]", "--depth", "2"], "row 2"),
    "empty": (["compare", "positive_definite", "--target", "[]", "--depth", "2"], "empty"),
    "nan": (["compare", "positive_definite", "--target", "[[NaN]]", "--depth", "2"], "NaN"),
    "infinite": (["compare", "positive_definite", "--target", '[["inf"]]', "--depth", "2"], "inf"),
    "code": (["compare", "positive_definite", "--target", '[["__import__(1)"]]', "--depth", "2"], "rational"),
    "depth": (["compare", "positive_definite", "--target", "[[1]]", "--depth", "-2"], "depth"),
    "chain": (["compare", "positive_definite", "--target", "[[1,0],[0,2]]", "--widths", "2,3"], "outputs"),
    "step": (["compare", "positive_definite", "--target", "[[2]]", "--depth", "2", "--step-size", "-1"], "positive"),
    "steps": (["compare", "positive_definite", "--target", "[[2]]", "--depth", "2", "--steps", "-1"], "positive"),
    "digits": ([*SPD, "--backend", "ball", "--digits", "0"], "digits"),
    "float digits": ([*SPD, "--digits", "20"], "mp and ball"),
    "device": ([*SPD, "--backend", "torch", "--device", "cuda:99"], "device"),
    "backend": ([*SPD, "--backend", "float46"], "float64"),
    "dynamics": ([*SPD, "--dynamics", "descend"], "descent"),
    "hypothesis": ([*SPD, "--without", "step"], "step_size"),
    "parameter": ([*SPD, "--set", "penalty=1"], "penalty"),
    "missing parameter": ([*SPD, "--dynamics", "penalised_descent", "--step-size", "1/32"], "penalty"),
    "start": ([*SPD, "--init", "identitty"], "identity"),
    "family": (["compare", "positive_definite", "--target", "spectrm:1", "--depth", "2"], "spectrum"),
    "family option": (["compare", "positive_definite", "--target", "spectrum:1;rotat=1", "--depth", "2"], "rotate"),
    "no file": (["compare", "positive_definite", "--target", "no.json", "--depth", "2"], "no.json"),
    "no theorem file": (["compare", "no.py", "--target", "[[1]]", "--depth", "2"], "no.py"),
    "no target": (["compare", "positive_definite", "--depth", "2"], "target"),
    "exact steps": ([*SPD[:-2], "--backend", "exact", "--steps", "40"], "at most"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_two(workbench: Command, case: str) -> None:
    arguments, word = BAD[case]
    found = workbench(*arguments)
    lines = [line for line in found.err.splitlines() if not line.startswith("no end was given")]
    assert found.status == 2
    assert found.out == ""
    assert len(lines) == 1
    assert word in lines[0]


def test_wrong_question_leaves_no_store_behind(workbench: Command, tmp_path: Path) -> None:
    assert workbench(*SPD, "--without", "step").status == 2
    assert not (tmp_path / ".workbench").exists()


def test_json_csv_and_npy_targets_agree_with_inline_rows(workbench: Command, tmp_path: Path) -> None:
    rows = [["1/2", "0"], ["0", "2"]]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    (tmp_path / "t.csv").write_text("1/2,0\n0,2\n")
    np.save(tmp_path / "t.npy", np.diag([0.5, 2.0]))
    ids = []
    for target in (json.dumps(rows), "t.json", "t.csv", "t.npy"):
        found = workbench("compare", "positive_definite", "--target", target, "--depth", "2", "--steps", "5", "--json")
        ids.append(found.document["run_id"])
    # The same numbers are the same run, by content and never by path.
    assert len(set(ids)) == 1


@pytest.mark.parametrize(("name", "content"), [("t.json", b"{"), ("t.csv", b"\xff\xfe\x00"), ("t.npy", b"no array")])
def test_file_that_is_not_what_its_ending_says_is_refused(
    workbench: Command, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    found = workbench("compare", "positive_definite", "--target", name, "--depth", "2")
    assert found.status == 2
    assert name in found.err


FALSE_THEOREM = '''r"""The loss halves at every step.

Statement
    $\\ell(t) \\le 2^{-t} \\ell(0)$
Hypotheses
    plain_descent: gradient descent
Standing
    false, for a test
"""
from workbench.theorems import Bound, Example, Run, Source

source = Source(authors="Nobody", year=2026, title="None", where="nowhere")
observes = ("loss",)

def hypotheses(run: Run):
    return [run.plain_descent()]

def predict(run: Run):
    return [Bound("halving", "halving", run.loss, [run.number(run.loss[0]) / 2**k for k in run.steps])]

examples = [Example("slow", "consistent", {
    "problem": {"network": {"kind": "linear", "widths": [1, 1, 1]},
                "loss": {"kind": "square", "target": [["2"]]}, "start": {"scheme": "identity"}},
    "dynamics": {"name": "gradient_descent", "step_size": "1/64", "stop": {"steps": 10}},
    "backend": {"name": "ball", "digits": 20}})]
'''


def test_false_theorem_in_a_file_is_violated(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "halving.py").write_text(FALSE_THEOREM)
    arguments = ["--target", "[[2]]", "--depth", "2", "--step-size", "1/64", "--steps", "10", "--backend", "ball"]
    assert workbench("compare", "halving.py", *arguments).status == 1
    assert workbench("verify", "halving.py").status == 1


def test_false_theorem_that_expects_its_own_violation_still_fails(workbench: Command, tmp_path: Path) -> None:
    text = FALSE_THEOREM.replace('"slow", "consistent"', '"slow", "violated"')
    text = text.replace("examples = [", 'examples = [Example("none", "consistent", {**{}, **_SAME}), ')
    text = text.replace(
        "examples =",
        '_SAME = {"problem": {"network": {"kind": "linear", "widths": [1, 1]}, '
        '"loss": {"kind": "square", "target": [["2"]]}}, "dynamics": {"name": "gradient_descent", '
        '"step_size": "1/2", "stop": {"steps": 3}}}\nexamples =',
        1,
    )
    (tmp_path / "halving.py").write_text(text)
    assert workbench("verify", "halving.py").status == 1


def test_edited_theorem_file_is_recomputed(workbench: Command, tmp_path: Path) -> None:
    path = tmp_path / "halving.py"
    path.write_text(FALSE_THEOREM)
    first = workbench("verify", "halving.py", "--json").document["results"][0]
    path.write_text(FALSE_THEOREM.replace("2**k for k", "1 for k"))
    second = workbench("verify", "halving.py", "--json").document["results"][0]
    assert (first["verdict"], second["verdict"]) == ("violated", "consistent")
    assert second["recomputed"]


def _descent(step: float, steps: int) -> dict[str, np.ndarray]:
    """Two scalar layers from one toward two, in double precision."""
    w, found = np.ones(2), []
    for _ in range(steps + 1):
        found.append(w.copy())
        w = w - step * (w[0] * w[1] - 2.0) * w[::-1]
    layers = np.array(found)
    return {
        "steps": np.arange(steps + 1),
        "step_size": np.array(step),
        "weights_1": layers[:, 0, None, None],
        "weights_2": layers[:, 1, None, None],
    }


def _weights(step: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    arrays = _descent(step, steps)
    return arrays["weights_1"], arrays["weights_2"]


RUN = ["compare", "positive_definite", "--target", "[[2]]", "--depth", "2", "--run", "run.npz", "--json"]


def test_run_made_elsewhere_is_judged(workbench: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", **_descent(0.125, 20), error=1e-13)
    found = workbench(*RUN)
    assert (found.status, found.document["verdict"], found.document["grade"]) == (0, "consistent", "estimate")


def test_tampered_run_made_elsewhere_is_violated(workbench: Command, tmp_path: Path) -> None:
    arrays = _descent(0.125, 20)
    arrays["weights_1"][10] *= 3
    np.savez(tmp_path / "run.npz", **arrays, error=1e-13)
    assert workbench(*RUN).document["verdict"] == "violated"


def test_large_declared_error_decides_nothing(workbench: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", **_descent(0.125, 20), error=1.0)
    assert workbench(*RUN).document["verdict"] == "undecided"


def test_run_of_losses_must_start_at_the_problem_s_loss(workbench: Command, tmp_path: Path) -> None:
    losses = [(float(a[0, 0] * b[0, 0]) - 2.0) ** 2 / 2 for a, b in zip(*_weights(0.125, 20), strict=True)]
    kept = {"steps": np.arange(21), "step_size": np.array(0.125)}
    np.savez(tmp_path / "run.npz", **kept, loss=np.array(losses), loss_error=1e-13)
    assert workbench(*RUN).document["verdict"] == "consistent"
    np.savez(tmp_path / "run.npz", **kept, loss=np.full(21, 1e9), loss_error=1e-13)
    found = workbench(*RUN)
    assert found.status == 2
    assert "step 0" in found.err


def test_run_file_that_is_no_archive_is_refused(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "run.npz").write_bytes(b"nothing")
    found = workbench(*RUN)
    assert found.status == 2
    assert "run.npz" in found.err


def test_a_run_that_starts_elsewhere_is_refused(workbench: Command, tmp_path: Path) -> None:
    arrays = _descent(0.125, 20)
    arrays["weights_1"] = arrays["weights_1"] + 1e-3
    np.savez(tmp_path / "run.npz", **arrays, error=1e-13)
    found = workbench(*RUN)
    assert found.status == 2
    assert "weights_1 at step 0" in found.err


@pytest.mark.parametrize("times", [[0.0, 0.125 * 1.5], [0.0, float("nan")], [0.0, float("inf")]])
def test_times_between_the_steps_are_refused(workbench: Command, tmp_path: Path, times: list[float]) -> None:
    np.savez(tmp_path / "run.npz", times=times, loss=[0.5, 0.1], step_size=0.125)
    found = workbench(*RUN)
    assert found.status == 2
    assert "whole multiples" in found.err
    assert len(found.err.splitlines()) == 1
