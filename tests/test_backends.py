"""The contract of the number systems: every operation against exact rationals, within its own claimed error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import backends
from workbench.backends.ball import arb, flint, precision
from workbench.backends.ball import measured as ball_measured
from workbench.backends.norms import frobenius_norm, spectral_norm
from workbench.backends.reals import Balls, Intervals, Reals, reals
from workbench.backends.running_error import RunningError
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.draws import integer
from workbench.dynamics._error_bounds import HessianBound, spectral_norm_bound
from workbench.errors import DeviceError, InputError, UnknownNameError, UnsupportedError
from workbench.exact import UNKNOWN, Matrix, Measured, Power
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
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
        backend.activate("relu", backend.matrix([[Fraction(1)]]))


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


# Global state: flint has one precision a process, mpmath one a context.


def test_two_ball_precisions_side_by_side_do_not_mix() -> None:
    before = flint().ctx.prec
    third = Fraction(1, 3)
    low, high = (backends.load("ball", bits=bits) for bits in (40, 400))
    with low.session():
        coarse = low.measure(low.number(third))
        with high.session():
            fine = high.measure(high.number(third))
        again = low.measure(low.number(third))
    assert flint().ctx.prec == before
    assert coarse == again
    assert Fraction(1, 2**45) < (coarse.error or 0) < Fraction(1, 2**38)
    assert 0 < (fine.error or 0) < Fraction(1, 2**398)


def test_a_failed_session_puts_the_precision_back() -> None:
    before = flint().ctx.prec
    with pytest.raises(ZeroDivisionError), precision(777):
        raise ZeroDivisionError
    assert flint().ctx.prec == before


@contextmanager
def hurried() -> Iterator[None]:
    """Switch threads as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _errors_in_threads(session: Any, rounds: int) -> set[str]:
    """Return which of two threads with their own precision computed a third at the other's."""
    wrong: set[str] = set()

    def work(bits: int) -> None:
        for _ in range(rounds):
            with session(bits):
                radii = [float((arb(Fraction(1, 3)) * arb(Fraction(3, 7))).rad()) for _ in range(20)]
            if not all(2.0 ** (-bits - 4) < radius < 2.0 ** (-bits + 2) for radius in radii):
                wrong.add(f"{bits}")

    threads = [threading.Thread(target=work, args=(bits,)) for bits in (60, 300)]
    with hurried():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return wrong


def test_threads_never_see_each_others_ball_precision() -> None:
    before = flint().ctx.prec
    assert _errors_in_threads(precision, 300) == set()
    assert flint().ctx.prec == before


def test_threads_without_the_lock_do_see_each_others_precision() -> None:
    before = flint().ctx.prec

    @contextmanager
    def unlocked(bits: int) -> Iterator[None]:
        flint().ctx.prec = bits
        yield

    try:
        assert any(_errors_in_threads(unlocked, 2000) for _ in range(5))
    finally:
        flint().ctx.prec = before


def test_mp_does_not_touch_the_global_context() -> None:
    before = mpmath.mp.prec
    first, second = (backends.load("mp", bits=bits) for bits in (60, 500))
    with first.session(), second.session():
        coarse = first.measure(first.number(Fraction(1, 3)))
        fine = second.measure(second.number(Fraction(1, 3)))
        second.measure(second.number(Power(Fraction(2), Fraction(1, 2))))
    assert mpmath.mp.prec == before
    assert abs((coarse.value or 0) - Fraction(1, 3)) > Fraction(1, 2**70)
    assert abs((fine.value or 0) - Fraction(1, 3)) < Fraction(1, 2**490)


def test_a_measured_ball_goes_there_and_back_without_shrinking() -> None:
    with precision(100):
        for number in (Measured(Fraction(1, 3), Fraction(1, 10**9)), Measured(Fraction(0), Fraction(3, 10**400))):
            back = ball_measured(arb(number)).bounds()
            there = number.bounds()
            assert back is not None
            assert there is not None
            assert back[0] <= there[0]
            assert back[1] >= there[1]
        assert ball_measured(arb(UNKNOWN)) == UNKNOWN


