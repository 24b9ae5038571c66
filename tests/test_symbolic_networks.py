"""Biases, tied weights, finite data and general losses: gradients in words against entrywise derivatives."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import reduce

import pytest
import sympy

from workbench.errors import InputError, ShapeError
from workbench.symbolic.biased_networks import biased_network, opaque_biased_chain
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network, residual_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import equal_layers
from workbench.symbolic.tied_networks import tied_network
from workbench.symbolic.words import Letter, identity, letters, matrix, trace, zero

DELTA = Fraction(1, 3)


def sympy_gradients(loss_of, variables, others, scalars):
    """Return SymPy's derivatives of a loss in every entry of each variable at random integers, and the point."""
    generator = random.Random(3)
    symbols = {v: sympy.Matrix(v.rows, v.columns, sympy.symbols(f"{v.name}_0:{v.rows * v.columns}")) for v in variables}
    point = {
        letter: [[Fraction(generator.randint(-4, 4)) for _ in range(letter.columns)] for _ in range(letter.rows)]
        for letter in (*variables, *others)
    }
    values = {letter: symbols.get(letter, sympy.Matrix(point[letter])) for letter in point}
    loss = loss_of(values, scalars)
    at = {
        symbol: entry
        for v in variables
        for symbol, entry in zip(symbols[v], [x for row in point[v] for x in row], strict=True)
    }
    slopes = {v: symbols[v].applyfunc(lambda s: sympy.diff(loss, s).subs(at)) for v in variables}
    return slopes, point


def agree(loss, loss_of, variables, scalars=None):
    """Say whether the gradients in words are SymPy's."""
    scalars = scalars or {}
    calculus = Calculus()
    found = {v: calculus.gradient(loss, v) for v in variables}
    others = [m for m in letters(loss) if m not in variables]
    slopes, point = sympy_gradients(loss_of, variables, others, scalars)
    point |= {m: [[Fraction(1)] for _ in range(m.rows)] for m in others if m.name == "e"}
    return all(sympy.Matrix(evaluate(found[v], point, scalars)) == slopes[v] for v in variables)


def half_square(difference):
    return sum(x**2 for x in difference) / 2


def named(values):
    return {letter.name: value for letter, value in values.items()}


SHAPES = [(1, 1), (2, 3), (2, 1, 3), (3, 2, 2), (1, 2, 1, 2)]


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("widths", SHAPES)
def test_gradients_with_biases_are_the_entrywise_derivatives(widths, samples):
    network = biased_network(len(widths) - 1, widths, samples)

    def loss_of(values, scalars):
        state, given = values[network.inputs], named(values)
        for j in range(1, len(widths)):
            state = given[f"W_{j}"] * state + given[f"b_{j}"] * sympy.ones(1, samples)
        return half_square(state - values[network.outputs])

    assert agree(network.loss, loss_of, network.variables)


@pytest.mark.parametrize(("depth", "samples"), [(1, None), (2, None), (3, None), (1, 3), (2, 1), (2, 3)])
def test_gradients_of_residual_blocks_are_the_entrywise_derivatives(depth, samples):
    network = residual_network(depth, 2)
    loss = network.loss if samples is None else network.data_loss(samples)

    def loss_of(values, scalars):
        given = named(values)
        state = sympy.eye(2) if samples is None else given["X"]
        for branch in network.branches:
            state = state + scalars["delta"] * values[branch] * state
        return half_square(state - given["Phi" if samples is None else "Y"])

    assert agree(loss, loss_of, network.branches, {"delta": DELTA})


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("samples", [None, 2])
@pytest.mark.parametrize("width", [1, 2])
def test_gradients_with_tied_weights_are_the_entrywise_derivatives(depth, samples, width):
    network = tied_network(depth, width)
    loss = network.loss if samples is None else network.data_loss(samples)

    def loss_of(values, scalars):
        given = named(values)
        state = given["W"] ** depth if samples is None else given["W"] ** depth * given["X"]
        return half_square(state - given["Phi" if samples is None else "Y"])

    assert agree(loss, loss_of, (network.layer,))


