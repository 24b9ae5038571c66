"""The commands besides `compare`: what they print, how they end, and what they leave in the store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

COMMANDS = ["list", "show", "derive", "verify", "compare", "family", "report", "invariants", "bench", "doctor"]
FRAMEWORKS = ["numpy", "sympy", "torch", "mpmath", "flint", "matplotlib", "typst", "tex2typst", "rich", "gmpy2"]

_LOADED = """
import sys
from workbench.cli import main
sys.argv = ["workbench", *sys.argv[1:]]
try:
    main()
except SystemExit:
    print("LOADED", *(name for name in {frameworks!r} if name in sys.modules))
"""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_no_framework(command: str) -> None:
    arguments = [*command.split(), "--help"]
    found = subprocess.run(
        [sys.executable, "-c", _LOADED.format(frameworks=FRAMEWORKS), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Usage: workbench" in found.stdout
    assert found.stdout.splitlines()[-1] == "LOADED"


def assert_one_line(found: Any, *words: str) -> None:
    """Assert that a question was refused in one clear line."""
    assert found.status == 2
    assert found.out == ""
    assert len(found.err.splitlines()) == 1
    assert found.err.startswith("workbench: ")
    assert [word for word in words if word not in found.err] == []


def test_list_names_every_kind(workbench_here: Command) -> None:
    found = workbench_here("list", "--json")
    assert found.document["format"] == 1
    assert "positive_definite" in [theorem["name"] for theorem in found.document["theorems"]]
    assert "balancedness_flow" in found.document["derivations"]
    assert found.document["backends"] == ["float64", "mp", "ball", "exact", "torch"]
    assert {"dynamics", "starts", "targets", "observables", "reports"} <= set(found.document)
    assert "positive_definite" in workbench_here("list").out


def test_show_prints_a_theorem_and_what_shares_its_name(workbench_here: Command) -> None:
    found = workbench_here("show", "positive_definite")
    assert found.status == 0
    for heading in ("Statement", "Hypotheses", "Standing", "Proof", "Source", "@misc"):
        assert f"\n{heading}" in found.out
    assert "derivations: positive_definite_envelope" in found.out
    document = workbench_here("show", "positive_definite", "--json").document
    assert document["hypotheses"][0]["name"] == "setting"
    assert document["thread"]["derivations"] == ["positive_definite_envelope"]


def test_show_prints_a_derivation_by_name_and_by_path(workbench_here: Command) -> None:
    path = Path(__file__).parent.parent / "derivations" / "balancedness_flow.py"
    by_name, by_path = workbench_here("show", "balancedness_flow"), workbench_here("show", str(path))
    assert by_name.status == by_path.status == 0
    assert by_name.out == by_path.out
    assert "Scope" in by_name.out
    assert "constant" in workbench_here("show", "balancedness_flow", "--json").document["claim"]


def test_show_prints_the_thread_of_a_stem(workbench_here: Command) -> None:
    found = workbench_here("show", "balancedness", "--json")
    assert found.document["thread"]["observables"][0].startswith("balancedness")
    assert workbench_here("show", "loss").out == "observables: loss\n"


def test_show_of_an_unknown_name_gives_the_nearest_ones(workbench_here: Command) -> None:
    assert_one_line(workbench_here("show", "positive_definit"), "positive_definite", "did you mean")
    found = workbench_here("show", "zzz")
    assert_one_line(found, "known: ")
    names = found.err.partition("known: ")[2].strip().split(", ")
    assert len(names) == len(set(names))


BAD = {
    "no such command": (["verfy"], "verfy"),
    "no such option": (["verify", "--frob"], "--frob"),
    "a number that is none": (["derive", "gradient_flow", "--depth", "two"], "--depth"),
    "derive unknown": (["derive", "gradient_flo"], "gradient_flow"),
    "derive no file": (["derive", "no.py"], "no.py"),
    "derive letters": (["derive", "gradient_flow", "--widths", "2,x"], "2,x"),
    "derive one width": (["derive", "gradient_flow", "--widths", "2"], "at least two"),
    "derive width zero": (["derive", "gradient_flow", "--widths", "2,0,2"], "positive"),
    "derive depth": (["derive", "gradient_flow", "--depth", "-1"], "depth"),
    "derive shallow": (["derive", "balancedness_flow", "--depth", "1"], "depth 2"),
    "derive both": (["derive", "gradient_flow", "--depth", "3", "--widths", "2,3,2"], "one of them"),
    "derive width of no depth": (["derive", "gradient_flow", "--width", "2"], "with --depth"),
    "derive width and widths": (["derive", "gradient_flow", "--width", "2", "--widths", "2,2"], "without --widths"),
    "derive width nothing": (["derive", "gradient_flow", "--depth", "2", "--width", "0"], "the width is 0"),
    "derive square": (["derive", "equal_layers", "--widths", "2,3,2"], "equal widths"),
    "derive too much": (["derive", "gradient_flow", "--depth", "40"], "fewer layers"),
    "verify unknown": (["verify", "positive_definit"], "positive_definite"),
    "verify one of two": (["verify", "balancedness_flow", "zzz"], "zzz"),
    "verify no file": (["verify", "no.py"], "no.py"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_question_is_one_line_and_leaves_nothing(workbench_here: Command, tmp_path: Path, case: str) -> None:
    arguments, word = BAD[case]
    assert_one_line(workbench_here(*arguments), word)
    assert list(tmp_path.iterdir()) == []


def test_no_argument_prints_the_help(workbench: Command) -> None:
    found = workbench()
    assert found.status == 2
    assert all(command in found.out + found.err for command in COMMANDS)


def test_derive_prints_the_flow_of_the_network_that_was_named(workbench_here: Command) -> None:
    found = workbench_here("derive", "gradient_flow", "--widths", "2,3,2", "--latex")
    assert found.status == 0
    assert r"\dot{W}_{1}" in found.out
    document = workbench_here("derive", "gradient_flow", "--widths", "2,3,2", "--json").document
    assert (document["format"], document["verdict"], document["widths"]) == (1, "proved", [2, 3, 2])


def test_one_width_is_that_of_all_layers(workbench_here: Command) -> None:
    document = workbench_here("derive", "spectral_laws", "--depth", "2", "--width", "2", "--json").document
    assert (document["verdict"], document["widths"]) == ("proved", [2, 2, 2])


def test_doctor_says_what_is_installed_and_what_the_store_holds(workbench_here: Command) -> None:
    assert workbench_here("derive", "balancedness_flow", "--depth", "2").status == 0
    found = workbench_here("doctor", "--json")
    assert found.status == 0
    assert found.document["store"] == {"path": ".workbench", "records": 1, "stale": 0}
    assert {"numpy", "sympy", "torch"} <= {package["name"] for package in found.document["packages"]}
    assert "1 records, 0 stale" in workbench_here("doctor").out


THEOREM = '''r"""The loss stays below a multiple of its start.

