"""Residual networks with tanh in symbols: against the adjoint recursion, SymPy's derivative, mpmath and autograd."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch

from workbench import backends
from workbench.draws import integer
from workbench.errors import InputError, ShapeError
from workbench.exact import Matrix
from workbench.networks import build
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.symbolic.entrywise import entry_names, multiply_rows
from workbench.symbolic.tanh_networks import tanh_network, value_at

SHAPES = [(1, 1, 1), (1, 2, 2), (2, 1, 1), (2, 2, 1), (3, 1, 2), (2, 2, 2)]
DELTA = Fraction(1, 3)


def draw(letter, seed):
    """Return small rationals by seed."""
    return [
        [Fraction(integer("tanh", seed, i * letter.columns + j, -6, 6), 4) for j in range(letter.columns)]
        for i in range(letter.rows)
    ]


def drawn(network):
    letters = (*network.variables, network.inputs, network.outputs)
    return {letter: draw(letter, place) for place, letter in enumerate(letters, start=1)}


def gradients_at(network, matrices, convert, tanh):
    """Return every gradient in symbols, evaluated in a number system."""
    rows = {letter: [[convert(x) for x in row] for row in values] for letter, values in matrices.items()}
    point = network.point(rows, convert(DELTA), tanh)
    return [[[value_at(entry, point) for entry in row] for row in network.gradient(v)] for v in network.variables]


def transposed(rows):
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("engine", ["flint", "sympy"])
@pytest.mark.parametrize(("depth", "width", "samples"), SHAPES[:5])
@pytest.mark.parametrize("biases", [False, True])
def test_the_gradient_is_the_adjoint_recursion_as_a_polynomial(depth, width, samples, biases, engine):
    network = tanh_network(depth, width, samples, biases=biases, engine=engine)
    ring = network.entries
    delta = ring.generators["delta[1,1]"]
    # M_L = h_L - Y, g_k = delta (1 - T_k^2) . M_{k+1}, dA_k = g_k h_k^T, db_k = g_k 1, M_k = M_{k+1} + A_k^T g_k.
    adjoint = [
        [h - y for h, y in zip(u, v, strict=True)]
        for u, v in zip(network.state(depth), ring.matrix(network.outputs), strict=True)
    ]
    for k in reversed(range(depth)):
        inner = [
            [delta * (1 - t * t) * m for t, m in zip(u, v, strict=True)]
            for u, v in zip(ring.matrix(network.values[k]), adjoint, strict=True)
        ]
        slopes = multiply_rows(inner, transposed(network.state(k)))
        assert network.gradient(network.branches[k]) == [[ring.polynomial(x) for x in row] for row in slopes]
        if biases:
            sums = [[ring.polynomial(sum(row[1:], row[0]))] for row in inner]
            assert network.gradient(network.biases[k]) == sums
        pulled = multiply_rows(transposed(ring.matrix(network.branches[k])), inner)
        adjoint = [[a + b for a, b in zip(u, v, strict=True)] for u, v in zip(adjoint, pulled, strict=True)]


@pytest.mark.parametrize(("depth", "width", "samples"), SHAPES)
def test_the_gradient_is_that_of_the_network_in_forty_digits(depth, width, samples):
    network = tanh_network(depth, width, samples)
    matrices = drawn(network)
    problem = Problem(
        ResidualNetwork(width, depth, "tanh", DELTA),
        SquareLoss(Matrix.from_rows(matrices[network.outputs]), Matrix.from_rows(matrices[network.inputs]), "half"),
        Start("given", {"weights": [matrices[branch] for branch in network.branches]}),
    )
    backend = backends.load("mp", bits=180)
    with backend.session(), mpmath.workprec(180):
        built = build(problem, backend)
        theirs = built.loss_and_gradients(built.parameters)[1]
        mine = gradients_at(network, matrices, lambda x: mpmath.mpf(x.numerator) / x.denominator, mpmath.tanh)
        for rows, other in zip(mine, theirs, strict=True):
            for row, measured in zip(rows, backend.entries(other), strict=True):
                for value, number in zip(row, measured, strict=True):
                    exact = mpmath.mpf(number.value.numerator) / number.value.denominator
                    assert abs(value - exact) < mpmath.mpf(10) ** -45
    assert any(abs(x) > 1e-3 for rows in mine for row in rows for x in row)


@pytest.mark.parametrize("biases", [False, True])
def test_the_gradient_is_the_derivative_of_sympy(biases):
    network = tanh_network(2, 2, 1, biases=biases)
    symbols = {
        letter: sympy.Matrix(letter.rows, letter.columns, lambda i, j, n=letter.name: sympy.Symbol(f"{n}_{i}_{j}"))
        for letter in (*network.variables, network.inputs, network.outputs)
    }
    delta = sympy.Symbol("delta")
    state = symbols[network.inputs]
    for k, branch in enumerate(network.branches):
        argument = symbols[branch] * state
        if biases:
            argument += symbols[network.biases[k]]
        state = state + delta * argument.applyfunc(sympy.tanh)
    loss = sum(x**2 for x in state - symbols[network.outputs]) / 2
    free = [x for letter in symbols for x in symbols[letter]]
    at = drawn(network)
    with mpmath.workprec(180):
        rows = {m: [[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in at[m]] for m in symbols}
        values = [x for letter in symbols for row in rows[letter] for x in row]
        scale = mpmath.mpf(1) / 3
        point = network.point(rows, scale, mpmath.tanh)
        for variable in network.variables:
            for row, mine in zip(symbols[variable].tolist(), network.gradient(variable), strict=True):
                for symbol, entry in zip(row, mine, strict=True):
                    theirs = sympy.lambdify([*free, delta], sympy.diff(loss, symbol), "mpmath")
                    assert abs(theirs(*values, scale) - value_at(entry, point)) < mpmath.mpf(10) ** -45


@pytest.mark.parametrize("biases", [False, True])
def test_the_gradient_is_that_of_autograd(biases):
    network = tanh_network(3, 2, 3, biases=biases)
    matrices = drawn(network)
    tensors = {
        letter: torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64, requires_grad=True)
        for letter, rows in matrices.items()
    }
    state = tensors[network.inputs]
    for k, branch in enumerate(network.branches):
        argument = tensors[branch] @ state
        if biases:
            argument = argument + tensors[network.biases[k]]
        state = state + float(DELTA) * torch.tanh(argument)
    ((state - tensors[network.outputs]) ** 2).sum().div(2).backward()
    for variable, mine in zip(network.variables, gradients_at(network, matrices, float, np.tanh), strict=True):
        np.testing.assert_allclose(mine, tensors[variable].grad.numpy(), rtol=1e-11, atol=1e-12)


def test_a_tanh_whose_slope_has_the_wrong_sign_is_caught(monkeypatch):
    right = tanh_network(2, 1)
    wrong = tanh_network(2, 1)
    moving = type(wrong)._velocities
    monkeypatch.setattr(type(wrong), "_velocities", lambda self, name: {k: -v for k, v in moving(self, name).items()})
    found = wrong.gradient(wrong.branches[0])
    monkeypatch.undo()
    assert found != right.gradient(right.branches[0])


def test_the_first_block_moves_every_later_value():
    network = tanh_network(3, 1)
    moving = [set(network._velocities(entry_names(branch)[0][0])) for branch in network.branches]
    assert moving == [{"T_0[1,1]", "T_1[1,1]", "T_2[1,1]"}, {"T_1[1,1]", "T_2[1,1]"}, {"T_2[1,1]"}]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0, 1), InputError, "the depth is 0"),
        ((1, 0), ShapeError, "the width is 0"),
        ((1, 1, 0), ShapeError, "0 samples"),
        ((4, 9, 9), InputError, "symbols"),
    ],
)
def test_a_network_that_is_none_or_too_large_is_refused(arguments, error, words):
    with pytest.raises(error, match=words) as caught:
        tanh_network(*arguments)
    assert "\n" not in str(caught.value)


def test_a_point_that_lacks_a_matrix_or_has_the_wrong_shape_is_refused():
    network = tanh_network(1, 2)
    matrices = drawn(network)
    with pytest.raises(InputError, match="no matrix is given for Y"):
        network.point({k: v for k, v in matrices.items() if k.name != "Y"}, DELTA, float)
    with pytest.raises(ShapeError, match="X is 2 x 1"):
        network.point({**matrices, network.inputs: [[1, 2]]}, DELTA, float)
