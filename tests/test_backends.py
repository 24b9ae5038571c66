"""The contract of the number systems: every operation against exact rationals, within its own claimed error."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import backends
from workbench.backends.running_error import RunningError
from workbench.draws import integer
from workbench.errors import DeviceError, InputError, UnknownNameError, UnsupportedError
from workbench.exact import UNKNOWN, Measured, Power
from workbench.rotation import product
from workbench.targets import matrix as target_matrix

Rows = list[list[Fraction]]

PLAIN = ["float64", "torch", "mp", "ball", "exact"]
FLOATING = ["float64", "torch", "mp"]


def carrying(name: str) -> Any:
    """Return a backend whose arrays carry errors: the running-error form of a floating one."""
    base = backends.load(name, bits=80)
    return RunningError(base) if name in FLOATING else base


def draw(rows: int, columns: int, seed: int, scale: int = 97) -> Rows:
    """Return a matrix of rationals that no binary format holds."""
    return [
        [Fraction(integer("test", seed, i * columns + j, -500, 500), scale) for j in range(columns)]
        for i in range(rows)
    ]


def contains(measured: Measured, value: Fraction) -> bool:
    bounds = measured.bounds()
    assert bounds is not None
    return bounds[0] <= value <= bounds[1]


def enclosed(backend: Any, array: Any, truth: Rows) -> bool:
    entries = backend.entries(array)
    assert len(entries) == len(truth)
    return all(
        contains(m, x) for row, exact in zip(entries, truth, strict=True) for m, x in zip(row, exact, strict=True)
    )


def entrywise(operation: Any, a: Rows, b: Rows) -> Rows:
    return [[operation(x, y) for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]


SHAPES = [(1, 1), (2, 3), (4, 2), (1, 5)]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_operation_holds_the_exact_result_within_its_error(name: str, shape: tuple[int, int]) -> None:
    backend, (m, n) = carrying(name), shape
    a, b, c = draw(m, n, 1), draw(m, n, 2), draw(n, m, 3)
    with backend.session():
        x, y, z = (backend.matrix(rows) for rows in (a, b, c))
        factor = Fraction(-22, 7)
        assert enclosed(backend, x, a)
        assert enclosed(backend, backend.matmul(x, z), product(a, c))
        assert enclosed(backend, backend.matmul(backend.matmul(x, z), y), product(product(a, c), b))
        assert enclosed(backend, backend.add(x, y), entrywise(lambda p, q: p + q, a, b))
        assert enclosed(backend, backend.subtract(x, y), entrywise(lambda p, q: p - q, a, b))
        assert enclosed(backend, backend.multiply(x, y), entrywise(lambda p, q: p * q, a, b))
        assert enclosed(backend, backend.scale(factor, x), [[factor * v for v in row] for row in a])
        assert enclosed(backend, backend.transpose(x), [list(col) for col in zip(*a, strict=True)])
        assert contains(backend.measure(backend.frobenius_squared(x)), sum(v * v for row in a for v in row))
        assert enclosed(backend, backend.identity(n), [[Fraction(int(i == j)) for j in range(n)] for i in range(n)])
        assert enclosed(backend, backend.activate("identity", x), a)
        assert enclosed(backend, backend.activate("identity", x, 1), [[Fraction(1)] * n] * m)
        assert backend.shape(x) == (m, n)
        assert backend.measure(backend.number(Fraction(1, 2))).value == Fraction(1, 2)
        assert np.allclose(backend.shadow(x), [[float(v) for v in row] for row in a], rtol=1e-15)


@pytest.mark.parametrize("name", PLAIN)
def test_errors_are_not_idle(name: str) -> None:
    backend = carrying(name)
    a = draw(3, 3, 5)
    with backend.session():
        entries = backend.entries(backend.matmul(backend.matrix(a), backend.matrix(a)))
    errors = [m.error for row in entries for m in row]
    largest = max(e if e is not None else Fraction(1) for e in errors)
    assert largest < Fraction(1, 2**35)
    assert (largest == 0) == (name == "exact")


@pytest.mark.parametrize("name", FLOATING)
def test_a_running_error_cut_to_a_thousandth_misses_the_exact_product(name: str) -> None:
    backend = carrying(name)
    missed = 0
    with backend.session():
        for seed in range(20):
            a, b = draw(3, 3, seed), draw(3, 3, 100 + seed)
            result = backend.entries(backend.matmul(backend.matrix(a), backend.matrix(b)))
            pairs = [(m, x) for row, t in zip(result, product(a, b), strict=True) for m, x in zip(row, t, strict=True)]
            assert all(contains(m, x) for m, x in pairs)
            missed += sum(not contains(Measured(m.value, (m.error or 0) / 1000), x) for m, x in pairs)
    assert missed > 0


@pytest.mark.parametrize("name", ["float64", "torch", "mp", "ball"])
def test_tanh_and_its_slope_lie_within_their_errors(name: str) -> None:
    backend = carrying(name)
    rows = [[Fraction(k, 7) for k in range(-20, 21, 4)]]
    with backend.session():
        x = backend.matrix(rows)
        values, slopes = (backend.entries(backend.activate("tanh", x, order))[0] for order in (0, 1))
    with mpmath.workprec(300):
        for value, slope, row in zip(values, slopes, rows[0], strict=True):
            truth = mpmath.tanh(mpmath.mpf(row.numerator) / row.denominator)
            for measured, wanted in ((value, truth), (slope, 1 - truth**2)):
                low, high = measured.bounds() or (None, None)
                assert mpmath.mpf(low.numerator) / low.denominator <= wanted  # type: ignore[union-attr]
                assert wanted <= mpmath.mpf(high.numerator) / high.denominator  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PLAIN)
def test_an_unknown_activation_is_refused(name: str) -> None:
    backend = backends.load(name)
    with backend.session(), pytest.raises(UnsupportedError):
        backend.activate("step", backend.matrix([[Fraction(1)]]))


@pytest.mark.parametrize("name", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize("text", [(64, Fraction(-7, 10)), (Fraction(1, 3), Fraction(1, 8)), (3, Fraction(150, 7))])
def test_a_power_is_carried_out_once_within_one_rounding(name: str, text: tuple[Any, Fraction]) -> None:
    backend, power = carrying(name), Power(Fraction(text[0]), text[1])
    with backend.session():
        measured = backend.measure(backend.number(power))
        scaled = backend.measure(backend.scale(power, backend.number(Fraction(1, 3))))
    with mpmath.workprec(400):
        truth = (mpmath.mpf(power.base.numerator) / power.base.denominator) ** (
            mpmath.mpf(power.exponent.numerator) / power.exponent.denominator
        )
        man, exp = truth.man_exp
    exact = Fraction(int(man)) * Fraction(2) ** int(exp)
    assert contains(measured, exact)
    assert contains(scaled, exact / 3)


def test_exact_rationals_take_the_powers_that_are_rational() -> None:
    backend = backends.load("exact")
    assert backend.measure(backend.number(Power(Fraction(4, 9), Fraction(-3, 2)))).value == Fraction(27, 8)
    with pytest.raises(UnsupportedError):
        backend.number(Power(Fraction(2), Fraction(1, 2)))


def test_a_long_numerator_is_rounded_once_by_mp() -> None:
    backend = carrying("mp")
    for seed in range(200):
        wide = Fraction(
            integer("wide", seed, 0, 0, 2**50) * 2**200 + integer("wide", seed, 1, 0, 2**52) * 2**140 + 1, 3
        )
        assert contains(backend.measure(backend.number(wide)), wide)


@pytest.mark.parametrize("name", ["float64", "torch"])
def test_overflow_is_unknown_and_not_a_warning(name: str) -> None:
    backend = carrying(name)
    with backend.session():
        huge = backend.matrix([[Fraction(10) ** 300]])
        assert backend.measure(backend.matmul(huge, huge)) == UNKNOWN
        assert backend.measure(backend.number(Fraction(10) ** 400)) == UNKNOWN
        assert backend.measure(backend.number(-(Fraction(10) ** 400))) == UNKNOWN
        assert backend.measure(backend.scale(Fraction(10) ** 400, huge)) == UNKNOWN
        assert backend.measure(backend.number(Power(Fraction(10), Fraction(400)))) == UNKNOWN


@pytest.mark.parametrize("name", PLAIN)
def test_shadows_of_huge_numbers_are_infinite(name: str) -> None:
    backend = backends.load(name)
    with backend.session():
        assert np.isinf(backend.shadow(backend.number(Fraction(10) ** 400))).all()


@pytest.mark.parametrize("name", FLOATING)
def test_a_spectrum_is_clipped_to_the_radius(name: str) -> None:
    backend = carrying(name)
    rotated = target_matrix({"family": "spectrum", "eigenvalues": ["3", "1/4", "-2"], "rotate": 3})
    wanted = target_matrix({"family": "spectrum", "eigenvalues": ["1/2", "1/4", "-1/2"], "rotate": 3})
    with backend.session():
        clipped = backend.clip_spectrum(backend.matrix(rotated.rows), Fraction(1, 2))
        assert enclosed(backend, clipped, [list(row) for row in wanted.rows])
        inside = backend.clip_spectrum(backend.matrix(wanted.rows), Fraction(4))
        assert enclosed(backend, inside, [list(row) for row in wanted.rows])
    control = target_matrix({"family": "spectrum", "eigenvalues": ["1/2", "1/4", "1/2"], "rotate": 3})
    assert not enclosed(backend, clipped, [list(row) for row in control.rows])


def test_a_spectrum_is_not_clipped_in_rationals() -> None:
    backend = backends.load("exact")
    with backend.session(), pytest.raises(UnsupportedError):
        backend.clip_spectrum(backend.identity(2), Fraction(1))


def test_bits_hold_the_digits() -> None:
    for digits in (1, 15, 50, 300, 1000):
        assert 2 ** (backends.bits_of(digits) - 1) >= 10**digits


@given(st.fractions(min_value=-5, max_value=5), st.integers(0, 60))
@settings(max_examples=50, deadline=None)
def test_a_dyadic_is_the_largest_below(value: Fraction, bits: int) -> None:
    below = backends.dyadic(value, bits)
    assert below <= value < below + Fraction(1, 2**bits)
    assert (below * 2**bits).denominator == 1


def test_a_wrong_backend_or_device_is_named() -> None:
    with pytest.raises(UnknownNameError, match="float64"):
        backends.load("float46")
    with pytest.raises(UnknownNameError):
        backends.takes_digits("arb")
    with pytest.raises(InputError, match="cpu only"):
        backends.load("mp", device="cuda")
    with pytest.raises(DeviceError):
        backends.load("torch", device="abacus")
    with pytest.raises(DeviceError):
        backends.load("torch", device="meta")
    with pytest.raises(DeviceError):
        backends.load("torch", device="cuda:999")
