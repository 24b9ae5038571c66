"""Residual networks with biases, trained branch scales and ReLU: gradients from three sides, refusals, memory."""

from __future__ import annotations

import itertools
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from workbench import backends, dynamics, experiment
from workbench.backends.running_error import enclosing
from workbench.errors import InputError, UnsupportedError
from workbench.networks import build, residual
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.targets import matrix
from workbench.trajectory import Arithmetic, Method, Stop

INPUTS = [["3/5", "1"], ["4/5", "-1/4"]]
LABELS = [["1", "1/2"], ["0", "2"]]
SYMBOLIC = {
    "identity": lambda z: z,
    "tanh": sympy.tanh,
    "arctan": sympy.atan,
    "softplus": lambda z: sympy.log((1 + sympy.exp(z)) / 2),
}
TORCH = {
    "tanh": torch.tanh,
    "arctan": torch.atan,
    "softplus": lambda z: torch.nn.functional.softplus(z) - np.log(2),
    "relu": torch.relu,
}
FORMS = list(itertools.product((False, True), ("fixed", "shared", "layer")))


def problem(depth=2, activation="tanh", biases=True, scales="layer", trained="all", start=None):
    network = ResidualNetwork(2, depth, activation, Fraction(1, 3), biases, scales, trained)
    spread = {"bias_scale": "1/4"} if biases else {}
    spread |= {"branch_scales": "1/2"} if scales != "fixed" else {}
    begun = start or Start("gaussian", {"seed": 4, "scale": "1/2", **spread})
    return Problem(network, SquareLoss(matrix(LABELS), matrix(INPUTS), "mean"), begun)


def roles(network, parameters):
    """Return A, b and delta from all parameters."""
    count = network.depth if network.biases else 0
    branches, rest = parameters[: network.depth], parameters[network.depth :]
    return branches, rest[:count], rest[count:]


def derived(given, digits):
    """Return the derivatives of the loss by SymPy, which sees the forward formula alone."""
    network = given.network
    start = build(given, backends.load("exact")).parameters
    symbols = [
        sympy.Matrix(*shape, lambda i, j, n=n: sympy.Symbol(f"p{n}_{i}_{j}", real=True))
        for n, shape in enumerate(network.shapes)
    ]
    branches, biases, scales = roles(network, symbols)
    state = sympy.Matrix([[sympy.Rational(x) for x in row] for row in INPUTS])
    for k in range(network.depth):
        argument = branches[k] * state
        if biases:
            argument += biases[k] * sympy.ones(1, 2)
        delta = sympy.Rational(1, 3) if not scales else scales[k if network.scales == "layer" else 0][0]
        state = state + delta * argument.applyfunc(SYMBOLIC[network.activation])
    labels = sympy.Matrix([[sympy.Rational(x) for x in row] for row in LABELS])
    loss = sum(x**2 for x in state - labels) / 4
    values = {
        symbol: sympy.Rational(str(value))
        for block, entries in zip(symbols, start, strict=True)
        for symbol, value in zip(block, entries.ravel().tolist(), strict=True)
    }
    return [
        [sympy.diff(loss, x).subs(values).evalf(digits) for x in symbols[n]] for n in range(len(network.trained_shapes))
    ]


@pytest.mark.parametrize(
    ("activation", "biases", "scales"),
    [
        *(("tanh", *form) for form in FORMS),
        *(pytest.param(name, True, "layer", marks=pytest.mark.long) for name in ("arctan", "softplus")),
    ],
)
def test_every_gradient_is_sympys_derivative_within_its_enclosure(activation, biases, scales):
    given = problem(2, activation, biases, scales)
    truth = derived(given, 40)
    for name, bits in (("ball", 110), ("mp", 110), ("float64", None), ("torch", None)):
        backend = enclosing(backends.load(name, bits=bits))
        with backend.session():
            built = build(given, backend)
            found = [backend.entries(g) for g in built.loss_and_gradients(built.parameters)[1]]
        assert len(found) == len(truth)
        for block, wanted in zip(found, truth, strict=True):
            for entry, exact in zip([x for row in block for x in row], wanted, strict=True):
                low, high = entry.bounds()
                assert low <= Fraction(str(exact)) + Fraction(1, 10**35)
                assert high >= Fraction(str(exact)) - Fraction(1, 10**35)
                assert high - low < (Fraction(1, 10**25) if bits else Fraction(1, 10**12))


