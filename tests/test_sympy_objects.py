"""SymPy objects in and out: round trips, substitution, lambdified numbers, and what is refused."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
import sympy

from workbench.errors import InputError, UnsupportedError
from workbench.symbolic.biased_networks import biased_network
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import evaluate, evaluate_trace
from workbench.symbolic.networks import linear_network, residual_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.sympy_objects import from_sympy, to_sympy
from workbench.symbolic.tied_networks import tied_network
from workbench.symbolic.words import Letter, identity, letters, matrix, trace, zero

NETWORKS = {
    "linear": linear_network(3),
    "rectangular": linear_network(2, (2, 3, 1)),
    "residual": residual_network(2),
    "biased": biased_network(2),
    "tied": tied_network(3),
}


def variables_of(network):
    for name in ("variables", "layers", "branches"):
        if hasattr(network, name):
            return getattr(network, name)
    return (network.layer,)


@pytest.mark.parametrize("name", NETWORKS)
def test_losses_and_gradients_come_back_as_they_were(name):
    network = NETWORKS[name]
    assert from_sympy(to_sympy(network.loss)) == network.loss
    for variable in variables_of(network):
        gradient = Calculus().gradient(network.loss, variable)
        assert from_sympy(to_sympy(gradient)) == gradient


@pytest.mark.parametrize(
    "expression",
    [
        zero("m", "n"),
        identity(3),
        identity("d") * Polynomial.symbol("eta"),
        matrix(Letter("W", 2, 3)).T,
        trace(identity("d") + matrix(Letter("W", "d", "d"))),
        Polynomial.symbol("eta") ** 2 * Fraction(-1, 3) + 2,
        Polynomial.constant(0),
    ],
)
def test_small_expressions_come_back_as_they_were(expression):
    assert from_sympy(to_sympy(expression)) == expression


def test_a_symmetric_letter_is_named_on_the_way_back():
    symmetric = matrix(Letter("S", "d", "d", symmetric=True))
    w = matrix(Letter("W", "d", "d"))
    found = from_sympy(to_sympy(symmetric.T @ w @ symmetric), symmetric=["S"])
    assert found == symmetric @ w @ symmetric


def test_a_gradient_lambdifies_to_its_exact_values():
    network = linear_network(2, (2, 3, 2))
    gradient = Calculus().gradient(network.loss, network.layers[0])
    generator = random.Random(0)
    point = {
        m: [[Fraction(generator.randint(-4, 4)) for _ in range(m.columns)] for _ in range(m.rows)]
        for m in letters(gradient)
    }
    symbols = [to_sympy(matrix(m)) for m in point]
    function = sympy.lambdify(symbols, to_sympy(gradient), "numpy")
    arrays = [np.array([[int(x) for x in row] for row in rows]) for rows in point.values()]
    np.testing.assert_array_equal(function(*arrays), np.array(evaluate(gradient, point, {}), dtype=float))


def test_substitution_in_sympy_gives_the_exact_trace():
    network = linear_network(2, (1, 2, 2))
    generator = random.Random(1)
    point = {
        m: [[Fraction(generator.randint(-4, 4)) for _ in range(m.columns)] for _ in range(m.rows)]
        for m in letters(network.loss)
    }
    explicit = {to_sympy(matrix(m)): sympy.Matrix(rows) for m, rows in point.items()}
    value = to_sympy(network.loss).subs(explicit).doit()
    exact = evaluate_trace(network.loss, point, {})
    assert value == sympy.Rational(exact.numerator, exact.denominator)


def test_a_sum_of_traces_from_sympy_is_differentiated_rightly():
    # sympy#26585: SymPy's own derivative of this sum of traces is not to be trusted.
    u, v, a = (sympy.MatrixSymbol(n, *s) for n, s in (("U", (2, 3)), ("V", (3, 2)), ("A", (2, 2))))
    residual = a - u * v
    loss = sympy.Trace(residual.T * residual) / 2 + sympy.Trace(u.T * u) / 2
    gradient = Calculus().gradient(from_sympy(loss), Letter("U", 2, 3))
    assert gradient == from_sympy(u * v * v.T - a * v.T + u)


def test_powers_and_scalars_are_read():
    w = sympy.MatrixSymbol("W", 2, 2)
    eta = sympy.Symbol("eta")
    word = matrix(Letter("W", 2, 2))
    assert from_sympy((eta + 1) ** 2 * w**3) == word**3 * (Polynomial.symbol("eta") + 1) ** 2
    assert from_sympy(2 * sympy.Trace(w * w.T) * eta - eta) == from_sympy(-eta + 2 * eta * sympy.Trace(w.T * w))


W = sympy.MatrixSymbol("W", 2, 2)


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ("W", InputError, "no object of SymPy"),
        (W.I, UnsupportedError, "Inverse"),
        (sympy.HadamardProduct(W, W), UnsupportedError, "HadamardProduct"),
        (sympy.sin(sympy.Symbol("x")), UnsupportedError, "no polynomial"),
        (sympy.sqrt(2) * W, UnsupportedError, "not rational"),
        (sympy.Float(0.1) * W, UnsupportedError, "not rational"),
        (sympy.Trace(W) ** 2, UnsupportedError, "sums of traces"),
        (sympy.Trace(W) * sympy.Trace(W * W), UnsupportedError, "sums of traces"),
        (sympy.MatrixSymbol("V", sympy.Symbol("n") + 1, 2), UnsupportedError, "the width n"),
        (W[0, 1] * sympy.Trace(W), UnsupportedError, "no polynomial"),
    ],
)
def test_what_words_do_not_have_is_one_clear_line(expression, error, words):
    with pytest.raises(error, match=words) as caught:
        from_sympy(expression)
    assert "\n" not in str(caught.value)
