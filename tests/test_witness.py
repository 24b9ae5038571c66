"""The second witness: it agrees with every certified run, and disagrees with a tampered one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from workbench import dynamics, experiment, targets
from workbench.exact import Measured
from workbench.problem import LinearNetwork, Problem, ResidualNetwork, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop, Watch
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


def test_what_is_not_certified_is_not_witnessed():
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
    assert applies(experiment.read(base | {"dynamics": {"name": "flow", "stop": {"time": "1"}}}))


def test_verify_reports_the_largest_disagreement(workbench):
    done = workbench("verify", "balancedness", "--witness", "--json")
    assert done.status == 0, done.err
    found = [r["witness"] for r in done.document["results"]]
    assert any(w is not None and w["disagreement"] <= 1 and w["numbers"] > 0 for w in found)
    assert any(w is None for w in found)


FLOWS = {
    "linear": Problem(
        LinearNetwork((2, 3, 2)),
        SquareLoss(targets.matrix({"family": "uniform", "shape": [2, 2], "seed": 1})),
        Start("gaussian", {"seed": 1, "scale": "1/2"}),
    ),
    "with inputs": Problem(
        LinearNetwork((2, 2)), SquareLoss(targets.matrix([["1", "2"]] * 2), targets.matrix([["1", "1/3"], ["0", "2"]]))
    ),
    "by modes": Problem(
        LinearNetwork((2, 2, 2, 2)),
        SquareLoss(targets.matrix({"family": "spectrum", "eigenvalues": ["2", "-1/2"], "rotate": 3})),
    ),
    "tanh": Problem(
        ResidualNetwork(1, 2, "tanh", Fraction(1, 2)),
        SquareLoss(targets.matrix([["1"]]), targets.matrix([["1/2"]])),
        Start("given", {"weights": [[["1/3"]], [["-1"]]]}),
    ),
    "residual": Problem(
        ResidualNetwork(2, 2, "identity", Fraction(1, 2)),
        SquareLoss(targets.matrix({"family": "uniform", "shape": [2, 2], "seed": 1})),
        Start("gaussian", {"seed": 1, "scale": "1/2"}),
    ),
}


def certified_flow(name, *watch, observes=("loss",)):
    stop = Stop(time=Fraction(1, 2), watch=tuple(Watch.read(text) for text in watch))
    method = Method("gradient_flow", stop)
    return dynamics.run(FLOWS[name], method, Arithmetic("ball", 15), observes, keep_weights=True)


@pytest.mark.parametrize("name", FLOWS)
def test_the_witness_agrees_with_every_certified_flow(name):
    found = examine(certified_flow(name))
    assert 0 < found.disagreement <= 1
    assert found.numbers > 41


def test_the_witness_recomputes_observables_and_the_times_of_events():
    run = certified_flow("linear", "loss=3/5", observes=("loss", "balancedness_change", "gradient_squared_norm"))
    assert run.events[0].outcome == "crossed"
    found = examine(run)
    assert found.disagreement <= 1
    assert found.numbers == 41 * (12 + 3) + 1


@pytest.mark.parametrize("name", ["with inputs", "tanh"])
def test_a_radius_of_a_flow_claimed_too_small_is_noticed(name):
    run = certified_flow(name)
    loss = tuple(Measured(x.value, x.error / 10**4) for x in run.observables["loss"])
    assert examine(replace(run, observables={"loss": loss})).disagreement > 1


def test_a_weight_and_an_event_moved_away_are_noticed():
    run = certified_flow("linear", "loss=3/5")
    weights = [[[list(row) for row in layer] for layer in layers] for layers in run.weights]
    entry = weights[30][1][0][0]
    weights[30][1][0][0] = Measured(entry.value + 5 * entry.error, entry.error)
    assert 4 <= examine(replace(run, weights=tuple(weights))).disagreement <= 6
    (event,) = run.events
    width = event.high - event.low
    moved = replace(event, low=event.low + 3 * width, high=event.high + 3 * width)
    assert examine(replace(run, events=(moved,))).disagreement > 1


@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_the_witness_agrees_with_descent_on_a_residual_network(activation):
    network = ResidualNetwork(2, 2, activation, Fraction(1, 2))
    problem = Problem(network, FLOWS["residual"].loss, FLOWS["residual"].start)
    method = Method("gradient_descent", Stop(steps=8), Fraction(1, 10))
    run = dynamics.run(problem, method, Arithmetic("ball", 15), keep_weights=True)
    assert run.grade == "enclosure"
    assert 0 < examine(run).disagreement <= 1
    loss = tuple(Measured(x.value, x.error / 10**40) for x in run.observables["loss"])
    assert examine(replace(run, observables={"loss": loss})).disagreement > 1


def test_a_saddle_is_at_rest_for_the_witness_too():
    start = Start("given", {"weights": [[["0"]], [["0"]]]})
    problem = Problem(LinearNetwork((1, 1, 1)), SquareLoss(targets.matrix([["1"]])), start)
    run = dynamics.run(problem, Method("gradient_flow", Stop(time=Fraction(10**6))), Arithmetic("ball", 15))
    assert examine(run).disagreement <= 1