Statement
    $\\ell(t) \\le c \\ell(0)$
Hypotheses
    plain_descent: gradient descent
    shallow: at most two layers
Standing
    made for a test
"""
from fractions import Fraction
from workbench.theorems import Bound, Example, Hypothesis, Source

source = Source(authors="Nobody", year=2026, title="None", where="nowhere")
observes = ("loss",)

def hypotheses(run):
    return [run.plain_descent(), Hypothesis.decided("shallow", run.depth <= {depth})]

def predict(run):
    bound = run.number(run.loss[0]) * Fraction("{factor}")
    return [Bound("ceiling", "ceiling", run.loss, [bound for _ in run.steps])]

examples = [Example("two layers", "consistent", {{
    "problem": {{"network": {{"kind": "linear", "widths": [1, 1, 1]}},
                "loss": {{"kind": "square", "target": [["2"]]}}}},
    "dynamics": {{"name": "gradient_descent", "step_size": "1/64", "stop": {{"steps": 4}}}}}})]
'''


@pytest.fixture
def theorems(tmp_path: Path) -> None:
    """Write a theorem that holds, one that does not, and one that does not apply."""
    (tmp_path / "holds.py").write_text(THEOREM.format(depth=2, factor="1"))
    (tmp_path / "fails.py").write_text(THEOREM.format(depth=2, factor="1/8"))
    (tmp_path / "idle.py").write_text(THEOREM.format(depth=1, factor="1"))


@pytest.mark.usefixtures("theorems")
@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["holds"], 0),
        (["idle"], 3),
        (["fails"], 1),
        (["holds", "idle"], 3),
        (["idle", "fails", "holds"], 1),
        (["holds", "fails", "idle"], 1),
    ],
)
def test_of_several_verdicts_one_beats_three_beats_zero(workbench_here: Command, names: list[str], status: int) -> None:
    found = workbench_here("verify", *(f"{name}.py" for name in names), "--json")
    assert (found.status, found.document["status"]) == (status, status)
    assert [result["name"] for result in found.document["results"]] == names


@pytest.mark.usefixtures("theorems")
def test_a_theorem_by_path_works_as_a_built_in_one(workbench_here: Command) -> None:
    shown = workbench_here("show", "holds.py")
    assert shown.status == 0
    assert "The loss stays below" in shown.out
    arguments = ["compare", "holds.py", "--target", "[[2]]", "--depth", "2", "--step-size", "1/64", "--steps", "4"]
    assert workbench_here(*arguments, "--json").document["verdict"] == "consistent"
    # Named with its folder it is the same run.
    first = workbench_here("verify", "holds.py", "--json").document["results"][0]
    second = workbench_here("verify", "./holds.py", "--json").document["results"][0]
    assert (first["run_id"], second["recomputed"]) == (second["run_id"], False)


def test_a_derivation_by_path_works_as_a_built_in_one(workbench_here: Command, tmp_path: Path) -> None:
    source = Path(__file__).parent.parent / "derivations" / "balancedness_flow.py"
    (tmp_path / "mine.py").write_bytes(source.read_bytes())
    assert workbench_here("derive", "mine.py", "--depth", "2").status == 0
    found = workbench_here("verify", "mine.py", "--json")
    assert (found.status, found.document["results"][0]["name"]) == (0, "mine")


def test_a_store_that_is_a_file_is_refused(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("words")
    for command in (["verify", "balancedness_flow"], ["derive", "balancedness_flow"], ["doctor"]):
        assert_one_line(workbench(*command, "--store", "store"), "store", "folder")
    assert_one_line(workbench("verify", "balancedness_flow", WORKBENCH_STORE="store"), "folder")


def test_the_environment_names_the_store_and_the_option_beats_it(workbench: Command, tmp_path: Path) -> None:
    derive = ["derive", "balancedness_flow", "--depth", "2"]
    assert workbench(*derive, WORKBENCH_STORE="kept").status == 0
    assert workbench(*derive, "--store", "other", WORKBENCH_STORE="kept").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "other"]


def test_a_record_whose_bytes_changed_is_refused(workbench: Command, tmp_path: Path) -> None:
    assert workbench("derive", "balancedness_flow", "--depth", "2").status == 0
    (record,) = (tmp_path / ".workbench" / "records").glob("*.json")
    data = record.read_bytes()
    for harmed in (data.replace(b"proved", b"proven"), data[:200], b""):
        record.write_bytes(harmed)
        assert_one_line(workbench("derive", "balancedness_flow", "--depth", "2"), record.name, "delete")
    assert_one_line(workbench("doctor"), record.name)


# A minute's work in all would tell no more of a kill in its middle than these few.
SOME = ("balancedness", "equal_layers", "near_identity", "negative_eigenvalue", "positive_definite")


def _begun(tmp_path: Path) -> subprocess.Popen[str]:
    """Start to verify some theorems, and return once the first record is kept."""
    command = [sys.executable, "-m", "workbench", "verify", *SOME]
    environment = {k: v for k, v in os.environ.items() if k != "WORKBENCH_STORE"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while time.monotonic() < end and not list((tmp_path / ".workbench" / "records").glob("*.json")):
        time.sleep(0.002)
    return process


def test_a_killed_process_leaves_a_store_that_the_next_run_uses(workbench: Command, tmp_path: Path) -> None:
    process = _begun(tmp_path)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # What a kill in the middle of a write leaves: a part that no reader takes for a record.
    (tmp_path / ".workbench" / "records" / ".half.part").write_text('{"format"')
    found = workbench("verify", *SOME, "--json")
    assert found.status == 0
    recomputed = [result["recomputed"] for result in found.document["results"]]
    assert (recomputed[0], recomputed[-1]) == (False, True)


def test_an_interrupted_process_says_so(tmp_path: Path) -> None:
    process = _begun(tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == "workbench: interrupted; what was finished is in the store\n"


def test_a_closed_pipe_is_not_taken_for_a_violation(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench", "show", "positive_definite"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (141, "")


REPORT = """
title = "One run"
[[runs]]
key = "drift"
theorem = "balancedness_drift"
depth = 2
target = { rows = [["2"]] }
step_size = "1/8"
steps = 3
[[sections]]
heading = "Drift"
words = "After {drift:steps} steps."
"""


def test_a_report_is_found_by_its_folder_wherever_that_lies(workbench_here: Command, tmp_path: Path) -> None:
    # It bears the name of a built-in one, which must not be taken for it.
    folder = tmp_path / "mine" / "bartlett2018"
    folder.mkdir(parents=True)
    (folder / "report.toml").write_text(REPORT)
    assert_one_line(workbench_here("report", "mine/bartlett2018"), "workbench verify mine/bartlett2018")
    found = workbench_here("verify", "mine/bartlett2018", "--json")
    assert (found.status, [result["part"] for result in found.document["results"]]) == (0, ["drift"])
    assert workbench_here("report", "mine/bartlett2018").out == "wrote mine/bartlett2018/bartlett2018.pdf\n"
    assert (folder / "bartlett2018.pdf").read_bytes().startswith(b"%PDF")
