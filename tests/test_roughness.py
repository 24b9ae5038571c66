"""Roughness of paths in depth: closed forms, brute force over partitions, coverage, and balls against floats."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from workbench import backends, roughness
from workbench.backends.reals import reals
from workbench.errors import InputError, UnknownNameError, UnsupportedError
from workbench.exact import Measured
from workbench.networks import build
from workbench.observables import Snapshot, load
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.roughness import distance_between, hoelder_exponent, p_variation, quadratic_variation
from workbench.targets import matrix

ORDERS = ["1", "5/4", "3/2", "2", "3"]


def numbers(values: Any) -> np.ndarray:
    return np.array(values, dtype=float).reshape(len(values), 1)


def snapshot(values: list[Fraction], backend: str = "ball") -> Snapshot:
    """Return a network whose rescaled weights are these numbers, delta L = 1."""
    depth = len(values)
    network = ResidualNetwork(1, depth, "identity", Fraction(1, depth))
    start = Start("given", {"weights": [[[str(x)]] for x in values]})
    arithmetic = backends.load(backend, bits=120)
    with arithmetic.session():
        built = build(Problem(network, SquareLoss(matrix([["1"]])), start), arithmetic)
    return Snapshot(built, built.parameters, built.parameters, None, None, reals(200))


def observed(name: str, values: list[Fraction], backend: str = "ball") -> Measured:
    seen = snapshot(values, backend)
    with seen.backend.session(), seen.reals.session():
        return load(name)(seen)


def holds(found: Measured, truth: float, tolerance: float = 1e-12) -> bool:
    low, high = found.bounds() or (Fraction(1), Fraction(0))
    return float(low) - tolerance <= truth <= float(high) + tolerance


def partitions(count: int) -> list[list[int]]:
    inner = range(1, count - 1)
    chosen = itertools.chain.from_iterable(itertools.combinations(inner, size) for size in range(count))
    return [sorted({0, *middle, count - 1}) for middle in chosen]


WALK = [Fraction(x, 7) for x in (0, 3, 1, 1, -2, 5, 4, 9)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", range(1, 9))
def test_the_variation_is_the_largest_over_all_partitions(order: str, count: int) -> None:
    p, walk = float(Fraction(order)), [float(x) for x in WALK[:count]]
    sums = [sum(abs(walk[b] - walk[a]) ** p for a, b in itertools.pairwise(path)) for path in partitions(count)]
    brute = max(sums) ** (1 / p)
    assert p_variation(numbers(walk), p) == pytest.approx(brute, abs=1e-13)
    found = observed(f"p_variation:{order}", WALK[:count])
    assert holds(found, brute)
    assert (found.error or 0) < Fraction(1, 10**30)


@pytest.mark.parametrize("order", ORDERS)
def test_a_monotone_path_has_the_variation_of_its_ends(order: str) -> None:
    path = [0.0, 1.0, 1.5, 4.0, 7.0]
    assert p_variation(numbers(path), float(Fraction(order))) == pytest.approx(7)


@pytest.mark.parametrize("order", ORDERS)
def test_a_zigzag_has_every_step_of_it(order: str) -> None:
    p = float(Fraction(order))
    assert p_variation(numbers([0, 1] * 10), p) == pytest.approx(19 ** (1 / p))


def test_the_variation_falls_with_its_order() -> None:
    path = np.cumsum(np.random.default_rng(1).normal(size=(60, 3)), axis=0)
    found = [p_variation(path, p) for p in (1, 1.25, 1.5, 2, 3, 6)]
    assert all(a > b for a, b in itertools.pairwise(found))


def test_the_order_two_is_the_two_variation() -> None:
    mine, other = observed("p_variation:2", WALK), observed("two_variation", WALK)
    assert abs((mine.value or 0) - (other.value or 0)) <= (mine.error or 0) + (other.error or 0) < Fraction(1, 10**30)
    assert observed("p_variation", WALK) == observed("p_variation:1", WALK)


@pytest.mark.parametrize("order", ["1", "3/2", "2"])
def test_beyond_the_exact_depth_the_bounds_hold(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("workbench.observables.p_variation", fromlist=["_"])
    walk = [Fraction(int(x), 8) for x in np.random.default_rng(3).integers(-9, 9, 40).cumsum()]
    exact = observed(f"p_variation:{order}", walk)
    monkeypatch.setattr(module, "_DEEPEST", 9)
    low, high = observed(f"p_variation:{order}", walk).bounds() or (1, 0)
    middle = exact.value or Fraction(0)
    assert low <= middle <= high
    # One side is a chain over every fifth layer, the other has lost a factor of the widest step.
    assert high < 4 * middle
    assert low > middle / 5


def test_floats_carry_their_errors_into_the_variation() -> None:
    found, exact = observed("p_variation:3/2", WALK, "float64"), observed("p_variation:3/2", WALK)
    assert found.value == pytest.approx(float(exact.value or 0), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p_variation:1/2", "at least 1"),
        ("p_variation:x", "give a rational"),
        ("loss:2", "takes no parameter"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(name)


def test_an_unknown_observable_with_a_parameter_is_unknown() -> None:
    with pytest.raises(UnknownNameError):
        load("q_variation:2")


def test_an_order_below_one_is_refused_of_floats_too() -> None:
    with pytest.raises(InputError, match="at least 1"):
        p_variation(numbers([0, 1]), 0.5)


# Exponents.


def brownian(random: np.random.Generator, count: int, size: int) -> np.ndarray:
    return np.asarray(random.normal(size=(count, size)).cumsum(axis=0))


@pytest.mark.parametrize(("count", "size"), [(64, 1), (256, 4), (1024, 16)])
def test_the_band_covers_the_exponent_of_brownian_motion(count: int, size: int) -> None:
    random = np.random.default_rng(7)
    found = [hoelder_exponent(brownian(random, count, size)) for _ in range(60)]
    covered = sum(e is not None and e.low <= 0.5 <= e.high for e in found)
    # Ninety-five in a hundred, of 60 draws; the jackknife loses a few to increments that overlap.
    assert covered >= 49
    assert np.mean([e.value for e in found if e is not None]) == pytest.approx(0.5, abs=0.02)


def test_neither_a_smooth_path_nor_noise_is_taken_for_brownian_motion() -> None:
    s = np.linspace(0, 1, 512)[:, None]
    smooth = hoelder_exponent(np.hstack([np.sin(3 * s), s**2]))
    noise = hoelder_exponent(np.random.default_rng(2).normal(size=(512, 4)))
    assert smooth is not None
    assert noise is not None
    assert smooth.low > 0.97
    assert smooth.high < 1
    assert noise.high < 0.05


def test_a_straight_path_has_the_exponent_one() -> None:
    found = hoelder_exponent(numbers(range(64)))
    assert found is not None
    assert found.value == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("path", [numbers(range(63)), numbers([1] * 100)])
def test_too_short_a_path_or_one_that_stands_still_has_no_exponent(path: np.ndarray) -> None:
    assert hoelder_exponent(path) is None


def test_the_enclosed_exponent_is_that_of_the_floats() -> None:
    walk = [Fraction(int(x), 16) for x in np.random.default_rng(9).integers(-20, 20, 64).cumsum()]
    floats = hoelder_exponent(numbers([float(x) for x in walk]))
    found = observed("hoelder_exponent", walk)
    assert floats is not None
    assert holds(found, floats.value)
    assert (found.error or 0) < Fraction(1, 10**25)


def test_a_shallow_network_has_no_enclosed_exponent() -> None:
    with pytest.raises(UnsupportedError, match="from depth 32 on, not 8"):
        observed("hoelder_exponent", WALK)
    assert observed("hoelder_exponent", [Fraction(1)] * 40).value is None


def test_the_quadratic_variation_is_stable_for_brownian_motion_alone() -> None:
    random, strides = np.random.default_rng(4), (1, 2, 4, 8)
    motion = quadratic_variation(brownian(random, 4096, 16), strides)
    line = quadratic_variation(numbers(range(4097)), strides)
    noise = quadratic_variation(random.normal(size=(4096, 16)), strides)
    assert all(b / a == pytest.approx(1, abs=0.05) for a, b in itertools.pairwise(motion))
    assert all(b / a == pytest.approx(2) for a, b in itertools.pairwise(line))
    assert all(b / a == pytest.approx(0.5, abs=0.05) for a, b in itertools.pairwise(noise))


def test_the_distance_between_depths_is_that_of_the_functions() -> None:
    coarse, fine = numbers([0, 1]), numbers([0, 0.5, 1])
    # On [1/3, 1/2) the one is 0 and the other 1/2; on [1/2, 2/3) they are 1 and 1/2.
    assert distance_between(coarse, fine) == pytest.approx(0.5)
    assert distance_between(fine, coarse) == pytest.approx(0.5)
    assert distance_between(numbers([0, 1]), numbers([0, 0, 1, 1])) == 0
    sampled = [numbers(np.arange(n) / n) for n in (8, 16, 32)]
    gaps = [distance_between(a, b) for a, b in itertools.pairwise(sampled)]
    assert gaps == pytest.approx([1 / 16, 1 / 32])


def test_paths_of_two_widths_are_not_compared() -> None:
    with pytest.raises(InputError, match="one width"):
        distance_between(np.zeros((2, 1)), np.zeros((2, 4)))
    with pytest.raises(InputError, match="one row"):
        roughness.p_variation(np.zeros(3), 2)
