"""The statements: their examples, the numbers of the catalogue sheet, and planted errors that must be caught."""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from workbench import observables, theorems
from workbench.errors import TheoremFileError, UnknownNameError, WorkbenchError
from workbench.evidence import Evidence, compare
from workbench.exact import Measured
from workbench.experiment import read
from workbench.theorems._examples import experiment, spectrum, symmetric
from workbench.trajectory import Status

NAMES = [name for name in theorems.catalogue() if theorems.load(name).examples]
EXAMPLES = [(name, index) for name in NAMES for index in range(len(theorems.load(name).examples))]


def carried_out(name: str, specification: dict[str, Any]) -> Evidence:
    return read({"theorem": name, **specification}).evidence()


@functools.cache
def example_evidence(name: str, index: int) -> Evidence:
    return carried_out(name, theorems.load(name).examples[index].experiment)


def verdicts_of_examples(name: str) -> list[tuple[str, str]]:
    """Return for each example what it expects and what a run with the present sources says."""
    theorem = theorems.load(name)
    found = [carried_out(name, example.experiment).verdict for example in theorem.examples]
    return [(example.expect, verdict) for example, verdict in zip(theorem.examples, found, strict=True)]


def caught(name: str) -> bool:
    """Say whether an example of a theorem now ends otherwise than it should."""
    return any(expected != found for expected, found in verdicts_of_examples(name))


@pytest.mark.parametrize(("name", "index"), EXAMPLES, ids=[f"{n}-{i}" for n, i in EXAMPLES])
def test_every_example_ends_as_it_says(name: str, index: int) -> None:
    example = theorems.load(name).examples[index]
    assert example_evidence(name, index).verdict == example.expect


@pytest.mark.parametrize("name", NAMES)
def test_every_theorem_has_its_examples_and_controls(name: str) -> None:
    theorem = theorems.load(name)
    expected = [example.expect for example in theorem.examples]
    assert expected.count("consistent") >= 3
    assert expected.count("vacuous") >= 1
    assert expected.count("violated") >= 1
    for index, example in enumerate(theorem.examples):
        without = example.experiment["without"]
        assert bool(without) == (example.expect == "violated")
        failed = {h.name for h in example_evidence(name, index).hypotheses if h.holds is False}
        assert failed == set(without) or example.expect == "vacuous"
    flows = {e.experiment["dynamics"]["name"] for e in theorem.examples if e.expect == "consistent"}
    grades = {example_evidence(name, i).grade for i, e in enumerate(theorem.examples) if e.expect == "consistent"}
    assert "enclosure" in grades or flows == {"gradient_flow"}


@pytest.mark.parametrize("name", NAMES)
def test_every_consistent_bound_is_below_one_and_not_idle(name: str) -> None:
    found = [example_evidence(name, i) for n, i in EXAMPLES if n == name]
    tightness = [e.tightness for e in found if e.verdict == "consistent" and e.tightness is not None]
    assert all(0 < t <= 1 for t in tightness)
    assert not tightness or max(tightness) > 0.05


@pytest.mark.parametrize("name", NAMES)
def test_every_hypothesis_is_worded_in_the_docstring(name: str) -> None:
    theorem = theorems.load(name)
    names = [h.name for h in example_evidence(name, 0).hypotheses]
    assert list(theorem.hypothesis_texts) == names
    assert theorem.title.endswith(".")
    assert "\n" not in theorem.title
    assert theorem.statement.count("$") % 2 == 0
    assert theorem.source.year > 1900
    assert theorem.source.bibtex().startswith("@misc{")
    assert set(theorem.observes) <= set(observables.catalogue())


# The numbers of the sheet.


def sheet(backend: dict[str, Any]) -> dict[str, Any]:
    return symmetric(
        8, ["1/5", "3/5", "5/3", "5"], 7, step_size="largest", stop={"until_loss": "1e-10"}, backend=backend
    )


@functools.cache
def sheet_evidence(backend: str, digits: int | None) -> Evidence:
    return carried_out(
        "positive_definite", sheet({"name": backend} if digits is None else {"name": backend, "digits": digits})
    )


