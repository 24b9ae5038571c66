"""Exact numbers: what is read, what is refused, and what is carried with its error."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import exact as exact_module
from workbench.errors import InputError, ShapeError
from workbench.exact import UNKNOWN, Matrix, Measured, Power, decimal_text, exact, rational, to_float

RATIONALS = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/3", Fraction(1, 3)),
        (" -2/6 ", Fraction(-1, 3)),
        ("1 / 3", Fraction(1, 3)),
        ("1\t/ 3", Fraction(1, 3)),
        ("0.1", Fraction(1, 10)),
        ("+.5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e-10", Fraction(1, 10**10)),
        ("2E3", Fraction(2000)),
        ("0", Fraction(0)),
        (7, Fraction(7)),
        (0.1, Fraction(3602879701896397, 2**55)),
        (Fraction(2, 4), Fraction(1, 2)),
    ],
)
def test_a_number_is_read_as_it_is_written(text: Any, value: Fraction) -> None:
    assert rational(text) == value


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ",
        "1/0",
        "1/-2",
        "1/2/3",
        "0x10",
        "1_000",
        "nan",
        "inf",
        "-infinity",
        "1,5",
        "1e99999",
        "--1",
        "1/2.5",
        "9" * 5000,
        "1/" + "9" * 5000,
        "1e-5000",
        "__import__('os').getcwd()",
        "2**3",
        "(1)",
        math.nan,
        math.inf,
        -math.inf,
        True,
        False,
        None,
        1j,
        [1],
        b"1",
    ],
)
def test_what_is_no_rational_is_refused_in_one_line(bad: Any) -> None:
    with pytest.raises(InputError) as caught:
        rational(bad)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_code_in_a_text_is_never_evaluated() -> None:
    touched: list[int] = []
    with pytest.raises(InputError):
        exact("root(touched.append(1),2)")
    with pytest.raises(InputError):
        exact("power(__import__('sys').exit(),2)")
    assert not touched


def test_a_named_operation_is_kept_by_name() -> None:
    assert exact("root(1/3,8)") == Power(Fraction(1, 3), Fraction(1, 8))
    assert exact(" power( 64 , -7/10 ) ") == Power(Fraction(64), Fraction(-7, 10))
    assert str(exact("power(64,-7/10)")) == "power(64,-7/10)"
    assert exact(str(exact("root(1/3,8)"))) == exact("root(1/3,8)")


@pytest.mark.parametrize(
    "bad", ["root(2,0)", "root(2,-1)", "root(2,1/2)", "root(-2,3)", "power(0,1)", "power(-1,2)", "sqrt(2)", "root(2)"]
)
def test_a_named_operation_that_means_nothing_is_refused(bad: str) -> None:
    with pytest.raises(InputError):
        exact(bad)


@pytest.mark.parametrize(
    "text", ["power(64,-7/10)", "root(1/3,8)", "power(1/3,100)", "power(3,-201/7)", "root(2,1000)"]
)
def test_a_power_rounds_to_the_nearest_float(text: str) -> None:
    power = exact(text)
    assert isinstance(power, Power)
    with mpmath.workprec(300):
        exponent = mpmath.mpf(power.exponent.numerator) / power.exponent.denominator
        truth = (mpmath.mpf(power.base.numerator) / power.base.denominator) ** exponent
        error = abs(mpmath.mpf(float(power)) - truth) / truth
        assert error <= mpmath.mpf(2) ** -53


def test_a_power_has_a_float_wherever_its_value_has_one() -> None:
    assert float(Power(Fraction(10) ** 400, Fraction(1, 400))) == 10.0
    assert float(Power(Fraction(10), Fraction(-400))) == 0.0
    with pytest.raises(OverflowError):
        float(Power(Fraction(10), Fraction(400)))


@given(RATIONALS, RATIONALS, RATIONALS, RATIONALS)
@settings(max_examples=50, deadline=None)
def test_a_difference_of_measured_numbers_adds_their_errors(a: Fraction, b: Fraction, e: Fraction, f: Fraction) -> None:
    left, right = Measured(a, abs(e)), Measured(b, abs(f))
    bounds = left.minus(right).bounds()
    assert bounds == (a - abs(e) - b - abs(f), a + abs(e) - b + abs(f))


def test_an_unknown_number_stays_unknown() -> None:
    one = Measured(Fraction(1))
    assert one.minus(UNKNOWN) == UNKNOWN
    assert UNKNOWN.minus(one) == UNKNOWN
    assert Measured.largest([one, UNKNOWN]) == UNKNOWN
    assert Measured(Fraction(1), None).bounds() is None
    assert not UNKNOWN.finite
    assert one.finite


def test_the_largest_of_measured_numbers_encloses_the_largest() -> None:
    close = [Measured(Fraction(1), Fraction(1, 2)), Measured(Fraction(5, 4), Fraction(1, 100))]
    bounds = Measured.largest(close).bounds()
    assert bounds == (Fraction(5, 4) - Fraction(1, 100), Fraction(3, 2))
    assert Measured.largest([]) == Measured(Fraction(0))


@given(st.fractions(min_value=Fraction(1, 10**30), max_value=10**30), st.integers(1, 25))
@settings(max_examples=80, deadline=None)
def test_a_decimal_is_the_rounded_number(value: Fraction, digits: int) -> None:
    text = decimal_text(value, digits)
    assert text is not None
    error = abs(Fraction(text) - value)
    assert error <= value * Fraction(10) ** (1 - digits) / 2
    assert decimal_text(-value, digits) == "-" + text


def test_a_decimal_has_any_magnitude() -> None:
    assert decimal_text(Fraction(0)) == "0"
    assert decimal_text(None) is None
    assert decimal_text(Fraction(1, 2**1100), 3) == "7.36e-332"
    assert decimal_text(Fraction(10) ** 400, 5) == "1e400"
    assert decimal_text(Fraction(9999, 10), 3) == "1e3"
    assert decimal_text(Fraction(999, 1000), 1) == "1"


def test_a_float_too_large_is_none_and_too_small_is_zero() -> None:
    assert to_float(Fraction(10) ** 400) is None
    assert to_float(Fraction(1, 10**400)) == 0.0
    assert to_float(None) is None


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [[]],
        [[1, 2], [3]],
        [[1], [2, 3]],
        "12",
        ["12", "34"],
        [1, 2],
        5,
        None,
        [[1, math.nan]],
        [[math.inf]],
        [[True]],
        [["1/0"]],
        [[None]],
        {"a": 1},
        [[[1]]],
    ],
)
def test_a_matrix_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(InputError) as caught:
        Matrix.from_rows(bad)
    assert "\n" not in str(caught.value)


def test_a_ragged_matrix_names_its_row() -> None:
    with pytest.raises(ShapeError, match="row 2 has 1 entries but row 1 has 2"):
        Matrix.from_rows([[1, 2], [3]])


def test_a_matrix_knows_that_a_float_was_given() -> None:
    assert Matrix.from_rows([[0.5, 1]]).from_float
    assert not Matrix.from_rows([["0.5", 1]]).from_float


def test_symmetry_is_exact() -> None:
    third = Fraction(1, 3)
    assert Matrix(((Fraction(1), third), (third, Fraction(1)))).is_symmetric()
    assert not Matrix(((Fraction(1), third), (third + Fraction(1, 10**30), Fraction(1)))).is_symmetric()
    assert not Matrix.from_rows([[1, 2]]).is_symmetric()
    assert Matrix.from_rows([["2"]]).is_symmetric()


def test_a_specification_is_in_lowest_terms() -> None:
    assert Matrix.from_rows([["2/4", "0.10"]]).specification() == {"rows": [["1/2", "1/10"]]}


def test_a_power_just_beyond_the_floats_overflows() -> None:
    assert float(exact("power(2,1023)")) == 2.0**1023
    with pytest.raises(OverflowError):
        float(exact("power(2,1024)"))


def test_a_power_is_rounded_once_however_often_it_is_asked_for() -> None:
    exact_module._rounded_power.cache_clear()
    scale = exact("power(10000,-1/2)")
    assert {float(scale) for _ in range(1000)} == {0.01}
    assert exact_module._rounded_power.cache_info().misses == 1
