"""Networks of numbers, residual blocks and polar factors in words mean what they say."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench.errors import ShapeError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network, residual_network
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import polar_factors
from workbench.symbolic.words import matrix


def test_a_gradient_of_numbers_is_the_derivative_of_a_polynomial():
    a, b, s = (Polynomial.symbol(name) for name in ("a", "b", "s"))
    network = number_network(2)
    gradient = Calculus().gradient(network.loss, network.layers[0])
    assert read_as_numbers(network, [a, b], s).apply(gradient) == b * (a * b - s)


def test_matrices_are_not_read_as_numbers():
    with pytest.raises(ShapeError, match="widths are all 1"):
        read_as_numbers(linear_network(1, (2, 2)), [Polynomial.symbol("a")], Polynomial.symbol("s"))


def test_a_residual_network_without_its_scale_is_the_identity():
    network = residual_network(3, 2)
    values = {branch: [[Fraction(1), Fraction(2)], [Fraction(3), Fraction(5)]] for branch in network.branches}
    still = evaluate(network.end_to_end, values, {"delta": Fraction(0)})
    assert still == [[1, 0], [0, 1]]


def test_polar_factors_of_rectangular_layers_are_refused():
    network = linear_network(2, (2, 3, 2))
    with pytest.raises(ShapeError, match="square layers"):
        polar_factors(network.layers, network.target)


def test_a_false_claim_of_polar_factors_is_refuted_by_orthogonal_matrices():
    network = linear_network(2, ("d", "d", "d"))
    polar = polar_factors(network.layers, network.target)
    swapped = Identity("swapped", matrix(network.layers[0]), matrix(network.layers[0]).T, under=polar)
    decision = decide(swapped)
    assert decision.status == "refuted"
    assert {"Q", "S"} <= set(decision.witness)