def test_a_letter_that_occurs_many_times_is_differentiated_at_every_place():
    letter, u, v = Letter("W", 2, 2), Letter("U", 3, 2), Letter("Z", 2, 3)
    w = matrix(letter)
    loss = trace(matrix(u) @ w @ w.T @ w**3 @ matrix(v)) + trace(w @ w) * 3

    def loss_of(values, scalars):
        given = named(values)
        inner = given["U"] * given["W"] * given["W"].T * given["W"] ** 3 * given["Z"]
        return inner.trace() + 3 * (given["W"] ** 2).trace()

    assert agree(loss, loss_of, (letter,))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_gradient_of_a_power_is_the_sum_over_its_places_for_any_loss(depth):
    network = tied_network(depth)
    w, slope = matrix(network.layer), matrix(network.general_loss.gradient)
    places = [(w.T) ** (depth - j) @ slope @ (w.T) ** (j - 1) for j in range(1, depth + 1)]
    total = reduce(lambda a, b: a + b, places)
    assert Calculus().gradient(network.general_loss, network.layer) == total
    assert network.mean_gradient(Calculus(), network.general_loss) * depth == total


def test_the_gradient_of_any_loss_of_a_residual_network_is_its_gradient_between_the_blocks():
    network = residual_network(3)
    slope, delta = matrix(network.general_loss.gradient), Polynomial.symbol("delta")
    expected = network.block(3).T @ slope @ network.block(1).T * delta
    assert Calculus().gradient(network.general_loss, network.branches[1]) == expected


def test_the_gradient_of_any_loss_of_biased_layers_is_the_chain_rule():
    network = biased_network(2)
    slope, ones = matrix(network.general_loss.gradient), matrix(network.ones)
    w2 = matrix(network.layers[1])
    calculus = Calculus()
    found = {v.name: calculus.gradient(network.general_loss, v) for v in network.variables}
    assert found["W_1"] == w2.T @ slope @ matrix(network.inputs).T
    assert found["W_2"] == slope @ network.state(1).T
    assert found["b_1"] == w2.T @ slope @ ones
    assert found["b_2"] == slope @ ones


def test_without_biases_the_network_is_the_plain_one_on_data():
    network, plain = biased_network(2), linear_network(2)
    none = {bias: zero(bias.rows, 1) for bias in network.biases}
    assert network.loss.substitute(none) == plain.data_loss()


def test_balancedness_without_the_bias_is_not_conserved():
    chain = opaque_biased_chain(equal_widths=True)
    calculus = Calculus()
    flow = calculus.flow(chain.general_loss, chain.variables[:2] + chain.biases[:2])
    upper, lower = matrix(chain.layers[1]), matrix(chain.layers[0])
    plain = upper.T @ upper - lower @ lower.T
    assert decide(Identity("plain", plain.derivative(flow), zero("d", "d"))).status == "refuted"
    assert decide(Identity("with the bias", chain.defect(1).derivative(flow), zero("d", "d"))).status == "proved"


def test_tied_layers_have_the_mean_of_the_untied_gradients():
    network = tied_network(3)
    untied, calculus = network.untied, Calculus()
    total = zero("d", "d")
    for layer in untied.layers:
        total = total + calculus.gradient(untied.loss, layer)
    mean = total * Fraction(1, 3)
    assert network.tie.apply(mean) == network.mean_gradient(Calculus(), network.loss)
    one = untied.layers[0]
    alike = equal_layers((network.layer, *untied.layers), untied.target)
    assert alike.apply(calculus.gradient(untied.loss, one)) == alike.apply(mean)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: biased_network(0), InputError, "the depth is 0"),
        (lambda: biased_network(2, (2, 2)), ShapeError, "2 widths are given but depth 2 takes 3"),
        (lambda: biased_network(1).state(2), InputError, "no state 2"),
        (lambda: tied_network(0), InputError, "the depth is 0"),
        (lambda: tied_network(2, 0), ShapeError, "a width is 0"),
    ],
)
def test_a_network_that_is_none_is_one_clear_line(build, error, words):
    with pytest.raises(error, match=words) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_depth_one_with_a_bias_is_affine_regression():
    network = biased_network(1, ("d", "d"))
    error = network.output - matrix(network.outputs)
    assert Calculus().gradient(network.loss, network.biases[0]) == error @ matrix(network.ones)
    assert tied_network(1).end_to_end @ identity("d") == matrix(tied_network(1).layer)
