"""False identities of biased, tied and residual networks, of tanh and of the steps with momentum: each is refuted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from test_symbolic_false_identities import HALF, LAMBDA, ONE, PAIRS, Pair, at, pair, square

from workbench.symbolic import dynamics as maps
from workbench.symbolic.biased_networks import biased_network
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.entrywise import entry_names
from workbench.symbolic.identities import Identity, Inequality, Region
from workbench.symbolic.networks import linear_network, residual_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import eigenvalues
from workbench.symbolic.tanh_networks import tanh_network
from workbench.symbolic.tied_networks import tied_network
from workbench.symbolic.words import matrix, trace, trace_constant, zero

X, Y, A, B, ETA, BETA, DELTA = (Polynomial.symbol(name) for name in ("x", "y", "a", "b", "eta", "beta", "delta"))


def biases():
    network = biased_network(2, ("d",) * 3)
    calculus = Calculus()
    gradients = {v.name: calculus.gradient(network.loss, v) for v in network.variables}
    w2, ones = matrix(network.layers[1]), matrix(network.ones)
    error = network.output - matrix(network.outputs)
    x, b1 = matrix(network.inputs), matrix(network.biases[0])
    lower, hidden = matrix(network.layers[0]) @ x, network.state(1)
    true = w2.T @ error @ ones
    yield pair("bias gradient with the wrong sign", gradients["b_1"], true, -true)
    yield pair("bias gradient without the layer above", gradients["b_1"], true, error @ ones)
    yield pair("bias gradient without the transpose above", gradients["b_1"], true, w2 @ error @ ones)
    yield pair("gradient of the other bias", gradients["b_2"], error @ ones, w2.T @ error @ ones)
    yield pair(
        "gradient of the upper layer without the bias below", gradients["W_2"], error @ hidden.T, error @ lower.T
    )
    plain = (w2 @ lower - matrix(network.outputs)) @ ones
    yield pair("bias gradient of an error without biases", gradients["b_2"], error @ ones, plain)
    flow = {v: -gradients[v.name] for v in network.variables}
    nothing, square_of_bias = zero("d", "d"), b1 @ b1.T
    defect = network.defect(1)
    for name, wrong in (
        ("balancedness without the bias", defect + square_of_bias),
        ("balancedness with the bias added", defect + 2 * square_of_bias),
        ("balancedness with half the bias", defect + HALF * square_of_bias),
        (
            "balancedness with the upper bias",
            defect + square_of_bias - matrix(network.biases[1]) @ matrix(network.biases[1]).T,
        ),
    ):
        true_law = Identity(f"true: {name}", defect.derivative(flow), nothing)
        yield Pair(true_law, Identity(name, wrong.derivative(flow), nothing))
    step = {v: matrix(v) - ETA * gradients[v.name] for v in network.variables}
    g1, g2, g = gradients["W_1"], gradients["W_2"], gradients["b_1"]
    drift = g2.T @ g2 - g1 @ g1.T - g @ g.T
    after = defect.substitute(step)
    yield pair(
        "biased drift without the gradient of the bias",
        after,
        defect + ETA**2 * drift,
        defect + ETA**2 * (drift + g @ g.T),
    )
    yield pair("biased drift of first order", after, defect + ETA**2 * drift, defect + ETA * drift)


def tied():
    network = tied_network(3)
    w, slope = matrix(network.layer), matrix(network.general_loss.gradient)
    found = Calculus().gradient(network.general_loss, network.layer)
    true = w.T @ w.T @ slope + w.T @ slope @ w.T + slope @ w.T @ w.T
    yield pair("tied gradient of the last place only", found, true, slope @ w.T @ w.T)
    yield pair("tied gradient as if all commuted", found, true, 3 * (w.T @ w.T @ slope))
    yield pair("tied gradient without transposes", found, true, w @ w @ slope + w @ slope @ w + slope @ w @ w)
    yield pair("tied gradient as its mean", found, true, true * Fraction(1, 3))
    mean = network.mean_gradient(Calculus(), network.general_loss)
    yield pair("mean gradient as the sum", mean, true * Fraction(1, 3), true)
    read = eigenvalues((network.layer,), network.target, LAMBDA)
    step = w - ETA * network.mean_gradient(Calculus(), network.loss)
    recursion = X - ETA * X**2 * (X**3 - LAMBDA)
    yield pair("tied recursion of the sum", step, recursion, X - 3 * ETA * X**2 * (X**3 - LAMBDA), read)
    fall = (network.end_to_end - matrix(network.target)).derivative(
        {network.layer: -network.mean_gradient(Calculus(), network.loss)}
    )
    rate = -3 * X**4 * (X**3 - LAMBDA)
    yield pair("tied error at the rate of one layer", fall, rate, rate * Fraction(1, 3), read)
    yield pair("tied error at the power of the depth", fall, rate, -3 * X**3 * (X**3 - LAMBDA), read)


def residual():
    network = residual_network(2)
    data = Calculus().gradient(network.data_loss("d"), network.branches[0])
    x, y = matrix(square("X")), matrix(square("Y"))
    error = network.end_to_end @ x - y
    true = DELTA * (network.block(2).T @ error @ x.T)
    yield pair(
        "residual data gradient without the skip", data, true, DELTA**2 * (matrix(network.branches[1]).T @ error @ x.T)
    )
    yield pair("residual data gradient without the scale", data, true, network.block(2).T @ error @ x.T)
    yield pair("residual data gradient without the data", data, true, DELTA * (network.block(2).T @ error))
    general = Calculus().gradient(network.general_loss, network.branches[1])
    slope = matrix(network.general_loss.gradient)
    wrong = DELTA * (slope @ network.block(1))
    yield pair("residual general gradient without the transpose", general, DELTA * (slope @ network.block(1).T), wrong)


def tanh():
    network = tanh_network(2, 1)
    delta, t0, t1, x, y, a1 = (Polynomial.symbol(f"{name}[1,1]") for name in ("delta", "T_0", "T_1", "X", "Y", "A_1"))
    ((found,),) = network.gradient(network.branches[0])
    error = x + delta * t0 + delta * t1 - y
    through = 1 + delta * a1 * (1 - t1**2)
    true = error * through * delta * (1 - t0**2) * x
    yield pair("tanh slope with a plus", found, true, error * through * delta * (1 + t0**2) * x)
    yield pair("tanh slope of first power", found, true, error * through * delta * (1 - t0) * x)
    yield pair("tanh gradient without the skip", found, true, error * (through - 1) * delta * (1 - t0**2) * x)
    yield pair("tanh gradient without the later block", found, true, error * delta * (1 - t0**2) * x)
    yield pair(
        "tanh gradient with the scale once", found, true, error * (1 + a1 * (1 - t1**2)) * delta * (1 - t0**2) * x
    )
    yield pair("tanh gradient as if linear", found, true, error * (1 + delta * a1) * delta * x)
    assert entry_names(network.values[0]) == [["T_0[1,1]"]]


def steps():
    network = linear_network(2, ("d",) * 3)
    w, loss = network.layers[0], network.loss
    v, g = matrix(maps.velocity_of(w)), Calculus().gradient(loss, w)
    ahead = maps.look_ahead(network.layers)
    slope = g.substitute(ahead)
    ball = maps.heavy_ball(Calculus(), loss, network.layers)[w]
    true = matrix(w) + BETA * v - ETA * g
    yield pair("heavy ball without its momentum", ball, true, matrix(w) - ETA * g)
    yield pair("heavy ball that averages", ball, true, matrix(w) + BETA * v - (ONE - BETA) * ETA * g)
    yield pair("heavy ball that looks ahead", ball, true, matrix(w) + BETA * v - ETA * slope)
    nesterov = maps.nesterov(Calculus(), loss, network.layers)[w]
    right = matrix(w) + BETA * v - ETA * slope
    yield pair("Nesterov's gradient at the weights", nesterov, right, true)
    half_way = g.substitute({w: matrix(w) + BETA * v})
    yield pair("Nesterov that looks ahead in one layer", nesterov, right, matrix(w) + BETA * v - ETA * half_way)
    full = g.substitute({m: matrix(m) + matrix(maps.velocity_of(m)) for m in network.layers})
    yield pair("Nesterov that looks a whole step ahead", nesterov, right, matrix(w) + BETA * v - ETA * full)
    shifted = maps.shifted_nesterov(Calculus(), loss, network.layers)[w]
    good = matrix(w) + BETA**2 * v - (1 + BETA) * ETA * g
    yield pair("shifted Nesterov as heavy ball", shifted, good, true)
    yield pair("shifted Nesterov with the momentum once", shifted, good, matrix(w) + BETA * v - (1 + BETA) * ETA * g)
    moved = maps.shifted_nesterov(Calculus(), loss, network.layers)[w].substitute(ahead)
    yield pair("the two forms of Nesterov print one weight", moved, right + BETA * (BETA * v - ETA * slope), right)
    decay = maps.weight_decay(Calculus(), loss, network.layers)[w]
    kept = (ONE - ETA * LAMBDA) * matrix(w) - ETA * g
    yield pair("weight decay of the step", decay, kept, (ONE - ETA * LAMBDA) * (matrix(w) - ETA * g))
    yield pair("weight decay uncoupled from the step size", decay, kept, (ONE - LAMBDA) * matrix(w) - ETA * g)


def skew_of_nesterov():
    """The discrete skew law of heavy ball, carried over to Nesterov's step: refuted."""
    network = linear_network(2, ("d",) * 3)
    now = [matrix(m) for m in network.layers]
    speeds = [matrix(maps.velocity_of(m)) for m in network.layers]

    def skew(later, earlier):
        inner = later[1].T @ earlier[1] + later[0] @ earlier[0].T
        return inner - inner.T

    before = skew(now, [w - v for w, v in zip(now, speeds, strict=True)])
    name = "skew law of Nesterov's step"
    sides = {}
    for step in (maps.heavy_ball, maps.nesterov):
        after = step(Calculus(), network.loss, network.layers)
        sides[step] = Identity(step.__name__, skew([after[m] for m in network.layers], now), BETA * before)
    heavy, ahead = sides[maps.heavy_ball], sides[maps.nesterov]
    yield Pair(Identity(f"true: {name}", heavy.left, heavy.right), Identity(name, ahead.left, ahead.right))