# Rigorous reals.

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


# Norms and spectra.


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("values", [["2", "1/3"], ["1", "1", "1"], ["-5", "5", "0"], ["0", "0"], ["7"]])
def test_norms_enclose_the_known_ones(name: str, values: list[str]) -> None:
    backend = carrying(name)
    a = target_matrix({"family": "spectrum", "eigenvalues": values, "rotate": 2})
    top = max(abs(Fraction(v)) for v in values)
    squares = sum(Fraction(v) ** 2 for v in values)
    arithmetic = reals(150)
    with backend.session(), arithmetic.session():
        array = backend.matrix(a.rows)
        squarings = 3 if name == "exact" else 12
        spectral = spectral_norm(backend, arithmetic, array, squarings)
        frobenius = frobenius_norm(backend, arithmetic, array).bounds()
    assert contains(spectral, top)
    assert (spectral.error or 0) <= top / 4
    assert frobenius is not None
    assert max(frobenius[0], 0) ** 2 <= squares <= frobenius[1] ** 2


@pytest.mark.parametrize("name", ["float64", "mp", "ball"])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (1, 4)])
def test_the_spectral_norm_of_a_rectangular_matrix_is_enclosed(name: str, shape: tuple[int, int]) -> None:
    backend, arithmetic = carrying(name), reals(150)
    rows = draw(*shape, 11)
    truth = float(np.linalg.norm(np.array([[float(x) for x in row] for row in rows]), 2))
    with backend.session(), arithmetic.session():
        bounds = spectral_norm(backend, arithmetic, backend.matrix(rows)).bounds()
    assert bounds is not None
    assert bounds[0] <= Fraction(truth) * (1 + Fraction(1, 10**13))
    assert bounds[1] >= Fraction(truth) * (1 - Fraction(1, 10**13))
    assert bounds[1] - bounds[0] <= Fraction(truth) / 1000


def _adversarial() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    found = [random.standard_normal((m, n)) for m, n in [(1, 1), (2, 2), (7, 3), (3, 7), (30, 30), (1, 9)]]
    found += [np.eye(12), np.ones((9, 9)), np.zeros((3, 3)), np.diag([1.0, 1.0 + 1e-15]), np.diag([1e-160, 1e-170])]
    found += [np.outer(random.standard_normal(40), random.standard_normal(40)), 1e150 * np.ones((4, 4))]
    found += [np.diag(np.geomspace(1, 1e-300, 10)), np.array([[1, 1e8], [0, 1]]), np.array([[1e-320, 0], [0, 1e-322]])]
    orthogonal = np.linalg.qr(random.standard_normal((25, 25)))[0]
    return [*found, orthogonal, orthogonal[:, :3]]


@pytest.mark.parametrize("a", _adversarial(), ids=range(len(_adversarial())))
def test_the_spectral_norm_bound_is_an_upper_bound_and_not_idle(a: np.ndarray) -> None:
    bound = spectral_norm_bound(a)
    with mpmath.workprec(200):
        truth = max(mpmath.svd_r(mpmath.matrix(a.tolist()), compute_uv=False))
        assert truth <= mpmath.mpf(bound)
        # Doubles near the end of their range have few bits: the bound is safe there, not sharp.
        assert mpmath.mpf(bound) <= 1.2 * truth + mpmath.mpf(10) ** -279


def _bounds_of_the_hessian(layers: list[np.ndarray], target: list[list[float]]) -> tuple[float, float]:
    widths = (layers[0].shape[1], *(layer.shape[0] for layer in layers))
    problem = Problem(LinearNetwork(widths), SquareLoss(Matrix.from_rows(target)), Start())
    return HessianBound(problem).extremes(layers, 0.0)


