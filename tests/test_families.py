"""Statements about limits: their families, the rule of the verdict, and errata with exact counterexamples."""

from __future__ import annotations

import functools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from workbench import observables, theorems
from workbench.errors import InputError, TheoremFileError, UnknownNameError, UnsupportedError
from workbench.evidence import compare
from workbench.exact import UNKNOWN, Measured
from workbench.store import Store
from workbench.sweeps import family, specification
from workbench.sweeps.judgement import FamilyEvidence, limit_verdict
from workbench.theorems import Limit

NAMES = [name for name in theorems.catalogue() if theorems.load(name).families]
FAMILIES = [(name, index) for name in NAMES for index in range(len(theorems.load(name).families))]
ERRATA = [(name, index) for name in theorems.catalogue() for index in range(len(theorems.load(name).errata))]


@functools.cache
def evidence(name: str, index: int) -> FamilyEvidence:
    theorem = theorems.load(name)
    return family.of_example(theorem, theorem.families[index]).evidence()


# Families of balls beyond the edge, of thousands of steps at hundreds of digits.
DEAR = {"edge_gap"}
EACH = [pytest.param(n, i, id=f"{n}-{i}", marks=[pytest.mark.long] if n in DEAR else []) for n, i in FAMILIES]


@pytest.mark.parametrize(("name", "index"), EACH)
def test_every_family_ends_as_it_says(name: str, index: int) -> None:
    assert evidence(name, index).verdict == theorems.load(name).families[index].expect


@pytest.mark.parametrize("name", NAMES)
def test_every_limit_has_its_families_and_controls(name: str) -> None:
    theorem = theorems.load(name)
    expected = [example.expect for example in theorem.families]
    assert expected.count("consistent") >= 3
    assert expected.count("vacuous") >= 1
    assert expected.count("violated") >= 1
    grades = {evidence(name, i).grade for i, expect in enumerate(expected) if expect == "consistent"}
    assert "enclosure" in grades
    for index, example in enumerate(theorem.families):
        audited = [h for member in evidence(name, index).hypotheses for h in member]
        failed = {h.name for h in audited if h.holds is False}
        assert failed == set(example.sweep["without"]) or example.expect == "vacuous"
        assert list(theorem.hypothesis_texts) == [h.name for h in evidence(name, index).hypotheses[0]]
    assert theorem.title.endswith(".")
    assert theorem.statement.count("$") % 2 == 0
    assert set(theorem.observes) <= set(observables.catalogue())


# The rule.


def gaps(*values: str, error: str = "0") -> list[Measured]:
    return [Measured(Fraction(v), Fraction(error)) for v in values]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (gaps("1", "1/10", "1/200"), "consistent"),
        (gaps("1/200", "1/200"), "consistent"),
        (gaps("1/200", "1/150"), "undecided"),
        (gaps("1", "1/10", "1/20"), "undecided"),
        (gaps("1", "1/10", "1/10"), "undecided"),
        (gaps("1", "1/20", "1/10"), "undecided"),
        (gaps("1/10", "1/10"), "undecided"),
        (gaps("1/10", "1/10", "1/10"), "violated"),
        (gaps("1/20", "1/10", "1/5"), "violated"),
        (gaps("1/10", "1/10", "1/10", error="1/10"), "undecided"),
        (gaps("1", "1/10", "1/200", error="1/100"), "undecided"),
        (gaps("1", "1/2", error="1"), "undecided"),
        ([*gaps("1"), UNKNOWN], "undecided"),
        ([UNKNOWN, *gaps("1", "1/200")], "undecided"),
        (gaps("1/200"), "undecided"),
        ([], "undecided"),
    ],
)
def test_a_limit_is_judged_at_its_resolution(found: list[Measured], verdict: str) -> None:
    assert limit_verdict(found, Fraction(1, 100)) == verdict


def test_a_resolution_must_be_positive() -> None:
    with pytest.raises(TheoremFileError, match="positive rational"):
        Limit("l", "l", [1], 1, Fraction(0))


@pytest.mark.parametrize("name", [name for name in NAMES if not theorems.load(name).examples])
def test_a_statement_about_families_refuses_a_single_run_in_one_line(name: str) -> None:
    theorem = theorems.load(name)
    run = evidence(name, 0).trajectories[-1]
    with pytest.raises(UnsupportedError, match="about a family of runs"):
        compare(theorem, run)
    with pytest.raises(UnsupportedError, match="nothing about a family"):
        theorems.load("positive_definite").predict_family([])