def spectral():
    network = linear_network(2, ("d",) * 3)
    flow = Calculus().flow(network.general_loss, network.layers)
    inner = network.layer(2).T @ network.layer(2)
    outer = network.layer(1) @ network.layer(1).T
    for name, wrong in (
        ("trace law without the sign", trace((inner + outer) ** 2)),
        ("trace law of the end-to-end matrix", trace(network.end_to_end @ network.end_to_end.T)),
        ("trace law with the powers apart", trace(inner @ inner - outer @ outer)),
    ):
        law = trace(network.defect(1) ** 2).derivative(flow)
        yield Pair(
            Identity(f"true: {name}", law, trace_constant(0)), Identity(name, wrong.derivative(flow), trace_constant(0))
        )


FAMILIES = (biases, tied, residual, tanh, steps, skew_of_nesterov, spectral)
CASES = [case for family in FAMILIES for case in family()]
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


def test_no_two_false_identities_share_a_name():
    names = [case.name for case in (*PAIRS, *CASES)]
    assert len(set(names)) == len(names)
    assert len(CASES) >= 40


@by_name
def test_a_false_identity_is_refuted_with_its_witness(case):
    decision = decide(case.false)
    assert decision.status == "refuted"
    witness = dict(decision.witness)
    print(f"{case.name}: {witness}")
    assert witness["left"] != witness["right"]
    if isinstance(case.false.left, Polynomial):
        assert at(case.false.left, witness) == witness["left"]
        assert at(case.false.right, witness) == witness["right"]


