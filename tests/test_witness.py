"""The second witness: it agrees with every certified descent, and disagrees with a tampered one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from workbench import dynamics, experiment, targets
from workbench.exact import Measured
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop
from workbench.witness import applies, examine, recompute

RUNS = {
    "gradient_descent": {},
    "penalised_descent": {"penalty": "1/10"},
    "heavy_ball": {"momentum": "1/5"},
    "nesterov": {"momentum": "1/5"},
    "projected_descent": {"radius": "1/4"},
}


def certified(name, start, inputs=None, structured=True):
    given = None if inputs is None else targets.matrix(inputs)
    target = targets.matrix({"family": "spectrum", "eigenvalues": ["2", "-1/2"], "rotate": 3})
    problem = Problem(LinearNetwork((2, 2, 2, 2)), SquareLoss(target, given, "mean"), start)
    method = Method(name, Stop(steps=25), Fraction(1, 20), {k: Fraction(v) for k, v in RUNS[name].items()})
    return dynamics.run(problem, method, Arithmetic("ball", 25, structured=structured), keep_weights=True)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("start", [Start(), Start("gaussian", {"seed": 3, "scale": "1/2"})])
def test_the_witness_agrees_with_every_certified_descent(name, start):
    found = examine(certified(name, start))
    assert found.disagreement <= 1
    assert found.numbers == 26 * 13


def test_the_witness_agrees_where_there_are_inputs():
    assert examine(certified("gradient_descent", Start(), [["1", "2"], ["0", "1"]])).disagreement <= 1


def test_a_number_moved_by_three_radii_is_noticed():
    run = certified("gradient_descent", Start())
    loss = list(run.observables["loss"])
    loss[7] = Measured(loss[7].value + 3 * loss[7].error, loss[7].error)
    assert 2 <= examine(replace(run, observables={"loss": tuple(loss)})).disagreement <= 4


def test_a_radius_claimed_a_billion_times_too_small_is_noticed():
    run = certified("heavy_ball", Start("gaussian", {"seed": 3, "scale": "1/2"}))
    loss = tuple(Measured(x.value, x.error / 10**60) for x in run.observables["loss"])
    assert examine(replace(run, observables={"loss": loss})).disagreement > 1


def test_what_is_no_certified_descent_is_not_witnessed():
    base = {
        "theorem": "balancedness",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 2, 2]},
            "loss": {"target": {"family": "uniform", "shape": [2, 2], "seed": 1}},
        },
        "dynamics": {"name": "descent", "step_size": "1/10", "stop": {"steps": 5}},
        "backend": {"name": "ball", "digits": 20},
    }
    assert recompute(experiment.read(base)).disagreement <= 1
    assert not applies(experiment.read(base | {"backend": {"name": "float64"}}))
    assert not applies(experiment.read(base | {"dynamics": {"name": "flow", "stop": {"time": "1"}}}))


def test_verify_reports_the_largest_disagreement(workbench):
    done = workbench("verify", "balancedness", "--witness", "--json")
    assert done.status == 0, done.err
    found = [r["witness"] for r in done.document["results"]]
    assert any(w is not None and w["disagreement"] <= 1 and w["numbers"] > 0 for w in found)
    assert any(w is None for w in found)
