"""The ladder of arithmetics: each rung parts from exact descent where its rounding has grown up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from conftest import Command

from workbench import probes
from workbench.probes import _rungs
from workbench.store import Record

SADDLE = {"target": "spectrum:-1,3/2,7/10;rotate=1", "depth": 3, "step_size": "1/10", "theorem": "negative_eigenvalue"}


def found(**options: Any) -> Record:
    return probes.read("precision", options).record()[0]


def parted(record: Record) -> Mapping[str, int]:
    return {name: int(float(n["value"])) for name, n in record.payload["numbers"].items() if name != "loss"}


def test_every_float_leaves_a_floor_that_exact_descent_keeps() -> None:
    record = found(**SADDLE, steps=1500, rungs="tf32,float32,float64")
    steps = parted(record)
    # The measured steps of the theory sheet, to the spread that another BLAS may bring.
    assert 1200 < steps["float64"] < 1600
    assert 580 < steps["float32"] < 780
    assert steps["tf32"] < steps["float32"]
    conclusions, budget = record.payload["tables"]
    assert [row[-1].partition(" ")[0] for row in conclusions["rows"]] == ["violated"] * 3 + ["consistent"]
    assert any(row[0] == "slack of the bound" for row in budget["rows"])
    assert record.payload["witness"]["command"].startswith("workbench compare negative_eigenvalue")


def test_in_the_eigenbasis_no_rung_leaves() -> None:
    options = {**SADDLE, "target": "spectrum:-1,3/2,7/10"}
    record = found(**options, steps=900, rungs="float32,float64")
    assert record.verdict == "no change"
    assert len(record.payload["not_found"]) == 2


def test_more_digits_stay_longer() -> None:
    steps = parted(found(**SADDLE, steps=250, rungs="bfloat16,5"))
    assert set(steps) == {"bfloat16"}
    assert 100 < steps["bfloat16"] < 250


def test_a_rung_of_sixteen_digits_is_double_precision() -> None:
    """The same code over mpmath and numpy, the same losses: what differs is rounding alone."""
    probe = probes.read("precision", {**SADDLE, "steps": 40, "rungs": "16,float64"})
    _, conclusions = probe.record()[0].verdict, probe.record()[0].payload["tables"][0]
    assert conclusions["rows"][0][1] == conclusions["rows"][1][1]


def test_tf32_rounds_factors_to_eleven_bits_to_even() -> None:
    exact = np.array([1 + 2.0**-10, 1 + 2.0**-11, 1 + 3 * 2.0**-11, -1 - 2.0**-12], dtype=np.float32)
    assert _rungs._rounded(exact).tolist() == [1 + 2.0**-10, 1.0, 1 + 2.0**-9, -1.0]


def test_the_smallest_sizes_run() -> None:
    for options in ({"target": '[["2"]]', "depth": 1}, {"target": '[["0","1"]]', "widths": "2,3,1"}):
        record = found(**options, step_size="1/8", steps=5, rungs="float32,20")
        assert record.verdict == "no change"


def test_a_descent_that_diverges_is_undecided() -> None:
    record = found(target='[["4"]]', depth=3, step_size="1", steps=50, rungs="float64")
    assert record.verdict == "undecided"
    assert "exact descent diverges" in record.payload["answer"].lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--depth", "2", "--steps", "5"], "needs --step-size"),
        (["--depth", "2", "--steps", "5", "--step-size", "1/8"], "needs a target"),
        (["--depth", "2", "--steps", "5", "--step-size", "1/8", "--target", "[[1]]", "--rungs", "f64"], "no rung"),
        (["--depth", "2", "--steps", "0", "--step-size", "1/8", "--target", "[[1]]"], "the steps are 0"),
        (
            ["--depth", "2", "--steps", "5", "--step-size", "1/8", "--target", "[[1]]", "--theorem", "balancedness"],
            "reads more than the loss",
        ),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", "precision", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert words in refused.err
