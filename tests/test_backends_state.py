"""Precision is global in FLINT, and in a context of mpmath: sessions, threads, and what is put back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from workbench import backends
from workbench.backends.ball import arb, flint, precision
from workbench.backends.ball import measured as ball_measured
from workbench.exact import UNKNOWN, Measured, Power


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
