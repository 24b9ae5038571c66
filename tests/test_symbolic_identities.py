"""Identities are proved by normal form and refuted by exact matrices, never by agreement at numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from workbench.errors import InputError, ShapeError, UnsupportedError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.identities import Identity, Inequality, Region
from workbench.symbolic.means import means
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction, balanced, eigenvalues, equal_layers, rewrite
from workbench.symbolic.words import Factor, Letter, identity, matrix, trace, zero

ONE = Polynomial.constant(1)
X, RHO, ETA, A, B = (Polynomial.symbol(name) for name in ("x", "rho", "eta", "a", "b"))
GROWING = Region({"x": (ONE + A, ONE), "rho": (ONE + A + B, ONE), "eta": (ETA, ONE)})


def exact(rows):
    return np.array([[Fraction(entry) for entry in row] for row in rows], dtype=object)


def test_a_wrong_transpose_in_the_gradient_is_refuted_with_a_witness():
    network = linear_network(2, ("d",) * 3)
    wrong = network.layer(2) @ network.error
    decision = decide(Identity("gradient", Calculus().gradient(network.loss, network.layers[0]), wrong))
    assert decision.status == "refuted"
    w1, w2, phi = (exact(decision.witness[name]) for name in ("W_1", "W_2", "Phi"))
    right, given = w2.T @ (w2 @ w1 - phi), w2 @ (w2 @ w1 - phi)
    assert (right == exact(decision.witness["left"])).all()
    assert (given == exact(decision.witness["right"])).all()
    assert (right != given).any()


def test_the_wrong_sign_of_balancedness_is_refuted_with_a_witness():
    network = linear_network(2)
    calculus = Calculus()
    upper, lower = network.layer(2), network.layer(1)
    wrong = upper.T @ upper + lower @ lower.T
    moved = calculus.lie_derivative(wrong, calculus.flow(network.loss, network.layers))
    decision = decide(Identity("wrong sign", moved, zero("d_1", "d_1")))
    assert decision.status == "refuted"
    w1, w2, phi = (exact(decision.witness[name]) for name in ("W_1", "W_2", "Phi"))
    v1, v2 = -w2.T @ (w2 @ w1 - phi), -(w2 @ w1 - phi) @ w1.T
    derivative = v2.T @ w2 + w2.T @ v2 + v1 @ w1.T + w1 @ v1.T
    assert (derivative == exact(decision.witness["left"])).all()
    assert derivative.any()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_exponent_L_in_place_of_L_minus_1_is_refuted_with_a_witness(depth):
    network = linear_network(depth, ("d",) * (depth + 1))
    read = eigenvalues(network.layers, network.target, Polynomial.symbol("lambda"))
    step = network.layer(1) - ETA * Calculus().gradient(network.loss, network.layers[0])
    wrong = X - ETA * X**depth * (X**depth - Polynomial.symbol("lambda"))
    decision = decide(Identity("recursion", step, wrong, under=read))
    assert decision.status == "refuted"
    x, eta, eigenvalue = (Fraction(decision.witness[name]) for name in ("x", "eta", "lambda"))
    right = x - eta * x ** (depth - 1) * (x**depth - eigenvalue)
    assert str(right) == decision.witness["left"] != decision.witness["right"]


@pytest.mark.parametrize("depth", [2, 3])
def test_a_wrong_power_of_balanced_layers_is_refuted_by_balanced_matrices(depth):
    network = linear_network(depth)
    product, above = network.end_to_end, network.above(1)
    wrong = Identity(
        "wrong power",
        (above @ above.T) ** depth,
        (product @ product.T) ** depth,
        under=balanced(network.layers, "last"),
    )
    decision = decide(wrong)
    assert decision.status == "refuted"
    layers = [exact(decision.witness[layer.name]) for layer in network.layers]
    for lower, upper in itertools.pairwise(layers):
        assert (upper.T @ upper == lower @ lower.T).all()


def test_unequal_traces_are_refuted_with_a_witness():
    square = matrix(Letter("S", "n", "n"))
    decision = decide(Identity("traces", trace(square @ square), trace(square @ square.T)))
    assert decision.status == "refuted"
    s = exact(decision.witness["S"])
    assert str((s @ s).trace()) == decision.witness["left"]


def test_matrices_that_cannot_be_drawn_leave_a_difference_undecided():
    square = Letter("S", "n", "n")
    idempotent = Restriction("S is idempotent", rules=(((Factor(square),) * 2, (Factor(square),)),))
    # Rules that no matrix was shown to obey might prove anything: nothing is proved under them.
    claim = Identity("true", matrix(square) ** 3, matrix(square), under=idempotent)
    assert decide(claim).status == "undecided"
    small = Letter("S", 2, 2)
    drawn = replace(
        idempotent,
        rules=(((Factor(small),) * 2, (Factor(small),)),),
        draw=lambda generator, shape: {small: [[1, 0], [0, 0]]},
    )
    assert decide(Identity("true", matrix(small) ** 3, matrix(small), under=drawn)).status == "proved"
    assert decide(Identity("open", matrix(square), identity("n"), under=idempotent)).status == "undecided"


def test_a_restriction_whose_matrices_break_its_rules_is_refused():
    square = Letter("S", 2, 2)
    rules = (((Factor(square),) * 2, (Factor(square),)),)
    lying = Restriction("S is idempotent", rules=rules, draw=lambda generator, shape: {square: [[2, 0], [0, 2]]})
    with pytest.raises(InputError, match="do not obey"):
        decide(Identity("open", matrix(square), identity(2), under=lying))


def test_rules_in_a_circle_are_refused():
    first, second = (Factor(Letter(name, "n", "n")) for name in "PQ")
    with pytest.raises(UnsupportedError, match="circle"):
        rewrite(matrix(first.letter), (((first,), (second,)), ((second,), (first,))))


def test_abbreviations_are_written_out_before_deciding():
    network = linear_network(1)
    error = Letter("E", "d_1", "d_0")
    where = ((error, network.error),)
    assert decide(Identity("E", matrix(error), network.error, where)).status == "proved"
    assert decide(Identity("E", matrix(error), network.layer(1), where)).status == "refuted"


def test_sides_of_different_kinds_are_refused():
    with pytest.raises(InputError, match="different kinds"):
        decide(Identity("mixed", matrix(Letter("A", 1, 1)), X))


def test_an_inequality_with_positive_coefficients_is_proved():
    decision = decide(Inequality("power", 3 * (X - 1), X**3 - 1, Region({"x": (ONE + A, ONE)})))
    assert decision.status == "proved"
    assert all(value >= 0 for value in decision.certificate.terms.values())


def test_a_false_inequality_is_refuted_at_a_point_of_its_region():
    decision = decide(Inequality("power", X**3 - 1, 3 * (X - 1), Region({"x": (ONE + A, ONE)})))
    assert decision.status == "refuted"
    x = Fraction(decision.witness["x"])
    assert x >= 1
    assert x**3 - 1 > 3 * (x - 1)


def test_a_true_inequality_without_a_certificate_is_undecided():
    # (x - 2)^2 >= 0 holds, and 1 - 2 a + a^2 has a negative coefficient.
    assert (
        decide(Inequality("square", Polynomial({}), (X - 2) ** 2, Region({"x": (ONE + A, ONE)}))).status == "undecided"
    )


def test_an_inequality_at_matrices_needs_eigenvalues():
    with pytest.raises(InputError, match="eigenvalues"):
        decide(Inequality("matrices", matrix(Letter("A", 1, 1)), X, GROWING))


def test_a_region_must_name_every_symbol():
    with pytest.raises(InputError, match="says nothing of lambda"):
        decide(Inequality("loose", X, X + Polynomial.symbol("lambda"), GROWING))


@pytest.mark.parametrize("pair", [(ONE - A, ONE), (ONE, Polynomial({})), (ONE, A - 1)])
def test_a_region_with_a_negative_coefficient_is_refused(pair):
    with pytest.raises(InputError, match="positive"):
        Region({"x": pair})


def test_equal_layers_must_be_square():
    network = linear_network(2)
    with pytest.raises(ShapeError, match="equal widths"):
        equal_layers(network.layers, network.target)


class Forged(Polynomial):
    """A polynomial whose differences are always zero."""

    def __sub__(self, other):
        return Polynomial({})


def test_a_side_of_a_class_of_its_own_is_refused():
    with pytest.raises(InputError, match="has a Forged for a side"):
        decide(Identity("forged", Forged(X.terms), Polynomial.constant(5)))


def test_rounded_coefficients_are_refused_where_they_would_agree_by_accident():
    rounded = Polynomial({(("x", 1),): 1e17 + 1})
    assert not rounded - Polynomial({(("x", 1),): 1e17})
    with pytest.raises(InputError, match="give whole numbers or Fractions"):
        decide(Identity("coincidence", rounded, X * 10**17))
    with pytest.raises(InputError, match="give whole numbers or Fractions"):
        decide(Identity("hidden", Polynomial.symbol("y"), X * 10**17, (("y", rounded),)))


def test_a_witness_against_traces_keeps_symmetric_letters_symmetric():
    s = Letter("S", 2, 2, symmetric=True)
    a = Letter("A", 2, 2)
    decision = decide(Identity("trace", trace(matrix(s) @ matrix(a)), trace(matrix(s) @ matrix(s))))
    assert decision.status == "refuted"
    rows = decision.witness["S"]
    assert rows[0][1] == rows[1][0]


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_inequality_of_the_means_is_proved_and_no_more_is_true(count):
    claim = means(count)
    assert decide(claim).status == "proved"
    larger = decide(replace(claim, smaller=claim.smaller + Polynomial.symbol("y_1") ** count))
    assert larger.status == "refuted"
    assert larger.witness


def test_means_of_one_number_are_refused():
    with pytest.raises(InputError, match="at least 2"):
        means(1)


def test_a_region_given_by_itself_is_refused():
    with pytest.raises(InputError, match="x is given by itself"):
        Region({"x": (X + 2, ONE)})