def swept(name: str, **changes: Any) -> specification.Template:
    theorem = theorems.load(name)
    return specification.validated({**theorem.families[0].sweep, "theorem": name, **changes}, "a test")


def test_one_run_is_no_family_and_an_unknown_hypothesis_is_refused() -> None:
    with pytest.raises(InputError, match="at least two"):
        family.read(swept("slowest_mode", grid={"until_loss": ["1e-2"]})).evidence()
    with pytest.raises(UnknownNameError, match="hypothesis"):
        family.read(swept("slowest_mode", without=["nothing"])).evidence()


def test_a_family_is_found_in_the_store(tmp_path: Path) -> None:
    asked = family.read(swept("slowest_mode", grid={"until_loss": ["1e-2", "1e-5"]}))
    first, fresh = asked.record(Store(tmp_path))
    again, recomputed = asked.record(Store(tmp_path))
    assert (fresh, recomputed) == (True, False)
    assert first.payload == again.payload
    assert first.kind == "family"
    other = family.read(swept("slowest_mode", grid={"until_loss": ["1e-2", "1e-6"]}))
    assert asked.specification() != other.specification()


TOML = """
theorem = "slowest_mode"
[problem]
depth = 3
target = "spectrum:1/2,2"
[dynamics]
name = "descent"
step_size = "largest"
stop = {until_loss = "{until_loss}"}
[backend]
name = "ball"
digits = 30
[grid]
until_loss = ["1e-2", "1e-5", "1e-12"]
"""


def test_the_command_line_judges_a_sweep(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "rate.toml").write_text(TOML)
    shown = workbench("family", str(tmp_path / "rate.toml"), "--store", str(tmp_path / "store"))
    assert shown.status == 0
    assert "slowest_mode: CONSISTENT (enclosure)" in shown.out
    printed = workbench("family", str(tmp_path / "rate.toml"), "--store", str(tmp_path / "store"), "--json")
    (limit,) = json.loads(printed.out)["payload"]["statements"]
    assert (limit["verdict"], len(limit["values"])) == ("consistent", 3)
    coarse = workbench("family", str(tmp_path / "rate.toml"), "--set", "until_loss=1e-1,1e-2", "--store", str(tmp_path))
    assert coarse.status == 3
    (tmp_path / "run.toml").write_text(TOML.replace("slowest_mode", "positive_definite"))
    assert workbench("family", str(tmp_path / "run.toml"), "--store", str(tmp_path)).status == 2


# Errata.


@pytest.mark.parametrize(("name", "index"), ERRATA, ids=[f"{n}-{i}" for n, i in ERRATA])
def test_every_erratum_is_refuted_exactly_and_by_its_own_numbers(name: str, index: int) -> None:
    erratum = theorems.load(name).errata[index]
    assert erratum.refutes(erratum.counterexample)
    for value in erratum.counterexample.values():
        assert all(Fraction(x) is not None for x in value.replace(";", " ").split())
    assert erratum.printed.count("$") % 2 == 0


@pytest.mark.parametrize(
    ("name", "index", "numbers"),
    [
        ("negative_eigenvalue", 0, {"L": "4"}),
        ("negative_eigenvalue", 1, {"L": "3"}),
        ("slowest_mode", 0, {"lambda": "2"}),
        ("determinant_floor", 0, {"e^(-t)": "3/4"}),
        ("transposition_floor", 0, {"Phi": "1 1; 1 -1"}),
    ],
)
def test_a_counterexample_with_other_numbers_refutes_nothing(name: str, index: int, numbers: dict[str, str]) -> None:
    erratum = theorems.load(name).errata[index]
    assert not erratum.refutes({**erratum.counterexample, **numbers})


def test_the_errata_are_listed(workbench: Command) -> None:
    shown = workbench("list", "--errata")
    assert shown.status == 0
    assert shown.out.count("confirmed exactly") == len(ERRATA) >= 5
    assert "NOT CONFIRMED" not in shown.out
    listed = json.loads(workbench("list", "--errata", "--json").out)["errata"]
    assert {item["theorem"] for item in listed} == {name for name, _ in ERRATA}
    assert "Erratum" in workbench("show", "negative_eigenvalue").out
