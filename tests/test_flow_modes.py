"""The flow mode by mode: closed forms with Newton, certified, against the integrator and against differentiation."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench import dynamics, targets
from workbench.backends import load
from workbench.backends.ball import arb
from workbench.dynamics import _flow_modes
from workbench.dynamics._flow_modes import mode_at
from workbench.problem import LinearNetwork, Problem, SquareLoss
from workbench.trajectory import Arithmetic, Method, Stop

ROTATED = {"family": "spectrum", "eigenvalues": ["2", "1/2", "-1/3"], "rotate": 7}


def flow(target, depth, size, *, structured=True, time="3", observes=("loss",)):
    problem = Problem(LinearNetwork((size,) * (depth + 1)), SquareLoss(targets.matrix(target)))
    method = Method("gradient_flow", Stop(time=Fraction(time)))
    arithmetic = Arithmetic("ball", 20, structured=structured)
    return dynamics.run(problem, method, arithmetic, observes, keep_weights=True)


def apart(first, second):
    """Return whether two runs exclude each other somewhere."""
    pairs = zip(first.weights, second.weights, strict=True)
    flat = [
        (x, y)
        for a, b in pairs
        for u, v in zip(a, b, strict=True)
        for r, s in zip(u, v, strict=True)
        for x, y in zip(r, s, strict=True)
    ]
    flat += zip(first.observables["loss"], second.observables["loss"], strict=True)
    return any(abs(x.value - y.value) > x.error + y.error for x, y in flat)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_modes_and_integrator_agree_at_every_record(depth):
    modes, full = flow(ROTATED, depth, 3, time="1"), flow(ROTATED, depth, 3, structured=False, time="1")
    assert any("closed forms" in note for note in modes.notes)
    assert not any("closed form" in note for note in full.notes)
    assert not apart(modes, full)


@pytest.mark.parametrize("target", ["0", "1", "3", "-1"])
def test_one_number_agrees_too_whatever_its_sign(target):
    assert not apart(flow([[target]], 3, 1), flow([[target]], 3, 1, structured=False))


def test_a_root_moved_by_a_billionth_is_caught(monkeypatch):
    right = _flow_modes._Mode._weight
    monkeypatch.setattr(_flow_modes._Mode, "_weight", lambda self, y: right(self, y) * (1 + arb(2) ** -30))
    assert apart(flow(ROTATED, 3, 3, time="1"), flow(ROTATED, 3, 3, structured=False, time="1"))


@pytest.mark.parametrize("depth", [3, 5, 8])
@pytest.mark.parametrize("value", [Fraction(5, 2), Fraction(1, 9), Fraction(-3, 4)])
def test_newton_contains_what_more_digits_find(depth, value):
    found = []
    for bits in (150, 400):
        with load("ball", bits=bits).session():
            found.append([mode_at(value, depth)(arb(Fraction(t))) for t in ("1/100", "1", "100", "10000")])
    for coarse, fine in zip(*found, strict=True):
        assert coarse.is_finite()
        assert coarse.overlaps(fine)
        assert coarse.rad() < 1e-35


def test_a_mode_obeys_its_equation():
    with load("ball", bits=600).session():
        step = arb(Fraction(1, 2**120))
        for depth, value in ((2, Fraction(3)), (3, Fraction(3)), (4, Fraction(-1, 2)), (5, Fraction(0))):
            mode, time = mode_at(value, depth), arb(Fraction(2, 3))
            x = mode(time)
            slope = (mode(time + step) - mode(time - step)) / (2 * step)
            # Central differences err by step^2 times a third derivative.
            assert abs(slope - x ** (depth - 1) * (arb(value) - x**depth)) < arb(2) ** -200


def test_output_between_records_agrees_with_the_integrator():
    modes, full = (flow(ROTATED, 3, 3, structured=given, time="1") for given in (True, False))
    for x, y in zip(modes.dense(Fraction(1, 7))[0][0], full.dense(Fraction(1, 7))[0][0], strict=True):
        assert abs(x.value - y.value) <= x.error + y.error


def test_events_and_observables_of_layers_take_the_integrator():
    full = flow(ROTATED, 2, 3, observes=("loss", "balancedness_change"), time="1/2")
    assert not any("closed form" in note for note in full.notes)