SHEET = [
    ("ball", 40, "enclosure"),
    ("float64", None, "estimate"),
    ("torch", None, "estimate"),
    pytest.param("mp", 40, "estimate", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("backend", "digits", "grade"), SHEET)
def test_the_sheet_takes_2424_steps_of_3448(backend: str, digits: int | None, grade: str) -> None:
    found = sheet_evidence(backend, digits)
    count = next(j for j in found.judged if j.measured is not None)
    assert found.verdict == "consistent"
    assert found.grade == grade
    assert found.trajectory.status is Status.CONVERGED
    assert count.measured == 2424
    assert count.rhs[0] == Measured(Fraction(3448))


@pytest.mark.parametrize(
    ("backend", "digits"),
    [("float64", None), ("torch", None), pytest.param("mp", 40, marks=pytest.mark.long)],
)
def test_the_sheet_agrees_with_the_enclosure_within_its_errors(backend: str, digits: int | None) -> None:
    certified, found = sheet_evidence("ball", 40).trajectory, sheet_evidence(backend, digits).trajectory
    assert certified.steps == found.steps
    for one, two in zip(certified.observables["loss"], found.observables["loss"], strict=True):
        gap = one.minus(two)
        assert gap.value is not None
        assert gap.error is not None
        assert abs(gap.value) <= gap.error < Fraction(1, 10**8)


def test_the_table_of_depth_two_takes_34_steps_of_45() -> None:
    found = carried_out(
        "positive_definite", symmetric(2, ["1/2", "2"], step_size="largest", stop={"until_loss": "1e-10"})
    )
    count = next(j for j in found.judged if j.measured is not None)
    assert (count.measured, count.rhs[0].value, found.verdict) == (34, 45, "consistent")


def test_a_diagonal_near_the_identity_takes_16_steps() -> None:
    found = carried_out("near_identity", symmetric(4, ["9/10", "1"], step_size="1/8", stop={"until_loss": "1e-10"}))
    count = next(j for j in found.judged if j.measured is not None)
    assert (count.measured, found.verdict, found.grade) == (16, "consistent", "enclosure")


def test_a_large_odd_step_is_vacuous_and_then_violated() -> None:
    whole = symmetric(3, ["-1/2"], step_size="1", stop={"steps": 40})
    assert carried_out("negative_eigenvalue", whole).verdict == "vacuous"
    assert carried_out("negative_eigenvalue", {**whole, "without": ["step_size"]}).verdict == "violated"


def test_four_layers_keep_the_floor() -> None:
    found = carried_out("negative_eigenvalue", symmetric(4, ["-1/2"], step_size="1", stop={"steps": 40}))
    assert found.verdict == "consistent"
    assert found.grade == "enclosure"


@pytest.mark.parametrize(("backend", "verdict"), [("float64", "undecided"), ("ball", "consistent")])
def test_a_float_leaves_the_rotated_saddle_that_a_ball_keeps(backend: str, verdict: str) -> None:
    found = carried_out(
        "negative_eigenvalue",
        symmetric(3, ["-1", "3/2", "7/10"], 7, step_size="1/10", stop={"steps": 3000}, backend={"name": backend}),
    )
    assert found.verdict == verdict
    last = found.trajectory.observables["loss"][-1].value
    assert last is not None
    # The floor is 1/2: exact descent stays above it for ever, the float does not.
    assert (last < Fraction(49, 100)) == (backend == "float64")


def holds(name: str, specification: dict[str, Any]) -> dict[str, bool | None]:
    return {h.name: h.holds for h in carried_out(name, specification).hypotheses}


def test_hypotheses_are_decided_from_exact_data() -> None:
    steps = {"steps": 1}
    edge = symmetric(2, ["11/10", "1"], step_size="1/10", stop=steps)
    assert holds("near_identity", edge)["near_identity"] is True
    beyond = symmetric(2, ["1100000000001/1000000000000", "1"], step_size="1/10", stop=steps)
    assert holds("near_identity", beyond)["near_identity"] is False
    assert holds("near_identity", symmetric(2, ["1", "1"], step_size="57/200", stop=steps))["step_size"] is True
    assert holds("near_identity", symmetric(2, ["1", "1"], step_size="58/200", stop=steps))["step_size"] is False
    zero = symmetric(2, ["0", "1"], step_size="1/4", stop=steps)
    assert holds("positive_definite", zero)["positive_definite"] is False
    assert holds("negative_eigenvalue", zero)["negative_eigenvalue"] is False
    asymmetric = experiment([2, 2], {"rows": [["1", "1e-30"], ["0", "1"]]}, step_size="1/4", stop=steps)
    assert holds("equal_layers", asymmetric)["symmetric_target"] is False
    scaled = symmetric(2, ["1"], step_size="1/4", stop=steps, start={"scheme": "identity", "scale": "1.000001"})
    assert holds("equal_layers", scaled)["identity_start"] is False
    wide = experiment([2, 3, 2], spectrum(["1", "2"]), step_size="1/4", stop=steps)
    assert holds("equal_layers", wide)["setting"] is False


@pytest.mark.parametrize(
    ("eigenvalues", "depth", "cap"), [(["1", "1"], 3, "1/3"), (["1/2", "1"], 5, "1/5"), (["3", "2"], 2, "1/6")]
)
def test_a_step_at_its_rational_cap_is_allowed(eigenvalues: list[str], depth: int, cap: str) -> None:
    stop = {"steps": 2}
    assert holds("positive_definite", symmetric(depth, eigenvalues, step_size=cap, stop=stop))["step_size"] is True
    above = str(Fraction(cap) + Fraction(1, 10**60))
    assert holds("positive_definite", symmetric(depth, eigenvalues, step_size=above, stop=stop))["step_size"] is False


def test_a_penalty_does_not_allow_a_step_that_the_eigenvalue_leaves_open() -> None:
    # An entry of 1e13 hides the smallest eigenvalue, -(1 + sqrt 5) / 2, from a float; the cap is (3 - sqrt 5) / 2.
    target = {"rows": [["1e13", "0", "0"], ["0", "0", "1"], ["0", "1", "-1"]]}
    cap = (3 - Fraction(math.isqrt(5 * 10**400), 10**200)) / 2
    for step_size, allowed in ((Fraction("19/50"), True), (Fraction("2/5"), False), (cap, None)):
        options = {"step_size": str(step_size), "dynamics": "penalised_descent", "parameters": {"penalty": "1/100"}}
        run = experiment([3, 3, 3, 3], target, stop={"steps": 1}, **options)
        assert holds("negative_eigenvalue", run)["step_size"] is allowed


@pytest.mark.parametrize("eigenvalues", [["1"], ["1", "1"], ["1", "2"]])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_an_eigenvalue_one_takes_no_time(eigenvalues: list[str], depth: int) -> None:
    stop = {"until_loss": "1e-10"}
    found = carried_out("positive_definite", symmetric(depth, eigenvalues, step_size="largest", stop=stop))
    count = next(j for j in found.judged if isinstance(j.prediction, theorems.Count))
    assert found.verdict == "consistent"
    assert (count.measured == 0) == (set(eigenvalues) == {"1"})


@pytest.mark.parametrize(("bits", "verdict"), [(0, "consistent"), (1, "vacuous")])
def test_the_largest_step_is_the_largest_that_the_hypothesis_allows(bits: int, verdict: str) -> None:
    specification = symmetric(3, ["1/2", "3"], 2, step_size="largest", stop={"steps": 2})
    chosen = read({"theorem": "positive_definite", **specification}).method.step_size
    assert chosen is not None
    specification["dynamics"]["step_size"] = str(chosen + Fraction(bits, 2**40))
    assert carried_out("positive_definite", specification).verdict == verdict


# Planted errors.


def test_a_wrong_rate_of_near_identity_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("workbench.theorems.near_identity")
    monkeypatch.setattr(module, "CONSTANTS", replace(module.CONSTANTS, rate=2 * module.CONSTANTS.rate))
    assert caught("near_identity")


@pytest.mark.parametrize("name", ["near_identity", "near_identity_long_step"])
def test_a_wrong_drift_of_near_identity_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"workbench.theorems.{name}")
    monkeypatch.setattr(module, "CONSTANTS", replace(module.CONSTANTS, drift=module.CONSTANTS.drift / 3))
    assert caught(name)


