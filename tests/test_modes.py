"""Descent mode by mode: its hypotheses, and its agreement with the full matrices."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench import dynamics, experiment, targets
from workbench.dynamics._modes import modes
from workbench.errors import InputError
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop

ROTATED = {"family": "spectrum", "eigenvalues": ["2", "1/2", "-1/3"], "rotate": 7}
OBSERVES = ("loss",)


def problem(target=ROTATED, depth=3, start=None, size=3):
    return Problem(LinearNetwork((size,) * (depth + 1)), SquareLoss(targets.matrix(target)), start or Start())


def run(
    given,
    name="gradient_descent",
    *,
    structured,
    steps=40,
    eta="1/20",
    observes=OBSERVES,
    level=None,
    keep=False,
    **extra,
):
    exact = {k: Fraction(v) for k, v in extra.items()}
    method = Method(name, Stop(steps=steps, until_loss=level), Fraction(eta), exact)
    arithmetic = Arithmetic("ball", 30, structured=structured)
    return dynamics.run(given, method, arithmetic, observes, keep_weights=keep)


def overlap(a, b):
    return abs(a.value - b.value) <= a.error + b.error


@pytest.mark.parametrize(("name", "extra"), [("gradient_descent", {}), ("penalised_descent", {"penalty": "1/10"})])
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("target", [ROTATED, [["2", "0", "0"], ["0", "-1", "0"], ["0", "0", "0"]]])
def test_both_ways_agree_in_every_weight_and_in_the_loss(name, extra, depth, target):
    given = problem(target, depth)
    short, long = (run(given, name, structured=s, keep=True, **extra) for s in (True, False))
    assert short.grade == long.grade == "enclosure"
    assert short.steps == long.steps
    assert any("structure used" in note for note in short.notes)
    assert not any("structure used" in note for note in long.notes)
    for series in OBSERVES:
        assert all(overlap(a, b) for a, b in zip(short.observables[series], long.observables[series], strict=True))
    for mine, theirs in zip(short.weights, long.weights, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert all(overlap(x, y) for r, q in zip(a, b, strict=True) for x, y in zip(r, q, strict=True))


def test_the_loss_alone_agrees_and_its_error_does_not_grow_with_the_steps():
    given = problem({"family": "spectrum", "eigenvalues": ["2", "1/2"], "rotate": 7}, 4, size=2)
    short, long = (run(given, structured=s, observes=("loss",), steps=400) for s in (True, False))
    assert all(overlap(a, b) for a, b in zip(short.observables["loss"], long.observables["loss"], strict=True))
    assert short.observables["loss"][-1].error < long.observables["loss"][-1].error


def test_the_same_step_reaches_a_level_both_ways():
    short, long = (
        run(problem([["2"]], size=1), structured=s, observes=("loss",), steps=500, level=Fraction(1, 10**8))
        for s in (True, False)
    )
    assert short.status is long.status is Status.CONVERGED
    assert short.steps[-1] == long.steps[-1]


def test_modes_at_their_target_and_modes_that_vanish_stay_finite():
    given = problem({"family": "spectrum", "eigenvalues": ["2", "1/2", "-1"], "rotate": 1}, 2)
    for structured in (True, False):
        found = run(given, structured=structured, eta="1/4", observes=("loss",), steps=60)
        assert found.status is Status.FINISHED
        assert found.observables["loss"][-1].error < Fraction(1, 10**25)


def test_a_step_far_too_long_diverges_both_ways():
    assert {run(problem(), structured=s, eta="3", observes=("loss",)).status for s in (True, False)} == {
        Status.DIVERGED
    }


METHOD = Method("gradient_descent", Stop(steps=1), Fraction(1, 10))


@pytest.mark.parametrize(
    "given",
    [
        problem({"family": "uniform", "shape": [3, 3], "seed": 1}),
        problem(start=Start("gaussian", {"seed": 1, "scale": "1/2"})),
        Problem(LinearNetwork((2, 3, 2)), SquareLoss(targets.matrix([["1", "0"], ["0", "2"]]))),
    ],
)
def test_a_problem_without_the_structure_is_not_given_one(given):
    assert modes(given, METHOD) is None


def test_other_dynamics_are_not_run_by_modes():
    assert modes(problem(), METHOD) is not None
    assert modes(problem(), Method("heavy_ball", Stop(steps=1), Fraction(1, 10))) is None


def test_switching_the_structure_off_is_part_of_the_specification():
    assert experiment.read_arithmetic({"name": "ball", "structure": False}).specification()["structure"] is False
    assert "structure" not in experiment.read_arithmetic({"name": "ball"}).specification()
    with pytest.raises(InputError, match="ball alone"):
        experiment.read_arithmetic({"name": "mp", "structure": False})
