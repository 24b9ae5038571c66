"""Gradients in words agree with entrywise derivatives, and planted faults do not."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy

from workbench.errors import InputError, ShapeError, UnsupportedError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import Entries, entry_names, evaluate
from workbench.symbolic.networks import linear_network, opaque_chain
from workbench.symbolic.words import Letter, identity, matrix, squared_frobenius_norm, trace

SHAPES = [(1, 1), (3, 2), (2, 3, 2), (1, 1, 1), (3, 1, 2), (2, 3, 1, 2), (2, 2, 2, 2)]


def integers(letter, generator):
    return [[generator.randint(-4, 4) for _ in range(letter.columns)] for _ in range(letter.rows)]


@pytest.mark.parametrize("engine", ["flint", "sympy"])
@pytest.mark.parametrize("widths", SHAPES)
def test_gradients_in_words_are_the_entrywise_derivatives(widths, engine):
    network = linear_network(len(widths) - 1, widths)
    entries = Entries((*network.layers, network.target), engine)
    loss = entries.square_loss(network)
    generator = random.Random(0)
    point = {letter: integers(letter, generator) for letter in entries.letters}
    values = {
        name: value
        for letter, rows in point.items()
        for names, row in zip(entry_names(letter), rows, strict=True)
        for name, value in zip(names, row, strict=True)
    }
    for layer in network.layers:
        words = Calculus().gradient(network.loss, layer)
        partial = entries.gradient(loss, layer)
        assert entries.expand(words) == partial
        assert evaluate(words, point, {}) == [[entry.evaluate(values) for entry in row] for row in partial]


def test_a_sum_of_traces_has_the_gradient_that_sympy_misses():
    # sympy#26585: SymPy 1.14 returns 0 for the derivative in U of this sum of two traces.
    u, v, a = Letter("U", 2, 3), Letter("V", 3, 2), Letter("A", 2, 2)
    error = matrix(a) - matrix(u) @ matrix(v)
    loss = squared_frobenius_norm(error) * Fraction(1, 2) + squared_frobenius_norm(matrix(u)) * Fraction(1, 2)
    gradient = Calculus().gradient(loss, u)
    assert gradient == matrix(u) @ matrix(v) @ matrix(v).T - matrix(a) @ matrix(v).T + matrix(u)
    generator = random.Random(1)
    point = {letter: integers(letter, generator) for letter in (u, v, a)}
    symbols = sympy.Matrix(2, 3, sympy.symbols("u:6"))
    residual = sympy.Matrix(point[a]) - symbols * sympy.Matrix(point[v])
    scalar = (residual.T * residual).trace() / 2 + (symbols.T * symbols).trace() / 2
    exact = scalar.diff(symbols).subs(dict(zip(symbols, sympy.Matrix(point[u]), strict=True)))
    assert sympy.Matrix(evaluate(gradient, point, {})) == exact


def test_gradient_with_data_is_the_chain_rule():
    network = linear_network(2)
    w1, w2, x = network.layer(1), network.layer(2), matrix(Letter("X", "d_0", "N"))
    residual = w2 @ w1 @ x - matrix(Letter("Y", "d_2", "N"))
    assert Calculus().gradient(network.data_loss(), network.layers[0]) == w2.T @ residual @ x.T


def test_gradient_of_any_loss_is_its_gradient_between_the_layers():
    network = linear_network(3)
    slope = matrix(network.general_loss.gradient)
    found = Calculus().gradient(network.general_loss, network.layers[1])
    assert found == network.above(2).T @ slope @ network.below(2).T


def test_gradient_of_a_bare_trace_is_the_identity():
    square = Letter("W_1", "d", "d")
    assert Calculus().gradient(trace(matrix(square)), square) == identity("d")


def test_gradient_in_a_symmetric_letter_is_refused():
    symmetric = Letter("S", "d", "d", symmetric=True)
    with pytest.raises(UnsupportedError, match="symmetric"):
        Calculus().gradient(trace(matrix(symmetric)), symmetric)


def test_a_sign_fault_changes_one_layer_only():
    network = linear_network(3, ("d",) * 4)
    honest, faulty = Calculus(), Calculus(fault="sign", layer=2)
    for j, layer in enumerate(network.layers, start=1):
        right, given = honest.gradient(network.loss, layer), faulty.gradient(network.loss, layer)
        assert given == (-right if j == 2 else right)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_transpose_fault_changes_one_letter(layer):
    network = linear_network(3, ("d",) * 4)
    faulty = Calculus(fault="transpose", layer=layer)
    given = [faulty.gradient(network.loss, each) for each in network.layers]
    right = [Calculus().gradient(network.loss, each) for each in network.layers]
    assert [g != r for g, r in zip(given, right, strict=True)] == [j == layer for j in (1, 2, 3)]
    assert {len(word) for word in given[layer - 1].terms} == {len(word) for word in right[layer - 1].terms}


def test_a_transpose_fault_needs_equal_widths():
    network = linear_network(2)
    with pytest.raises(ShapeError, match="equal widths"):
        Calculus(fault="transpose").gradient(network.loss, network.layers[0])


def test_an_unknown_fault_is_refused():
    with pytest.raises(InputError, match="sign, transpose"):
        Calculus(fault="typo")


def test_steps_are_numbered_and_chain():
    network = linear_network(2)
    calculus = Calculus()
    calculus.lie_derivative(network.defect(1), calculus.flow(network.loss, network.layers))
    assert [step.number for step in calculus.steps] == list(range(1, 6))
    assert calculus.steps[0].before == network.loss
    assert calculus.steps[1].before == calculus.steps[0].after
    assert not calculus.steps[-1].after


def test_layers_at_any_depth_are_balanced_by_any_loss():
    chain = opaque_chain()
    calculus = Calculus()
    flow = calculus.flow(chain.general_loss, chain.layers[1:3])
    assert not calculus.lie_derivative(chain.defect(2), flow)


@pytest.mark.parametrize(("depth", "widths"), [(0, None), (2, (1, 2)), (1, (0, 1)), (1, (1, -1))])
def test_impossible_networks_are_refused(depth, widths):
    with pytest.raises(InputError):
        linear_network(depth, widths)