def edited(name: str, folder: Path, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """Return expected and found verdicts of a built-in theorem's file after edits, loaded by path."""
    text = theorems.load(name).path.read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path = folder / f"{name}_{len(list(folder.iterdir()))}.py"
    path.write_text(text)
    theorem = theorems.load(str(path))
    found = []
    for example in theorem.examples:
        verdict = read({**example.experiment, "theorem": str(path)}).evidence().verdict
        found.append((example.expect, verdict))
    return found


def agrees(pairs: Sequence[tuple[str, str]]) -> bool:
    return all(expected == found for expected, found in pairs)


def test_a_theorem_given_as_a_path_works_as_a_built_in(tmp_path: Path) -> None:
    pairs = edited("positive_definite", tmp_path)
    assert agrees(pairs)
    assert len(pairs) == len(theorems.load("positive_definite").examples)


def test_the_exponent_of_the_slow_modes_is_caught(tmp_path: Path) -> None:
    # m = lambda^(1 - 1/L) squared: without the square, the rate of the modes below one is too fast.
    change = (
        "-eigenvalue), Fraction(2) - Fraction(2, run.depth))",
        "-eigenvalue), Fraction(1) - Fraction(1, run.depth))",
    )
    assert not agrees(edited("positive_definite", tmp_path, change))


def test_a_step_cap_with_exponent_l_instead_of_l_minus_one_is_caught(tmp_path: Path) -> None:
    # M = max(1, lambda)^((L-1)/L): with the exponent turned round the cap admits steps that diverge.
    change = (
        "return 1 / (run.depth * run.reals.power(top, Fraction(2) - Fraction(2, run.depth)))",
        "return run.number(2)",
    )
    assert not agrees(edited("positive_definite", tmp_path, change))


def test_the_exponent_l_minus_one_of_the_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # x <- x - eta x^(L-1) (x^L - lambda): one factor too many, and the loss leaves its envelope and its drift law.
    from workbench.networks.linear import Linear

    gradients = Linear.loss_and_gradients

    def one_too_many(self: Any, parameters: Any) -> Any:
        loss, found = gradients(self, parameters)
        return loss, tuple(self.backend.matmul(g, w) for g, w in zip(found, parameters, strict=True))

    monkeypatch.setattr(Linear, "loss_and_gradients", one_too_many)
    assert caught("positive_definite")


def test_a_doubled_rate_of_the_envelope_is_caught(tmp_path: Path) -> None:
    change = (
        "rate = run.number(run.step_size or Fraction(0)) * run.depth",
        "rate = 2 * run.number(run.step_size or Fraction(0)) * run.depth",
    )
    assert not agrees(edited("positive_definite", tmp_path, change))


def test_a_doubled_floor_is_caught(tmp_path: Path) -> None:
    change = ("run.number(0)) / 2\n", "run.number(0)) * 1\n")
    assert not agrees(edited("negative_eigenvalue", tmp_path, change))


def test_a_flipped_floor_is_caught(tmp_path: Path) -> None:
    assert not agrees(edited("negative_eigenvalue", tmp_path, ('relation=">="', 'relation="<="')))


def test_a_negated_balancedness_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.observables._snapshot import Snapshot

    def plus(self: Snapshot, parameters: Any) -> list[Any]:
        backend, found = self.backend, []
        for lower, upper in itertools.pairwise(parameters):
            inner = backend.matmul(backend.transpose(upper), upper)
            found.append(backend.add(inner, backend.matmul(lower, backend.transpose(lower))))
        return found

    monkeypatch.setattr(Snapshot, "imbalances", plus)
    assert caught("balancedness")
    assert caught("balancedness_drift")


def test_gradient_transpose_is_caught_by_the_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.networks.linear import Linear

    gradients = Linear.loss_and_gradients

    def transposed(self: Any, parameters: Any) -> Any:
        loss, (first, *others) = gradients(self, parameters)
        rows, columns = self.backend.shape(first)
        return loss, (self.backend.transpose(first) if rows == columns else first, *others)

    monkeypatch.setattr(Linear, "loss_and_gradients", transposed)
    assert caught("end_to_end_flow")


# Files from outside.

GOOD = '''
r"""A sentence.

Statement
    $x = x$

Hypotheses
    none: nothing is asked

Standing
    explicit
"""
from fractions import Fraction
from workbench.theorems import Bound, Hypothesis, Source
source = Source(authors="A. Author", year=2020, title="Title", where="Here")
observes = ("loss",)
def hypotheses(run):
    return [Hypothesis.decided("none", True)]
def predict(run):
    return [Bound("b", "b", run.loss, [Fraction(100)] * len(run.steps))]
examples = []
'''

RUN = symmetric(2, ["1/2", "2"], step_size="1/10", stop={"steps": 3}, backend={"name": "float64"})


def outside(folder: Path, text: str) -> Evidence:
    path = folder / "mine.py"
    path.write_text(text)
    return read({"theorem": str(path), **RUN}).evidence()


def test_a_small_file_is_a_theorem(tmp_path: Path) -> None:
    found = outside(tmp_path, GOOD)
    assert found.verdict == "consistent"
    assert found.theorem.name == "mine"
    assert not found.theorem.built_in
    assert found.theorem.hypothesis_texts == {"none": "nothing is asked"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def predict(run):", "def predict(run:"),
        ("observes = (", "observed = ("),
        ("examples = []", ""),
        ("Statement\n", "Statements\n"),
        ("Standing\n", "Standings\n"),
        ("source = Source(", "source = dict("),
        ("from fractions", "from fractionz"),
        ("from fractions", "raise SystemExit(3)\nfrom fractions"),
        ("from fractions", "1 / 0\nfrom fractions"),
        ('[Hypothesis.decided("none", True)]', '"none"'),
        ('[Hypothesis.decided("none", True)]', "[1]"),
        ('[Hypothesis.decided("none", True)]', "run.nothing"),
        ('[Hypothesis.decided("none", True)]', "[]"),
        ('Hypothesis.decided("none", True)', 'Hypothesis.decided("other", True)'),
        ('[Hypothesis.decided("none", True)]', '[Hypothesis.decided("none", True)] * 2'),
        ('Hypothesis.decided("none", True)', 'Hypothesis("none", 1)'),
        ('Hypothesis.decided("none", True)', 'Hypothesis("none", run.loss[0].__class__(Fraction(-1), Fraction(-2)))'),
        ("run.loss, [Fraction(100)]", "run.loss, [run.loss[0].__class__(Fraction(-1), Fraction(-100))]"),
        ("[Fraction(100)]", '["100"]'),
        ("return [Bound", "raise SystemExit(0)\n    return [Bound"),
        ("return [Bound", 'run.trajectory.observables["loss"] = ()\n    return [Bound'),
        ("return [Bound", "return (Bound"),
        ("[Fraction(100)]", '["text"]'),
        ("[Fraction(100)] * len(run.steps)", "5"),
        ("run.loss, [Fraction(100)]", 'run.observable("layer_spread"), [Fraction(100)]'),
        ("len(run.steps))", 'len(run.steps), "<")'),
        ("Fraction(100)", "run.number(1) if run.number(1) < run.number(2) else 0"),
        ('observes = ("loss",)', 'observes = ("los",)'),
        ('observes = ("loss",)', 'observes = "loss"'),
        ("def hypotheses(run):", "def hypotheses():"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, before: str, after: str) -> None:
    assert GOOD.count(before) == 1
    with pytest.raises(WorkbenchError) as caught_error:
        outside(tmp_path, GOOD.replace(before, after))
    assert "\n" not in str(caught_error.value)
    assert not re.search(r"Traceback|_workbench_theorem", str(caught_error.value))


def test_what_is_no_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "words.txt").write_text(GOOD)
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.py", "folder.py", "words.txt", "bytes.py"):
        with pytest.raises(TheoremFileError) as caught_error:
            theorems.load(str(tmp_path / name))
        assert "\n" not in str(caught_error.value)
    with pytest.raises(UnknownNameError, match="balancedness"):
        theorems.load("balancednes")


def test_an_edited_file_is_read_anew_even_within_one_tick_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "mine.py"
    for bound, verdict in (("100", "consistent"), ("0.0", "violated"), ("100", "consistent")):
        path.write_text(GOOD.replace("Fraction(100)", f'Fraction("{bound}")'))
        # Bytecode is taken for current where size and time of the source agree.
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert read({"theorem": str(path), **RUN}).evidence().verdict == verdict
    assert [p.name for p in tmp_path.iterdir()] == ["mine.py"]


def test_a_run_id_follows_the_bytes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for folder in ("one", "two"):
        (tmp_path / folder / "mine.py").write_text(GOOD)
    ids = [read({"theorem": str(tmp_path / f / "mine.py"), **RUN}).run_id for f in ("one", "two")]
    assert ids[0] == ids[1]
    (tmp_path / "two" / "mine.py").write_text(GOOD + "# changed\n")
    assert read({"theorem": str(tmp_path / "two" / "mine.py"), **RUN}).run_id != ids[0]


def test_a_judged_run_can_be_judged_again(tmp_path: Path) -> None:
    found = example_evidence("positive_definite", 1)
    assert compare(found.theorem, found.trajectory).verdict == found.verdict


def test_a_statement_about_other_networks_is_vacuous_and_not_an_error() -> None:
    wide = experiment([2, 3, 2], spectrum(["1", "2"]), step_size="1/4", stop={"steps": 2})
    flow = experiment([2, 2, 2], spectrum(["1", "2"]), dynamics="gradient_flow", stop={"time": "1/10"})
    for name, specification in [("equal_layers", wide), ("near_identity", wide), ("balancedness_drift", flow)]:
        found = carried_out(name, specification)
        assert found.verdict == "vacuous"
        assert any("was not measured" in note for note in found.notes)
    undecided = carried_out("balancedness_drift", {**flow, "without": ["plain_descent"]})
    assert undecided.verdict == "undecided"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_every_statement_answers_for_a_residual_network(name: str, activation: str) -> None:
    specification = experiment([2, 2, 2], spectrum(["1/2", "2"]), step_size="1/10", stop={"steps": 2})
    specification["problem"]["network"] = {"kind": "residual", "width": 2, "depth": 2, "activation": activation}
    # One statement asks nothing of the training, so that it speaks of every residual network.
    expected = "consistent" if name == "residual_weights_needed" else "vacuous"
    assert carried_out(name, specification).verdict == expected