@by_name
def test_the_true_identity_beside_it_is_proved(case):
    assert decide(case.true).status == "proved"


@pytest.mark.parametrize(
    ("name", "smaller", "larger", "depth"),
    [
        ("the rate of shared weights in the submission's text", Y**3, X**4, 3),
        ("the same of ten layers", Y**10, X**18, 10),
    ],
)
def test_the_rate_in_the_text_of_the_submission_is_false(name, smaller, larger, depth):
    """L min(1, lambda) with lambda = y^L is no bound of L x^(2L-2), x >= y: at x = y < 1 and L >= 3 it fails."""
    region = Region({"y": (ONE, ONE + A), "x": (Y + B, ONE)})
    decision = decide(Inequality(name, smaller, larger, region))
    assert decision.status == "refuted"
    x, y = (Fraction(decision.witness[key]) for key in ("x", "y"))
    assert 0 < y <= x
    assert y**depth > x ** (2 * depth - 2)
    assert decide(Inequality("in print", Y ** (2 * depth), larger, region)).status == "proved"


@pytest.mark.parametrize(
    ("name", "product"),
    [("heavy ball with momentum above 1", BETA), ("Nesterov with a step that turns back", BETA * (1 - ETA))],
)
def test_a_product_of_roots_is_at_most_one_for_momentum_below_one_only(name, product):
    free = Region({"eta": (ETA, ONE), "beta": (BETA, ONE)})
    tame = Region({"eta": (ETA, ONE), "beta": (B, 1 + B)})
    assert decide(Inequality(name, product, ONE, free)).status == "refuted"
    assert decide(Inequality(name, product, ONE, tame)).status == "proved"
