"""The benchmark measures the same task on both sides; how long they take is for the benchmark, not for a test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sympy

from workbench.bench import symbolic
from workbench.bench.measure import Measurement, against, within
from workbench.errors import InconsistentError
from workbench.symbolic.words import matrix


@pytest.mark.parametrize("function", [symbolic.entrywise, symbolic.entrywise_sympy])
def test_both_sides_look_at_every_entry_of_every_law(function, monkeypatch):
    seen = []
    monkeypatch.setattr(symbolic, "_expect_zero", seen.append)
    width, depth = 2, 3
    function(width, depth)
    values = [value for batch in seen for value in batch]
    assert len(values) == (depth - 1) * width**2
    assert all(value == 0 for value in values)


def test_a_side_that_finds_a_law_moving_is_caught(monkeypatch):
    monkeypatch.setattr(symbolic, "_chain_rule", lambda entry, velocity: sympy.Symbol("x"))
    with pytest.raises(InconsistentError, match="does not vanish"):
        symbolic.entrywise_sympy(1, 2)


def test_the_shapes_are_fifty_of_depth_two_to_five_and_widths_one_to_six():
    shapes = symbolic.shapes()
    assert len(shapes) == 50
    assert {len(widths) - 1 for widths in shapes} == {2, 3, 4, 5}
    assert {width for widths in shapes for width in widths} == {1, 2, 3, 4, 5, 6}


def test_balancedness_is_proved_in_words_and_a_wrong_defect_is_not(monkeypatch):
    symbolic.prove_in_words()
    chain = symbolic.opaque_chain()
    above = chain.layers[2]
    wrong = SimpleNamespace(
        general_loss=chain.general_loss, layers=chain.layers, defect=lambda _: matrix(above).T @ matrix(above)
    )
    monkeypatch.setattr(symbolic, "opaque_chain", lambda: wrong)
    with pytest.raises(InconsistentError):
        symbolic.prove_in_words()


def test_a_measurement_says_whether_its_promise_is_kept():
    ratio = Measurement("task", 0.5, 3, "peer", 2.0, floor=4.0)
    assert (ratio.ratio, ratio.met) == (4.0, True)
    assert not Measurement("task", 0.5, 3, "peer", 1.9, floor=4.0).met
    assert not Measurement("task", 0.5, 3, limit=0.4).met
    assert Measurement("task", 0.5, 3, limit=0.6).document["met"]


def test_measurements_run_as_often_as_they_say():
    calls = []
    found = against("task", lambda: calls.append("own"), "peer", lambda: calls.append("peer"), 1.0, 3, 2)
    assert calls == ["own", "peer", "own", "peer", "own"]
    assert (found.runs, found.floor) == (3, 1.0)
    assert within("task", lambda: None, 1.0, 2).runs == 2
