"""Rigorous reals: enclosures of elementary functions, of powers, and of what is no number."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import pytest

from workbench.backends.reals import Balls, Intervals, Reals
from workbench.exact import UNKNOWN, Measured, Power

ENGINES = [Balls, Intervals]


@pytest.fixture(params=ENGINES, ids=["balls", "intervals"])
def rigorous(request: pytest.FixtureRequest) -> Reals:
    return Reals(request.param(90))


def holds(arithmetic: Reals, real: Any, truth: Any) -> bool:
    low, high = arithmetic.measured(real).bounds() or (None, None)
    assert low is not None
    assert high is not None
    assert high - low <= abs(Fraction(1, 2**60)) * max(1, abs(high))
    ends = [mpmath.mpf(end.numerator) / end.denominator for end in (low, high)]
    return bool(ends[0] <= truth <= ends[1])


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(22, 7), Fraction(1, 10**12), Fraction(10**6, 7)])
def test_rigorous_reals_enclose_elementary_functions(rigorous: Reals, value: Fraction) -> None:
    with mpmath.workprec(400), rigorous.session():
        x, r = mpmath.mpf(value.numerator) / value.denominator, rigorous.number(value)
        assert holds(rigorous, rigorous.log(r), mpmath.log(x))
        assert holds(rigorous, rigorous.sqrt(r), mpmath.sqrt(x))
        assert holds(rigorous, rigorous.exp(-r), mpmath.exp(-x))
        assert holds(rigorous, rigorous.power(r, Fraction(-7, 10)), x ** (mpmath.mpf(-7) / 10))
        assert holds(rigorous, rigorous.power(r, 0), mpmath.mpf(1))
        assert holds(rigorous, (1 - r) * r / (2 + r) - 3, (1 - x) * x / (2 + x) - 3)
        assert holds(rigorous, 1 / r, 1 / x)
        assert holds(rigorous, r**5, x**5)
        assert holds(rigorous, rigorous.maximum(r, 1, Fraction(1, 2)), max(x, mpmath.mpf(1)))
        assert holds(rigorous, rigorous.number(Power(value, Fraction(1, 8))), x ** (mpmath.mpf(1) / 8))
        assert not holds(rigorous, rigorous.log(r), mpmath.log(x) + mpmath.mpf(10) ** -15)


def test_rigorous_reals_carry_the_error_of_what_they_are_given(rigorous: Reals) -> None:
    given_number = Measured(Fraction(1), Fraction(1, 10))
    with rigorous.session():
        bounds = rigorous.measured(rigorous.number(given_number) ** 2).bounds()
        top = rigorous.measured(rigorous.maximum(given_number, Fraction(1))).bounds()
    assert bounds is not None
    assert bounds[0] <= Fraction(81, 100)
    assert bounds[1] >= Fraction(121, 100)
    assert top is not None
    assert top[0] >= Fraction(99, 100)
    assert top[1] >= Fraction(11, 10)


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
def test_an_integer_power_of_an_enclosure_around_zero_is_finite(rigorous: Reals, exponent: int) -> None:
    radius = Fraction(1, 2**20)
    with rigorous.session():
        bounds = rigorous.measured(rigorous.number(Measured(Fraction(0), radius)) ** exponent).bounds()
    assert bounds is not None
    assert bounds[0] <= 0
    assert radius**exponent <= bounds[1] <= radius**exponent * Fraction(1001, 1000)


@pytest.mark.parametrize("exponent", [Fraction(1, 2), Fraction(-1, 2), Fraction(3), Fraction(-2)])
def test_a_power_of_an_enclosure_that_touches_zero_contains_every_power(rigorous: Reals, exponent: Fraction) -> None:
    with rigorous.session():
        enclosure = rigorous.number(Measured(Fraction(1, 2), Fraction(1, 2)))
        bounds = rigorous.measured(rigorous.power(enclosure, exponent)).bounds()
    for point in (1e-6, 0.1, 0.5, 1.0):
        if bounds is not None:
            assert bounds[0] <= Fraction(point**exponent) <= bounds[1] * (1 + Fraction(1, 10**12))
    assert bounds is None or exponent > 0


def test_what_is_not_a_real_number_is_unknown(rigorous: Reals) -> None:
    with rigorous.session():
        for nothing in (
            rigorous.log(Fraction(-1)),
            rigorous.log(0),
            rigorous.number(1) / 0,
            rigorous.number(UNKNOWN) + 1,
            rigorous.log(Measured(Fraction(0), Fraction(1))),
        ):
            assert rigorous.measured(nothing) == UNKNOWN


def test_enclosed_reals_refuse_to_compare(rigorous: Reals) -> None:
    with rigorous.session():
        one, two = rigorous.number(1), rigorous.number(2)
        for compare in (
            lambda: one < two,
            lambda: one > two,
            lambda: one <= two,
            lambda: one >= two,
            lambda: one == two,
            lambda: one != two,
            lambda: one == 1,
            lambda: max(one, two),
            lambda: bool(one),
        ):
            with pytest.raises(TypeError):
                compare()
        with pytest.raises(TypeError):
            one ** Fraction(1, 2)