def test_a_gradient_with_a_lost_share_is_caught_by_sympy(monkeypatch):
    given, backend = problem(2, "identity", False, "shared"), backends.load("float64")
    # A shared scale that forgot all blocks but the last.
    monkeypatch.setattr(backend, "add", lambda a, b: a if a.shape == (1, 1) else a + b)
    built = build(given, backend)
    wrong = float(built.loss_and_gradients(built.parameters)[1][-1][0, 0])
    assert abs(wrong - float(derived(given, 20)[-1][0])) > 1e-3


@pytest.mark.parametrize(("biases", "scales"), FORMS)
@pytest.mark.parametrize("activation", TORCH)
@pytest.mark.parametrize("depth", [1, 7])
def test_the_gradients_are_those_of_autograd(activation, biases, scales, depth):
    given = problem(depth, activation, biases, scales)
    built = build(given, backends.load("torch"))
    leaves = [p.clone().requires_grad_() for p in built.parameters]
    branches, offsets, factors = roles(given.network, leaves)
    state = torch.tensor([[float(Fraction(x)) for x in row] for row in INPUTS], dtype=torch.float64)
    labels = torch.tensor([[float(Fraction(x)) for x in row] for row in LABELS], dtype=torch.float64)
    for k in range(depth):
        argument = branches[k] @ state + (offsets[k] if biases else 0)
        factor = 1 / 3 if not factors else factors[k if scales == "layer" else 0]
        state = state + factor * TORCH[activation](argument)
    (((state - labels) ** 2).sum() / 4).backward()
    for mine, leaf in zip(built.loss_and_gradients(built.parameters)[1], leaves, strict=True):
        assert torch.allclose(mine, leaf.grad, rtol=1e-12, atol=1e-14)


def test_what_is_not_trained_stays_and_still_counts():
    whole, inner = problem(3), problem(3, trained="inner")
    backend = backends.load("float64")
    first, second = build(whole, backend), build(inner, backend)
    assert len(second.parameters) == 3
    assert float(first.loss(first.parameters)[0, 0]) == float(second.loss(second.parameters)[0, 0])
    gradients = first.loss_and_gradients(first.parameters)[1][:3], second.loss_and_gradients(second.parameters)[1]
    assert all(np.array_equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("depth", [1, 5, 16, 17])
def test_checkpoints_change_no_bit(depth, monkeypatch):
    built = build(problem(depth, "softplus"), backends.load("float64"))
    whole = built.loss_and_gradients(built.parameters)
    monkeypatch.setattr(residual, "CHECKPOINT_DEPTH", 2)
    again = built.loss_and_gradients(built.parameters)
    assert all(np.array_equal(a, b) for a, b in zip((whole[0], *whole[1]), (again[0], *again[1]), strict=True))


def _peak(depth, checkpoint, monkeypatch):
    """Return the memory in bytes that a gradient takes beside what it returns, with samples that outweigh weights."""
    samples = [[str(Fraction(1 + (i * j) % 7, 8)) for j in range(64)] for i in range(2)]
    network = ResidualNetwork(2, depth, "tanh", Fraction(1, depth))
    built = build(Problem(network, SquareLoss(matrix(samples), matrix(samples))), backends.load("float64"))
    monkeypatch.setattr(residual, "CHECKPOINT_DEPTH", checkpoint)
    tracemalloc.start()
    result = built.loss_and_gradients(built.parameters)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result[1]) == depth
    return peak - kept


def test_depth_10000_runs_in_the_memory_of_its_checkpoints(monkeypatch):
    state = 2 * 64 * 8
    # 100 marks, 100 of each of three arrays in a segment, and what Python adds to each of them.
    assert _peak(10_000, 1024, monkeypatch) < 400 * (state + 400) + 2**20
    # Without checkpoints three arrays a block: linear in the depth.
    assert _peak(2000, 10**6, monkeypatch) > 3 * 2000 * state


def test_the_slope_of_relu_is_zero_at_zero_in_every_arithmetic():
    points = [[Fraction(-2), Fraction(0), Fraction(3)]]
    for name in ("float64", "torch", "mp", "ball", "exact"):
        backend = enclosing(backends.load(name))
        with backend.session():
            x = backend.matrix(points)
            found = [[e.value for e in backend.entries(backend.activate("relu", x, order))[0]] for order in (0, 1)]
        assert found == [[0, 0, 3], [0, 0, 1]]


