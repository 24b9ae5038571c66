"""Digits of a recorded loss, however small it is; where there are none, the run says so."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench import dynamics, experiment, targets
from workbench.dynamics import _iteration
from workbench.dynamics._fixed_point_descent import FixedPointDescent
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop

UNIFORM = targets.matrix({"family": "uniform", "shape": [2, 2], "seed": 1})


def descent(
    steps, digits=20, *, level=None, name="gradient_descent", eta="1/20", target=UNIFORM, depth=4, **parameters
):
    given = Problem(LinearNetwork((target.shape[0],) * (depth + 1)), SquareLoss(target))
    method = Method(name, Stop(steps=steps, until_loss=level), Fraction(eta), parameters)
    return dynamics.run(given, method, Arithmetic("ball", digits, structured=False))


@pytest.mark.parametrize("name", ["gradient_descent", "heavy_ball", "nesterov"])
@pytest.mark.parametrize("level", [None, Fraction(1, 10**90)])
def test_every_recorded_loss_has_the_digits_asked_for(name, level):
    parameters = {} if name == "gradient_descent" else {"momentum": Fraction(1, 3)}
    run = descent(1500, level=level, name=name, **parameters)
    last = run.observables["loss"][-1]
    assert 0 < last.value < Fraction(1, 10**80)
    assert all(loss.error <= loss.value / 10**20 for loss in run.observables["loss"])


def test_the_digits_of_the_loss_do_not_come_by_chance(monkeypatch):
    monkeypatch.setattr("workbench.dynamics._loss_digits.LossDigits.hold", lambda self, *record: None)
    run = descent(1500)
    assert any(loss.error > loss.value / 10**20 for loss in run.observables["loss"])


def test_a_loss_that_is_zero_asks_for_nothing():
    run = descent(50, target=Matrix.from_rows([["1", "0"], ["0", "1"]]))
    assert all(loss.value == 0 and not loss.error for loss in run.observables["loss"])
    assert run.arithmetic.precision_bits < 140


def test_a_loss_that_falls_beyond_reason_is_recorded_with_what_it_has_and_a_note():
    # Newton's method in disguise: at this step the error squares itself.
    run = descent(40, target=Matrix.from_rows([["2"]]), depth=2, eta="1/4")
    assert run.status is Status.FINISHED
    assert any("too small for 20 digits" in note for note in run.notes)
    assert run.arithmetic.precision_bits < 1000
    last = run.observables["loss"][-1]
    assert last.value - last.error <= Fraction(1, 10**1000) <= last.error


def test_the_bits_that_the_last_loss_needs_are_foreseen(monkeypatch):
    tried, honest = [], FixedPointDescent.run

    def run(self):
        tried.append(self.bits)
        return honest(self)

    monkeypatch.setattr(FixedPointDescent, "run", run)
    descent(1500)
    assert len(tried) == 2


def test_an_automatic_precision_decides_on_a_tiny_loss():
    specification = {
        "theorem": "positive_definite",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 2, 2, 2]},
            "loss": {"target": {"family": "spectrum", "eigenvalues": ["1/2", "2"]}},
        },
        "dynamics": {"name": "descent", "step_size": "1/12", "stop": {"steps": 1500}},
        "backend": {"name": "ball", "digits": "auto"},
    }
    evidence = experiment.run(specification)
    assert evidence.verdict == "consistent"
    assert any("were not enough" in note for note in evidence.notes)


MOMENTA = [("heavy_ball", "1/10"), ("heavy_ball", "9/10"), ("nesterov", "1/2"), ("nesterov", "9/10")]


@pytest.mark.parametrize(("name", "momentum"), MOMENTA)
def test_momentum_in_fixed_point_agrees_with_balls_and_is_no_wider(monkeypatch, name, momentum):
    start = Start("gaussian", {"seed": 2, "scale": "3/4"})
    given = Problem(LinearNetwork((2, 3, 2)), SquareLoss(UNIFORM), start)
    method = Method(name, Stop(steps=120), Fraction(1, 60), {"momentum": Fraction(momentum)})

    def run():
        found = dynamics.run(given, method, Arithmetic("ball", 20), keep_weights=True)
        return found.arithmetic.precision_bits, [x for w in found.weights[-1] for row in w for x in row]

    (bits, mine), _ = run(), monkeypatch.setattr(_iteration, "applies", lambda problem, method: False)
    more, theirs = run()
    assert all(abs(x.value - y.value) <= x.error + y.error for x, y in zip(mine, theirs, strict=True))
    width, wider = max(x.error for x in mine) * 2**bits, max(x.error for x in theirs) * 2**more
    # With little momentum the Euclidean norm does as well, and balls cut less.
    assert width < (4 * wider if momentum == "1/10" else wider / 4)


@pytest.mark.parametrize(("name", "momentum"), [*MOMENTA, ("heavy_ball", "3/2"), ("nesterov", "1")])
@pytest.mark.parametrize("eta", ["3", "1e30", "1e400"])
def test_momentum_that_diverges_proves_it(name, momentum, eta):
    run = descent(400, 15, name=name, eta=eta, momentum=Fraction(momentum))
    assert run.status is Status.DIVERGED
    assert any(f"proved at step {run.steps[-1]}" in note for note in run.notes)


@pytest.mark.parametrize("name", ["gradient_descent", "penalised_descent", "weight_decay"])
@pytest.mark.parametrize("engine", ["fixed point", "balls"])
def test_a_step_beyond_the_floats_proves_that_it_diverges(monkeypatch, name, engine):
    if engine == "balls":
        monkeypatch.setattr(_iteration, "applies", lambda problem, method: False)
    parameters = {"penalised_descent": {"penalty": Fraction(1)}, "weight_decay": {"decay": Fraction(1)}}.get(name, {})
    run = descent(5, 15, name=name, eta="1e400", **parameters)
    assert run.status is Status.DIVERGED
    assert any("proved at step 1:" in note for note in run.notes)
    # Without the balls the floats' bound is infinite, and says so.
    monkeypatch.setattr(_iteration, "_MOST_CARRIED", 0)
    assert any("not proved" in note for note in descent(5, 15, name=name, eta="1e400", **parameters).notes)
