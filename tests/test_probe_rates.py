"""Rates and orders: what is fitted is held to closed forms, and a fault in either shows."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
from conftest import Command

from workbench import probes
from workbench.exact import Measured
from workbench.probes.order import extrapolated
from workbench.rates import observed_order
from workbench.store import Record


def found(kind: str, **options: Any) -> Record:
    return probes.read(kind, options).record()[0]


def value(record: Record, name: str) -> float:
    return float(record.payload["numbers"][name]["value"])


def test_observed_local_and_bound_are_one_rate_where_the_bound_is_sharp() -> None:
    options = {"target": "spectrum:1/5,5/3;rotate=7", "depth": 4, "step_size": "1/16", "steps": 400}
    record = found("rates", **options, theorem="positive_definite")
    # The slowest mode: 1 - eta L lambda^(2 - 2/L) a step, squared in the loss.
    sharp = -32 * math.log(1 - (4 / 16) * 0.2**1.5)
    assert record.verdict == "found"
    assert value(record, "bound") == pytest.approx(sharp, rel=1e-9)
    assert value(record, "local") == pytest.approx(sharp, rel=1e-2)
    assert value(record, "slowest") == pytest.approx(sharp, rel=1e-2)
    assert value(record, "observed") == pytest.approx(sharp, rel=2e-2)
    assert value(record, "looseness") >= 1


def test_a_direction_that_is_not_excited_does_not_slow_the_run() -> None:
    # From the identity towards diag(1/4, 4) no mode mixes the two: with the target on the second axis alone
    # the first stays put, and the run is as fast as the second.
    record = found("rates", target='[["1","0"],["0","4"]]', depth=2, step_size="1/16", steps=120)
    assert value(record, "local") == pytest.approx(-32 * math.log(1 - 2 * 4 / 16), rel=1e-6)
    assert value(record, "slowest") < value(record, "local") / 2


def test_the_flow_has_the_rate_of_its_limit() -> None:
    record = found("rates", target='[["2"]]', depth=3, time="3")
    assert value(record, "local") == pytest.approx(2 * 3 * 2 ** (4 / 3), rel=1e-3)


def test_a_run_too_short_for_a_rate_is_undecided() -> None:
    record = found("rates", target='[["2"]]', depth=1, step_size="1/100", steps=3)
    assert record.verdict == "undecided"
    assert record.payload["not_found"]


def test_descent_is_of_order_one_and_each_extrapolation_of_one_more() -> None:
    record = found("order", target="spectrum:1/2,2", depth=3, doublings=7)
    orders = [value(record, f"order_{p}") for p in (1, 2, 3, 4)]
    assert orders == pytest.approx([1, 2, 3, 4], abs=0.25)
    assert record.payload["numbers"]["loss"]["grade"] == "enclosure"


def test_a_wrong_weight_of_the_extrapolation_gains_no_order() -> None:
    sizes = [Fraction(1, 2**k) for k in range(8)]
    values = [Measured(1 + h + h * h, Fraction(0)) for h in sizes]

    def order(table: list[Measured]) -> float:
        fitted = observed_order(sizes[1:], [Measured(abs((v.value or 0) - 1), Fraction(0)) for v in table])
        assert fitted is not None
        return fitted.order

    right = extrapolated(values, 2)[1]
    pairs = itertools.pairwise(values)
    wrong = [Measured((3 * (b.value or 0) - (a.value or 0)) / 2, Fraction(0)) for a, b in pairs]
    assert order(right) == pytest.approx(2, abs=0.05)
    assert order(wrong) == pytest.approx(1, abs=0.1)


def test_an_order_needs_three_errors_that_are_known() -> None:
    sizes = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)]
    clear = [Measured(h**2, h**2 / 100) for h in sizes]
    fitted = observed_order(sizes, clear)
    assert fitted is not None
    assert fitted.order == pytest.approx(2)
    assert observed_order(sizes, [*clear[:2], Measured(Fraction(1, 64), Fraction(1, 64))]) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rates", "--target", "[[2]]", "--depth", "1"], "a rate needs one end"),
        (["rates", "--target", "[[2]]", "--depth", "1", "--steps", "5"], "descent needs a step size"),
        (["order", "--target", "[[2]]", "--depth", "0"], "at least 1"),
        (["order", "--target", "[[2]]", "--depth", "1", "--time", "0"], "it must be positive"),
        (["order", "--target", "[[2]]", "--depth", "1", "--columns", "9"], "from 1 to 8"),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert words in refused.err
