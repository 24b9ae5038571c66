"""The numbers of the theory sheets: which test reproduces which, and those of the edge of stability that had none."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from workbench.experiment import read
from workbench.theorems._examples import experiment
from workbench.trajectory import Trajectory

# Line of a sheet: the tests that reproduce it.
REPRODUCED = {
    "identity paper, T2: table of steps and bounds": [
        "test_identity_paper.test_the_table_of_definite_targets",
        "test_theorems.test_the_table_of_depth_two_takes_34_steps_of_45",
        "test_theorems.test_the_sheet_takes_2424_steps_of_3448",
    ],
    "identity paper, T2: 1.98 of the step converges, 2.2 does not": [
        "test_identity_paper.test_the_edge_of_stability_is_twice_the_largest_step"
    ],
    "identity paper, T2: depth saturation": [
        "test_identity_paper.test_depth_saturates_on_the_sheet",
        "test_identity_paper.test_the_limit_map_takes_the_steps_that_the_sheet_tends_to",
    ],
    "identity paper, T1 on diag(1 - r, 1)": [
        "test_identity_paper.test_the_steps_grow_towards_the_radius_one",
        "test_identity_paper.test_at_the_radius_one_it_is_sublinear_and_beyond_it_never",
        "test_theorems.test_a_diagonal_near_the_identity_takes_16_steps",
    ],
    "identity paper, T4: limits with penalties and projection": [
        "test_identity_paper.test_regularising_raises_the_limit_of_the_sheet"
    ],
    "identity paper, T4: long steps at odd depth": [
        "test_identity_paper.test_a_long_step_at_odd_depth_converges_to_the_target"
    ],
    "identity paper, T4: rounding leaves the saddle": [
        "test_theorems.test_a_float_leaves_the_rotated_saddle_that_a_ball_keeps",
        "test_identity_paper.test_floats_leave_the_floor_of_the_plane_and_enclosures_do_not",
    ],
    "identity paper, T4: descent lingers at the determinant's floor": [
        "test_identity_paper.test_width_three_lingers_near_the_floor_and_then_leaves_it_for_good"
    ],
    "identity paper, T5: contraction 2.00 and 1.75 times the claim, 23 to 457 steps": [
        "test_identity_paper.test_power_projection_contracts_twice_as_fast_as_claimed",
        "test_identity_paper.test_a_practical_step_takes_few_steps_where_the_theorem_allows_thousands",
    ],
    "catalog 4.1: ratios 8.4, 18, 23": ["test_convergence_rates.test_the_margin_is_loose_by_the_ratio_of_the_sheet"],
    "catalog 4.4: ratio of the white start": [
        "test_convergence_rates.test_a_white_start_beats_its_gap_by_the_ratio_of_the_sheet"
    ],
    "catalog 4.8: ratio 8": ["test_theorems_wide.test_a_gaussian_start_is_eight_times_as_fast_as_its_bound"],
    "catalog 4.9: ratio 4": ["test_theorems_wide.test_an_orthogonal_start_is_four_times_as_fast_as_its_bound"],
    "catalog 4.10: rate 7.4475": ["test_theorems_wide.test_eight_layers_and_one_half_have_the_rate_7_4475"],
    "catalog 4.14: 45 steps against 40.5": [
        "test_theorems_wide.test_twelve_layers_take_45_steps_where_40_5_are_the_least"
    ],
    "catalog 4.15: millions of times the published step": [
        "test_convergence_rates.test_the_practical_step_is_a_million_times_the_published_one"
    ],
    "catalog 5.4: superstability and second doubling to 30 digits, the golden ratio": [
        "test_period_two.test_two_layers_have_their_closed_forms_to_30_digits",
        "test_period_two.test_at_the_second_doubling_of_two_layers_the_ratio_is_the_golden_one",
    ],
    "catalog 5.4: the attractor touches 0, escape, the Chebyshev map": [
        "test_sheet_numbers.test_the_attractor_touches_zero_where_the_sheet_says",
        "test_sheet_numbers.test_two_layers_escape_at_twice_the_edge",
        "test_sheet_numbers.test_at_the_escape_descent_is_a_chebyshev_map",
    ],
    "catalog 5.5: the table, other depths to 30 digits, the limit": [
        "test_period_two.test_the_table_of_the_sheet_is_reproduced",
        "test_period_two.test_other_depths_agree_with_the_map_itself_to_30_digits",
        "test_period_two.test_great_depth_tends_to_the_limit_map",
    ],
    "catalog 5.5: crisis": ["test_sheet_numbers.test_the_crisis_is_where_the_sheet_says"],
    "catalog 5.8: stability of cycles with momentum": [
        "test_sheet_numbers.test_cycles_with_momentum_lose_stability_where_the_sheet_says"
    ],
}


@pytest.mark.parametrize("line", REPRODUCED)
def test_every_line_of_the_table_names_tests_that_exist(line: str) -> None:
    assert REPRODUCED[line]
    for name in REPRODUCED[line]:
        module, _, function = name.partition(".")
        assert callable(getattr(importlib.import_module(module), function))


# What had no test: descent on equal numbers towards 1.


def descent(depth: int, start: str, step_size: str, steps: int, **options: Any) -> Trajectory:
    given = {"scheme": "given", "weights": [[[start]]] * depth}
    run = experiment(
        [1] * (depth + 1),
        {"rows": [["1"]]},
        step_size=step_size,
        stop={"steps": steps},
        **{"start": given, **options},
    )
    return read({"theorem": "balancedness_drift", **run}).trajectory(keep_weights=True)


def numbers(run: Trajectory) -> list[Fraction]:
    """Return the first layer at each record."""
    assert run.weights is not None
    return [layers[0][0][0].value or Fraction(0) for layers in run.weights]


def orbit(depth: int, start: float, eta: float, steps: int) -> list[float]:
    """Return the equal numbers of descent in doubles, until they pass 10."""
    found = [start]
    while len(found) <= steps and abs(found[-1]) < 10:
        x = found[-1]
        found.append(x - eta * x ** (depth - 1) * (x**depth - 1))
    return found


@pytest.mark.parametrize(("factor", "flips"), [(0.995, False), (1.005, True)])
def test_the_attractor_touches_zero_where_the_sheet_says(factor: float, flips: bool) -> None:
    edge = 3 * math.sqrt(3) / 2 - 1
    assert edge == pytest.approx(1.59808, abs=1e-5)
    found = orbit(2, 0.5, factor * edge, 3000)
    assert len(found) == 3001
    assert any(x < 0 for x in found) == flips


@pytest.mark.parametrize(("step", "escapes"), [(1.99, False), (2.02, True)])
def test_two_layers_escape_at_twice_the_edge(step: float, escapes: bool) -> None:
    assert (abs(orbit(2, 0.5, step, 3000)[-1]) > 10) == escapes


def test_at_the_escape_descent_is_a_chebyshev_map() -> None:
    # eta = 2 and s = 1: z = x sqrt(2) = 2 cos t goes to -2 cos 3t, with the Lyapunov exponent ln 3.
    run = descent(2, "7/10", "2", 12, backend={"name": "mp", "digits": 40})
    with mpmath.workdps(50):
        angle = mpmath.acos(mpmath.mpf(7) / 10 / mpmath.sqrt(2))
        for step, x in enumerate(numbers(run)):
            wanted = (-1) ** step * mpmath.sqrt(2) * mpmath.cos(3**step * angle)
            assert abs(mpmath.mpf(x.numerator) / x.denominator - wanted) < mpmath.mpf(10) ** -30


def crisis(depth: int) -> float:
    """Return eta L where the image of the critical point is the cycle x, -x of the even depth."""

    def image(eta: float) -> float:
        # Largest value of x - eta x^(L-1) (x^L - 1) for x > 0, at the greater zero of its slope.
        low, high = (Fraction(depth - 1, 2 * depth - 1)) ** (1 / depth), 2.0
        for _ in range(200):
            middle = (low + high) / 2
            slope = 1 - eta * ((2 * depth - 1) * middle ** (2 * depth - 2) - (depth - 1) * middle ** (depth - 2))
            low, high = (middle, high) if slope > 0 else (low, middle)
        return low - eta * low ** (depth - 1) * (low**depth - 1)

    def edge(eta: float) -> float:
        low, high = 1.0, 10.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if eta * middle ** (depth - 2) * (middle**depth - 1) < 2 else (low, middle)
        return low

    low, high = 2 / depth, 8 / depth
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if image(middle) < edge(middle) else (low, middle)
    return low * depth


@pytest.mark.parametrize(("depth", "value"), [(2, 4.0), (4, 4.818148), (6, 5.294089), (8, 5.638946)])
def test_the_crisis_is_where_the_sheet_says(depth: int, value: float) -> None:
    assert crisis(depth) == pytest.approx(value, abs=1e-6)
    starts = [k / 20 for k in range(1, 20)]
    escaped = [any(abs(orbit(depth, x, f * value / depth, 3000)[-1]) > 10 for x in starts) for f in (0.99, 1.02)]
    assert escaped == [False, True]


@pytest.mark.parametrize("momentum", ["0", "1/2", "9/10"])
def test_cycles_with_momentum_lose_stability_where_the_sheet_says(momentum: str) -> None:
    beta = float(Fraction(momentum))
    edge = math.sqrt(5 * beta**2 + 8 * beta + 5) / (1 + beta) - 1
    assert 3 / math.sqrt(2) - 1 < edge <= math.sqrt(5) - 1
    distances = []
    for factor in (0.99, 1.01):
        a = factor * edge
        # The orbit of period two has z1 z2 = 1 and z1^2 + z2^2 = 1 + a, with z = x sqrt(a) and s = 1.
        total, gap = math.sqrt(3 + a), math.sqrt(a - 1)
        cycle = [(total - gap) / 2 / math.sqrt(a), (total + gap) / 2 / math.sqrt(a)]
        distances.append(_departure(a * (1 + beta), beta, cycle))
    assert distances[0] < 0.5 < 2 < distances[1]


def _departure(eta: float, beta: float, cycle: list[float]) -> float:
    """Return how a small distance from the cycle has grown after 400 steps of heavy ball on two equal numbers."""
    low, high = cycle
    x, velocity = low + 1e-8, low - high
    for _ in range(400):
        velocity = beta * velocity - eta * x * (x * x - 1)
        x += velocity
        if abs(x) > 10:
            break
    return abs(x - low) / 1e-8
