"""Words have one normal form, and products are checked for shape."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench.errors import InputError, ShapeError
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import (
    Letter,
    frobenius_inner,
    identity,
    letters,
    matrix,
    squared_frobenius_norm,
    trace,
    trace_constant,
)

A, B, C = (
    matrix(Letter(name, rows, columns)) for name, rows, columns in (("A", "m", "n"), ("B", "n", "p"), ("C", "p", "m"))
)


def test_trace_is_cyclic():
    assert trace(A @ B @ C) == trace(C @ A @ B) == trace(B @ C @ A)


def test_trace_ignores_transposition():
    assert trace(A @ B @ C) == trace((A @ B @ C).T)
    assert frobenius_inner(A @ B, C.T) == frobenius_inner(C.T, A @ B)


def test_traces_of_different_words_differ():
    square = matrix(Letter("S", "n", "n"))
    assert trace(square @ square) != trace(square @ square.T)


def test_transposing_reverses_a_product():
    assert (A @ B).T == B.T @ A.T
    assert (A @ B).T.T == A @ B


def test_a_symmetric_letter_is_its_own_transpose():
    symmetric = matrix(Letter("S", "n", "n", symmetric=True))
    assert symmetric == symmetric.T


def test_products_do_not_commute():
    first, second = (matrix(Letter(name, "n", "n")) for name in "PQ")
    assert first @ second != second @ first
    assert (first + second) ** 2 == first**2 + first @ second + second @ first + second**2


def test_coefficients_are_exact_and_cancel():
    eta = Polynomial.symbol("eta")
    third = Fraction(1, 3)
    assert not (A * third + A * third + A * third - A)
    assert A * (eta + 1) * (eta - 1) == A * (eta**2 - 1)


def test_squared_frobenius_norm_expands():
    assert squared_frobenius_norm(A + A) == squared_frobenius_norm(A) * 4


def test_trace_of_the_identity_is_its_width():
    assert trace(identity("n")) == trace_constant(Polynomial.symbol("n"))
    assert trace(identity(3)) == trace_constant(3)


def test_a_product_that_does_not_fit_says_which_widths():
    with pytest.raises(ShapeError, match="left factor has n columns but the right one has p rows"):
        A @ C


def test_a_sum_that_does_not_fit_says_which_shapes():
    with pytest.raises(ShapeError, match="m x n matrix and a n x p matrix"):
        A + B


@pytest.mark.parametrize("wrong", [lambda: trace(A), lambda: A.substitute({letters(A)[0]: B})])
def test_other_misfits_are_shape_errors(wrong):
    with pytest.raises(ShapeError):
        wrong()


def test_a_symmetric_letter_must_be_square():
    with pytest.raises(ShapeError, match="square"):
        Letter("S", "m", "n", symmetric=True)


def test_a_negative_power_is_refused():
    with pytest.raises(InputError):
        matrix(Letter("S", "n", "n")) ** -1


def test_leibniz_rule_for_a_square():
    square, moving = Letter("S", "n", "n"), Letter("V", "n", "n")
    s, v = matrix(square), matrix(moving)
    assert (s @ s.T).derivative({square: v}) == v @ s.T + s @ v.T
    assert trace(s @ s).derivative({square: v}) == trace(s @ v) * 2


def test_substitution_is_simultaneous():
    p, q = Letter("P", "n", "n"), Letter("Q", "n", "n")
    swapped = (matrix(p) @ matrix(q)).substitute({p: matrix(q), q: matrix(p)})
    assert swapped == matrix(q) @ matrix(p)


def test_polynomials_obey_the_binomial_theorem():
    x, y = Polynomial.symbol("x"), Polynomial.symbol("y")
    assert (x + y) ** 3 == x**3 + 3 * x**2 * y + 3 * x * y**2 + y**3
    assert ((x + y) ** 3).evaluate({"x": 2, "y": Fraction(1, 2)}) == Fraction(125, 8)


def test_a_ratio_is_substituted_up_to_its_denominator():
    x, a, b = (Polynomial.symbol(name) for name in "xab")
    assert (x**2 - x).substitute_ratio("x", a, b) == a**2 - a * b


def test_a_missing_value_is_named():
    with pytest.raises(InputError, match="rho"):
        Polynomial.symbol("rho").evaluate({})
