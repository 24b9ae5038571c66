"""Nesterov's descent: its forms agree, PyTorch agrees, and its edge of stability is where it is said to be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from workbench import dynamics
from workbench.dynamics import _iteration
from workbench.dynamics._fixed_point_rules import Momentum
from workbench.dynamics.heavy_ball import HeavyBall
from workbench.dynamics.nesterov import Nesterov
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.symbolic import dynamics as maps
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.networks import linear_network
from workbench.symbolic.words import matrix as word
from workbench.targets import matrix
from workbench.trajectory import Arithmetic, Method, Status, Stop

TARGET = [["1", "1/2"], ["0", "2"]]
MOMENTUM = Fraction(1, 2)


def problem(depth=2):
    start = Start("gaussian", {"seed": 1, "scale": "1/2"})
    return Problem(LinearNetwork((2,) * (depth + 1)), SquareLoss(Matrix.from_rows(TARGET)), start)


def descent(name, backend, steps, eta=Fraction(1, 10), momentum=MOMENTUM, given=None, digits=None):
    parameters = {} if momentum is None else {"momentum": momentum}
    method = Method(name, Stop(steps=steps), eta, parameters)
    return dynamics.run(given or problem(), method, Arithmetic(backend, digits), keep_weights=True)


def values(weights):
    return [[[entry.value for entry in row] for row in layer] for layer in weights]


STEPS = {
    "gradient_descent": maps.gradient_descent,
    "weight_decay": maps.weight_decay,
    "heavy_ball": maps.heavy_ball,
    "nesterov": maps.shifted_nesterov,
}


@pytest.mark.parametrize("name", STEPS)
def test_an_exact_run_is_the_map_in_words(name):
    """Two runs of one step each, never having met: rationals through the backend, words through the calculus."""
    parameters = {"weight_decay": {"decay": MOMENTUM}, "gradient_descent": {}}.get(name, {"momentum": MOMENTUM})
    method = Method(name, Stop(steps=3), Fraction(1, 10), parameters)
    run = dynamics.run(problem(), method, Arithmetic("exact"), keep_weights=True)
    network = linear_network(2, (2, 2, 2))
    step = STEPS[name](Calculus(), network.loss, network.layers)
    state = dict(zip(network.layers, values(run.weights[0]), strict=True))
    state |= {maps.velocity_of(w): [[Fraction(0)] * 2 for _ in range(2)] for w in network.layers}
    target = {network.target: [[Fraction(x) for x in row] for row in TARGET]}
    scalars = {"eta": Fraction(1, 10), "beta": MOMENTUM, "lambda": MOMENTUM}
    for record in run.weights[1:]:
        state |= {letter: evaluate(value, state | target, scalars) for letter, value in step.items()}
        assert [state[w] for w in network.layers] == values(record)


def test_the_form_that_looks_ahead_is_the_shifted_one():
    network = linear_network(2)
    ahead = maps.nesterov(Calculus(), network.loss, network.layers)
    shifted = maps.shifted_nesterov(Calculus(), network.loss, network.layers)
    moved = maps.look_ahead(network.layers)
    for w in network.layers:
        v = maps.velocity_of(w)
        assert ahead[v] == shifted[v].substitute(moved)
        assert ahead[w] + maps.BETA * ahead[v] == shifted[w].substitute(moved)
        assert ahead[w] != shifted[w]


def test_the_two_sequences_are_the_form_that_looks_ahead():
    network = linear_network(2)
    ahead = maps.nesterov(Calculus(), network.loss, network.layers)
    slopes = {w: Calculus().gradient(network.loss, w) for w in network.layers}
    point = maps.look_ahead(network.layers)
    for w in network.layers:
        x = point[w] - maps.ETA * slopes[w].substitute(point)
        assert x == ahead[w]
        # Y = X + beta (X - W) is the next point at which the gradient is taken.
        y = x + maps.BETA * (x - word(w))
        assert y == ahead[w] + maps.BETA * ahead[maps.velocity_of(w)]


def test_the_run_is_that_of_pytorch():
    run = descent("nesterov", "float64", 30)
    layers = [
        torch.tensor([[float(x) for x in row] for row in layer], requires_grad=True, dtype=torch.float64)
        for layer in values(run.weights[0])
    ]
    target = torch.tensor([[1, 0.5], [0, 2]], dtype=torch.float64)
    optimiser = torch.optim.SGD(layers, lr=0.1, momentum=0.5, nesterov=True)
    for _ in range(30):
        optimiser.zero_grad()
        ((layers[1] @ layers[0] - target) ** 2).sum().div(2).backward()
        optimiser.step()
    for mine, theirs in zip(values(run.weights[-1]), layers, strict=True):
        np.testing.assert_allclose(np.array(mine, dtype=float), theirs.detach().numpy(), rtol=1e-12)


def test_without_momentum_it_is_descent():
    found = descent("nesterov", "exact", 3, momentum=Fraction(0))
    assert values(found.weights[-1]) == values(descent("gradient_descent", "exact", 3, momentum=None).weights[-1])


def test_with_momentum_it_is_not_heavy_ball():
    mine, theirs = (descent(name, "exact", 3) for name in ("nesterov", "heavy_ball"))
    assert values(mine.weights[-1]) != values(theirs.weights[-1])


@pytest.mark.parametrize("rule", [HeavyBall, Nesterov])
@pytest.mark.parametrize("beta", [Fraction(0), Fraction(1, 3), Fraction(9, 10)])
def test_the_growth_is_at_least_the_norm_between_the_extremes(rule, beta):
    found = rule(Fraction(1, 4), beta)
    inner = max(found._norm(h) for h in np.linspace(-1.5, 7, 200))
    assert inner <= found.growth(-1.5, 7) * (1 + 1e-12)
    assert found.growth(-np.inf, np.inf) == np.inf


@pytest.mark.parametrize("engine", ["balls", "fixed point"])
def test_a_growth_without_its_momentum_is_caught(monkeypatch, engine):
    if engine == "balls":
        monkeypatch.setattr(_iteration, "applies", lambda problem, method: False)
    target = matrix({"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"], "rotate": 1})
    saddle = Problem(LinearNetwork((3,) * 4), SquareLoss(target))
    truth = descent("nesterov", "ball", 400, given=saddle, digits=60)

    def escapes():
        rough = descent("nesterov", "ball", 400, given=saddle, digits=1)
        pairs = zip(flat(rough.weights), flat(truth.weights), strict=True)
        return any(abs(a.value - b.value) > a.error + b.error for a, b in pairs)

    assert not escapes()
    # As though the step contracted: the error along the saddle's directions grows all the same.
    monkeypatch.setattr(Nesterov, "growth", lambda self, low, high: 0.5)
    monkeypatch.setattr(Momentum, "growth", lambda self, top: (0.5, 0.0))
    monkeypatch.setattr(Momentum, "dip", lambda self, twist, slope: 0.0)
    assert escapes()


def flat(weights):
    return [x for record in weights for layer in record for row in layer for x in row]


def test_the_error_of_a_certified_run_is_propagated_and_small():
    run = descent("nesterov", "ball", 200, digits=30)
    assert run.grade == "enclosure"
    assert all(x.error <= Fraction(4, 10**30) for x in flat(run.weights))


@pytest.mark.parametrize("beta", [Fraction(0), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize(
    ("name", "edge"),
    [("heavy_ball", lambda b: 2 * (1 + b)), ("nesterov", lambda b: 2 * (1 + b) / (1 + 2 * b))],
    ids=["heavy_ball", "nesterov"],
)
def test_one_layer_is_stable_just_below_the_edge_and_not_above(name, edge, beta):
    one = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["3"]])))
    shifts = (Fraction(-1, 50), Fraction(1, 50))
    below, above = (descent(name, "float64", 800, edge(beta) * (1 + shift), beta, one) for shift in shifts)
    start = below.observables["loss"][0].value
    assert below.observables["loss"][-1].value < start / 10**4
    assert above.status is Status.DIVERGED or above.observables["loss"][-1].value > start * 10**4


def settled(beta, a, steps):
    """Return z = sqrt(h) x at the last two steps of heavy ball on two equal numbers, h = eta / (1 + beta) = 1/4."""
    eta, target = (1 + beta) / 4, 4 * a
    start = Start("given", {"weights": [[["11/5"]], [["11/5"]]]})
    one = Problem(LinearNetwork((1, 1, 1)), SquareLoss(Matrix.from_rows([[target]])), start)
    run = descent("heavy_ball", "float64", steps, eta, beta, one)
    return [float(record[0][0][0].value) / 2 for record in run.weights[-2:]]


def test_heavy_ball_settles_on_the_orbit_of_descent_at_the_shorter_step_inside_the_window_only():
    # The window of momentum 1/2 ends at sqrt(41/4) / (3/2) - 1 = 1.1344; that of descent at sqrt(5) - 1 = 1.236.
    for a in (Fraction(11, 10), Fraction(113, 100)):
        first, second = settled(Fraction(1, 2), a, 400)
        assert first * second == pytest.approx(1, abs=1e-9)
        assert first**2 + second**2 == pytest.approx(1 + float(a), abs=1e-9)
    first, second = settled(Fraction(1, 2), Fraction(114, 100), 400)
    assert abs(first * second - 1) > 0.01
    assert first < 2