def test_a_sign_that_is_not_known_leaves_the_slope_of_relu_open():
    ball = backends.load("ball", bits=60)
    with ball.session():
        third = ball.matrix([[Fraction(1, 3)]])
        near_zero = ball.subtract(ball.multiply(third, ball.matrix([[Fraction(3)]])), ball.matrix([[Fraction(1)]]))
        slope = ball.entries(ball.activate("relu", near_zero, 1))[0][0]
    assert slope.bounds()[0] <= 0 < 1 <= slope.bounds()[1]
    floats = enclosing(backends.load("float64"))
    tenths = [floats.matrix([[Fraction(x, 10)]]) for x in (1, 2, 3)]
    difference = floats.subtract(floats.add(tenths[0], tenths[1]), tenths[2])
    assert floats.entries(floats.activate("relu", difference, 1))[0][0].error >= 1


def test_descent_runs_with_relu_in_every_arithmetic_and_balls_hold_the_rationals():
    given, method = problem(2, "relu", False, "fixed"), Method("gradient_descent", Stop(steps=3), Fraction(1, 4))
    ends = {}
    for name in ("float64", "torch", "mp", "ball", "exact"):
        run = dynamics.run(given, method, Arithmetic(name, 20 if name in ("mp", "ball") else None))
        ends[name] = run.observables["loss"][-1]
    truth = ends["exact"].value
    assert ends["exact"].error == 0
    for end in ends.values():
        low, high = end.bounds()
        assert low <= truth <= high
        assert high - low < Fraction(1, 10**9)


def _evidence(**network):
    data = {
        "theorem": "residual_linear_convergence",
        "problem": {
            "network": {"kind": "residual", "width": 2, "depth": 3, "branch_scale": "1/2", **network},
            "loss": {"target": LABELS, "inputs": [["1", "0"], ["0", "1"]], "normalisation": "mean"},
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 2}},
    }
    return experiment.read(data).evidence()


@pytest.mark.parametrize(
    ("network", "hypothesis"),
    [
        ({"activation": "relu"}, "activation"),
        ({"activation": "softplus"}, "activation"),
        ({"activation": "tanh", "biases": True}, "setting"),
        ({"activation": "tanh", "scales": "layer"}, "setting"),
    ],
)
def test_what_lies_outside_a_theorem_runs_and_is_vacuous_by_name(network, hypothesis):
    evidence = _evidence(**network)
    assert evidence.verdict == "vacuous"
    assert hypothesis in {h.name for h in evidence.hypotheses if h.holds is False}
    assert hypothesis not in {h.name for h in _evidence(activation="tanh").hypotheses if h.holds is False}


@pytest.mark.parametrize("backend", ["ball", "float64"])
def test_the_flow_refuses_relu_in_one_line(backend):
    method = Method("gradient_flow", Stop(time=Fraction(1)))
    with pytest.raises(UnsupportedError, match="relu has no smooth right-hand side"):
        dynamics.run(problem(2, "relu"), method, Arithmetic(backend, 15 if backend == "ball" else None))


def test_the_validated_flow_moves_biases_and_scales():
    given, method = problem(1), Method("gradient_flow", Stop(time=Fraction(1, 2)))
    ends = [dynamics.run(given, method, Arithmetic(name, 12), keep_weights=True).weights[-1] for name in ("ball", "mp")]
    assert [len(end) for end in ends] == [3, 3]
    entries = [[x for layer in end for row in layer for x in row] for end in ends]
    for certified, estimated in zip(*entries, strict=True):
        assert abs(certified.value - estimated.value) <= certified.error + estimated.error
        assert certified.error < Fraction(1, 10**11)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": "free"}, "give one of fixed, shared, layer"),
        ({"trained": "some"}, "give one of all, inner"),
        ({"biases": "yes"}, "give true or false"),
        ({"activation": "gelu"}, "no activation is called 'gelu'"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message):
        experiment.read_problem(
            {"network": {"kind": "residual", "width": 2, "depth": 1, **changes}, "loss": {"target": LABELS}}
        )


def test_a_start_that_a_network_has_no_room_for_is_refused():
    with pytest.raises(InputError, match="has no biases"):
        build(problem(biases=False, start=Start("gaussian", {"bias_scale": "1"})), backends.load("float64"))
    with pytest.raises(InputError, match="none are trained"):
        build(problem(scales="fixed", start=Start("gaussian", {"branch_scales": "1"})), backends.load("float64"))


def test_the_run_id_of_a_plain_network_does_not_change():
    assert set(problem(biases=False, scales="fixed").network.specification()) == {
        *("kind", "width", "depth", "activation", "branch_scale")
    }
    assert problem().network.specification()["scales"] == "layer"