def test_the_hessian_bound_holds_where_one_layer_nearly_vanishes() -> None:
    # l = (w_1 ... w_6 - 1)^2 / 2 at (w, 1, ..., 1), second derivatives by hand.
    for small in (1e-20, 1e-8, 1e-3, 0.5):
        weights = np.array([small, 1.0, 1.0, 1.0, 1.0, 1.0])
        without = [float(np.prod(np.delete(weights, i))) for i in range(6)]
        hessian = np.outer(without, without)
        for i in range(6):
            for j in range(i):
                hessian[i, j] += (small - 1) * float(np.prod(np.delete(weights, (i, j))))
                hessian[j, i] = hessian[i, j]
        values = np.linalg.eigvalsh(hessian)
        low, high = _bounds_of_the_hessian([np.array([[w]]) for w in weights], [[1.0]])
        assert low <= values[0]
        assert values[-1] <= high


def test_the_hessian_bound_is_finite_where_a_layer_is_zero() -> None:
    low, high = _bounds_of_the_hessian([np.eye(2), np.eye(2), np.zeros((2, 2))], [[1.0, 0.0], [0.0, 2.0]])
    assert -10 < low < 0 < high < 20


@pytest.mark.parametrize("seed", range(5))
def test_the_hessian_bound_encloses_the_spectrum_of_the_hessian(seed: int) -> None:
    from workbench.networks.curvature import Curvature

    random = np.random.default_rng(seed)
    layers = [random.standard_normal((3, 2)), random.standard_normal((2, 3)), random.standard_normal((2, 2))]
    target = random.standard_normal((2, 2)).tolist()
    problem = Problem(LinearNetwork((2, 3, 2, 2)), SquareLoss(Matrix.from_rows(target)), Start())
    low, high = HessianBound(problem).extremes(layers, 0.0)
    true_low, true_high = Curvature(problem).extremes(layers)
    assert low <= true_low
    assert true_high <= high
    assert high <= 30 * true_high


@pytest.mark.parametrize(
    "values",
    [["1/3", "2/7", "5"], ["1", "1", "1"], ["2", "2", "-1", "0"], ["0", "0"], ["1/1000003", "1"], ["-4"]],
)
def test_rational_eigenvalues_are_found_exactly(values: list[str]) -> None:
    built = target_matrix({"family": "spectrum", "eigenvalues": values, "rotate": 5})
    forgotten = Matrix(built.rows)
    found = symmetric_eigenvalues(forgotten)
    wanted = sorted(Fraction(v) for v in values)
    assert all(contains(m, x) for m, x in zip(found, wanted, strict=True))
    assert all(m.error == 0 for m, x in zip(found, wanted, strict=True) if x.denominator < 1000)
    assert symmetric_eigenvalues(built) == tuple(Measured(x) for x in wanted)


def test_irrational_eigenvalues_are_enclosed() -> None:
    matrix = Matrix.from_rows([[2, 1, 0], [1, 3, 1], [0, 1, 5]])
    found = symmetric_eigenvalues(matrix)
    with mpmath.workprec(200):
        for measured, truth in zip(
            found, mpmath.eigsy(mpmath.matrix([[2, 1, 0], [1, 3, 1], [0, 1, 5]]))[0], strict=True
        ):
            man, exp = truth.man_exp
            assert contains(measured, Fraction(int(man)) * Fraction(2) ** int(exp))
            assert 0 < (measured.error or 0) < Fraction(1, 2**35)


@pytest.mark.parametrize("scale", ["1e400", "1e-400", "1e200", "1e-200"])
def test_eigenvalues_are_enclosed_at_any_magnitude(scale: str) -> None:
    factor = Fraction(scale)
    found = symmetric_eigenvalues(Matrix.from_rows([[2 * factor, factor], [factor, 2 * factor]]))
    for measured, truth in zip(found, (factor, 3 * factor), strict=True):
        assert contains(measured, truth)
        assert (measured.error or 0) <= factor / 2
