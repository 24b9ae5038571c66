"""Quotients of polynomials differentiate as SymPy says they do."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from workbench.errors import InputError
from workbench.symbolic.decisions import decide
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Arctangent, Logarithm, Quotient, equal_quotients, partial, symbol

X, A = symbol("x"), symbol("a")
POINT = {"x": Fraction(3, 7), "a": Fraction(-5, 2)}
SYMBOLS = {name: sympy.Symbol(name) for name in POINT}


def value(quotient):
    return quotient.numerator.evaluate(POINT) / quotient.denominator.evaluate(POINT)


def expected(expression):
    found = sympy.diff(expression, SYMBOLS["x"])
    numbers = {SYMBOLS[name]: sympy.Rational(v.numerator, v.denominator) for name, v in POINT.items()}
    exact = sympy.nsimplify(sympy.simplify(found.subs(numbers)))
    return Fraction(int(exact.p), int(exact.q))


def test_a_quotient_differentiates_as_sympy_says():
    x, a = SYMBOLS["x"], SYMBOLS["a"]
    found = ((X**3 - A) / (X**2 + 2 * A * X + 7)).derivative({"x": symbol("x") / symbol("x")})
    assert value(found) == expected((x**3 - a) / (x**2 + 2 * a * x + 7))


def test_a_logarithm_differentiates_as_sympy_says():
    x, a = SYMBOLS["x"], SYMBOLS["a"]
    found = Logarithm((X**2 + A) / (X - 3)).derivative({"x": Quotient(Polynomial.constant(1))})
    assert value(found) == expected(sympy.log((x**2 + a) / (x - 3)))


def test_an_arctangent_differentiates_as_sympy_says():
    x, a = SYMBOLS["x"], SYMBOLS["a"]
    square = 3 * Polynomial.symbol("a") ** 2
    found = Arctangent(2 * X + A, square).derivative({"x": Quotient(Polynomial.constant(1))})
    root = sympy.sqrt(3 * a**2)
    assert value(found) == expected(sympy.atan((2 * x + a) / root) / root)


def test_equal_quotients_are_told_from_unequal_ones():
    assert decide(equal_quotients("cancels", (X**2 - 1) / (X - 1), X + 1)).status == "proved"
    assert decide(equal_quotients("does not", (X**2 - 1) / (X - 1), X - 1)).status == "refuted"


def test_the_partial_derivative_drops_what_does_not_move():
    x, a = Polynomial.symbol("x"), Polynomial.symbol("a")
    assert partial(x**3 * a + a**2, "x") == 3 * x**2 * a
    assert not partial(a**2, "x")


def test_a_zero_denominator_is_refused():
    with pytest.raises(InputError, match="denominator is zero"):
        (X + 1) / (X - X)


def test_an_arctangent_with_a_moving_constant_is_refused():
    with pytest.raises(InputError, match="moves"):
        Arctangent(X, Polynomial.symbol("x")).derivative({"x": Quotient(Polynomial.constant(1))})


def test_quotients_are_substituted_all_at_once():
    swapped = (X / (A + 1)).substitute({"x": A, "a": X})
    assert decide(equal_quotients("swapped", swapped, A / (X + 1))).status == "proved"
    assert decide(equal_quotients("inner", (X**2 + A).substitute({"x": 1 / A}), 1 / A**2 + A)).status == "proved"
