"""Boundaries, by certified runs and as certified roots, against closed forms."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from conftest import Command

from workbench import probes
from workbench.errors import InputError
from workbench.probes._expressions import filled, value
from workbench.probes._krawczyk import enclosed_root
from workbench.store import Record

RADIUS = {"target": '[["{1-x}","0"],["0","1"]]', "depth": 4, "step_size": "1/8"}


def found(kind: str, **options: Any) -> Record:
    return probes.read(kind, options).record()[0]


def near(record: Record, name: str, expected: float, digits: int) -> bool:
    number = record.payload["numbers"][name]
    return abs(float(number["value"]) - expected) <= 10.0**-digits and float(number["error"]) < 10.0**-digits


def test_the_stability_edge_is_found_by_runs_alone() -> None:
    start = 'balanced([["4.00000000000000000000000001"]])'
    options = {"target": '[["4"]]', "depth": 3, "init": start, "step_size": "{x}", "steps": 2, "outcome": "falls"}
    record = found("boundary", **options, low="1/100", high="1/2", to=14)
    assert (record.verdict, record.grade) == ("found", "enclosure")
    assert near(record, "x", 2 / (3 * 4 ** (4 / 3)), 14)
    assert {"below", "above"} == set(record.payload["witness"]["specification"])


def test_the_radius_near_the_identity_grows_to_one_with_the_steps() -> None:
    # The theory sheet: 514 steps at 0.9, none beyond 1.
    ends = []
    for steps in (514, 2000):
        record = found("boundary", **RADIUS, steps=steps, low="1/10", high="3/2", outcome="reaches", to=3)
        ends.append(float(record.payload["numbers"]["x"]["value"]))
    assert 0.9 <= ends[0] < 0.905 < ends[1] < 1


def test_a_verdict_changes_where_the_drift_bound_fails() -> None:
    options = {**RADIUS, "steps": 60, "theorem": "near_identity", "without": ["near_identity"]}
    record = found("boundary", **options, low="1/100", high="99/100", to=3, scan=5)
    # The layers end at (1-x)^(1/4), which leaves the allowed 0.28/4 at this radius.
    assert near(record, "x", 1 - 0.93**4, 3)
    commands = record.payload["witness"]["command"].splitlines()
    assert len(commands) == 2


def test_the_sides_of_a_witness_run_again(workbench_here: Command) -> None:
    options = {**RADIUS, "steps": 60, "theorem": "near_identity", "without": ["near_identity"]}
    record = found("boundary", **options, low="1/100", high="99/100", to=2, scan=3)
    import shlex

    statuses = [
        workbench_here(*shlex.split(line)[1:]).status for line in record.payload["witness"]["command"].splitlines()
    ]
    assert statuses == [0, 1]


def test_a_range_without_a_change_names_both_ends() -> None:
    record = found("boundary", **RADIUS, steps=20, low="1/10", high="1/5", outcome="reaches", level="1", scan=3)
    assert record.verdict == "no change"
    assert "at x = 0.1: reaches; at x = 0.2: reaches" in record.payload["answer"]


def test_a_bisection_cut_short_is_undecided() -> None:
    probe = probes.read("boundary", {**RADIUS, "steps": 20, "low": "1/10", "high": "3/2", "outcome": "reaches"})
    record, _ = probe.record(seconds=1e-9)
    assert record.verdict == "undecided"


CONSTANTS = [
    ("stability", 3, 2.0),
    ("superstable", 2, 3 * math.sqrt(2) - 2),
    ("superstable", 3, 2.247240),
    ("superstable", 16, 2.250487),
    ("doubling", 2, 2 * math.sqrt(5) - 2),
    ("doubling", 5, 2.496754),
    ("doubling", 16, 2.501663),
    ("sign_flip", 2, 3 * math.sqrt(3) - 2),
    ("crisis", 2, 4.0),
    ("crisis", 4, 4.818148),
    ("crisis", 8, 5.638946),
    ("decay_exists", 4, 0.384900),
    ("decay_best", 4, 0.272166),
]


@pytest.mark.parametrize(("name", "depth", "expected"), CONSTANTS)
def test_a_critical_value_is_that_of_the_sheet_to_thirty_digits(name: str, depth: int, expected: float) -> None:
    record = found("critical_value", name=name, depths=str(depth))
    assert (record.verdict, record.grade) == ("found", "enclosure")
    number = record.payload["numbers"][f"depth_{depth}"]
    assert abs(float(number["value"]) - expected) < 6e-7
    assert float(number["error"]) < 1e-30
    if number["predicted"] is not None:
        gap = abs(Fraction(number["value"]) - Fraction(number["predicted"]))
        assert gap <= Fraction(number["error"]) + Fraction(number["predicted_error"]) + Fraction(1, 10**30)


def test_a_critical_decay_scales_with_the_target() -> None:
    record = found("critical_value", name="decay_best", depths="3", target="2/3")
    number = record.payload["numbers"]["depth_3"]
    assert abs(Fraction(number["value"]) - Fraction(number["predicted"])) < Fraction(1, 10**29)


def test_the_doublings_shrink_by_feigenbaums_ratio() -> None:
    record = found("critical_value", name="doubling", depths="3", periods="1,2,4,8,16", digits=20)
    (table,) = record.payload["tables"]
    assert abs(float(table["rows"][-1][1]) - 4.6692) < 0.02


def test_no_root_is_proved_where_there_is_none() -> None:
    def above_zero(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        (x,) = unknowns
        return [x * x + 1], [[2 * x]]

    def double(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        (x,) = unknowns
        return [x * x], [[2 * x]]

    assert enclosed_root(above_zero, [0.5], 20) is None
    root = enclosed_root(double, [0.5], 20)
    assert root is None or not root.proved


def test_expressions_are_exact_and_nothing_else_is_read() -> None:
    assert value("(1-x^2)/(1+x^2)", Fraction(1, 2)) == Fraction(3, 5)
    assert filled('[["{1-x}","{x/3}"]]', Fraction(1, 4)) == '[["3/4","1/12"]]'
    for text in ("__import__('os')", "x.real", "y", "x^(1/2)", "x^999", "(x", "x if x else 1", ""):
        with pytest.raises(InputError):
            value(text, Fraction(1, 2))
    with pytest.raises(InputError, match="divides by zero"):
        value("1/(x-x)", Fraction(1, 2))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["boundary", "--high", "1"], "needs --low"),
        (["boundary", "--low", "1", "--high", "0"], "the lower end comes first"),
        (["boundary", "--low", "0", "--high", "1", "--target", "[[1]]"], "no option holds an expression"),
        (["boundary", "--low", "0", "--high", "1", "--target", '[["{x}"]]'], "give --theorem"),
        (["boundary", "--low", "0", "--high", "1", "--target", '[["{x}"]]', "--outcome", "grows"], "no outcome"),
        (["critical-value", "crisi"], "did you mean crisis"),
        (["critical-value"], "needs NAME"),
        (["critical-value", "doubling", "--periods", "3"], "powers of 2"),
        (["critical-value", "decay_best", "--depths", "2"], "integers from 3"),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert words in refused.err
    assert len(refused.err.splitlines()) == 1
