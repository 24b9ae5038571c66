"""Cycles of period two at any depth: the sheet's table, its constants to 30 digits, and what the cycles are held to."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import pytest

from workbench import theorems
from workbench.backends.reals import reals
from workbench.exact import Measured
from workbench.experiment import read
from workbench.sweeps import family
from workbench.theorems import _period_two as period_two

# eta L s^(2 - 2/L) at superstability and at the second doubling.
TABLE = {
    2: ("2.242641", "2.472136"),
    3: ("2.247240", "2.489215"),
    4: ("2.248587", "2.494339"),
    5: ("2.249217", "2.496754"),
    8: ("2.249980", "2.499695"),
    16: ("2.250487", "2.501663"),
}
THIRTY_DIGITS = Fraction(1, 10**30)


def enclosed(depth: int, multiplier: int) -> Measured:
    arithmetic = reals(192)
    with arithmetic.session():
        return arithmetic.measured(period_two.doubling(arithmetic, depth, multiplier))


@pytest.mark.parametrize("depth", TABLE)
def test_the_table_of_the_sheet_is_reproduced(depth: int) -> None:
    for multiplier, text in zip((0, -1), TABLE[depth], strict=True):
        found = enclosed(depth, multiplier)
        assert found.value is not None
        assert found.error is not None
        assert found.error < THIRTY_DIGITS
        assert abs(found.value - Fraction(text)) <= Fraction(6, 10**7)


@pytest.mark.parametrize(("multiplier", "closed_form"), [(0, (3, 2, 2)), (-1, (1, 5, 1))])
def test_two_layers_have_their_closed_forms_to_30_digits(multiplier: int, closed_form: tuple[int, int, int]) -> None:
    # 2 (3 / sqrt(2) - 1) and 2 (sqrt(5) - 1).
    factor, square, divisor = closed_form
    arithmetic = reals(192)
    with arithmetic.session():
        root = factor * arithmetic.sqrt(arithmetic.number(square)) / divisor
        gap = arithmetic.measured(2 * (root - 1)).minus(enclosed(2, multiplier))
    assert gap.value is not None
    assert gap.error is not None
    assert abs(gap.value) <= gap.error < THIRTY_DIGITS


def independent(depth: int, multiplier: int, near: str) -> Any:
    """Return the constant from the map itself, its second iterate differentiated by the chain rule, at 40 digits."""
    context = mpmath.mp.clone()
    context.dps = 40

    def step(x: Any, eta: Any) -> Any:
        return x - eta * x ** (depth - 1) * (x**depth - 1)

    def slope(x: Any, eta: Any) -> Any:
        return 1 - eta * ((2 * depth - 1) * x ** (2 * depth - 2) - (depth - 1) * x ** (depth - 2))

    def equations(x: Any, eta: Any) -> list[Any]:
        y = step(x, eta)
        return [step(y, eta) - x, slope(x, eta) * slope(y, eta) - multiplier]

    ratio = period_two.ratio_with(depth, Fraction(multiplier), 40).value or Fraction(1)
    start = float(period_two.small_power(depth, ratio)) ** (1 / depth)
    found = context.findroot(equations, (start, context.mpf(near) / depth))
    return found[1] * depth


@pytest.mark.parametrize("depth", [3, 5, 8])
@pytest.mark.parametrize("multiplier", [0, -1])
def test_other_depths_agree_with_the_map_itself_to_30_digits(depth: int, multiplier: int) -> None:
    found = enclosed(depth, multiplier)
    assert found.value is not None
    value = independent(depth, multiplier, TABLE[depth][-multiplier])
    text = mpmath.nstr(value, 38)
    assert abs(Fraction(text) - found.value) < THIRTY_DIGITS


def test_great_depth_tends_to_the_limit_map() -> None:
    # v <- v - h e^v (e^v - 1), in 1/L: 2.250905 and 2.503291.
    for multiplier, limit in ((0, 2.250905), (-1, 2.503291)):
        gaps = [abs(float(enclosed(depth, multiplier).value or 0) - limit) for depth in (16, 32, 64)]
        assert gaps[2] < gaps[1] < gaps[0]
        assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.1)


def test_the_first_doubling_is_at_the_edge_of_stability() -> None:
    arithmetic = reals(128)
    with arithmetic.session():
        for depth in (2, 3, 7):
            near = arithmetic.measured(period_two.scaled_step(arithmetic, depth, Measured(Fraction(10**6 + 1, 10**6))))
            assert near.value is not None
            assert 2 < near.value < 2 + Fraction(1, 10**6)


def test_at_the_second_doubling_of_two_layers_the_ratio_is_the_golden_one() -> None:
    ratio = period_two.ratio_with(2, Fraction(-1), 128)
    assert ratio.value is not None
    assert abs(ratio.value**2 - ratio.value - 1) < Fraction(1, 10**30)


def test_the_two_forms_of_the_multiplier_agree() -> None:
    arithmetic = reals(128)
    for depth in (2, 3, 8):
        z = Fraction(9, 8)
        with arithmetic.session():
            found = arithmetic.measured(period_two.enclosed_multiplier(arithmetic, depth, Measured(z)))
        assert found.value is not None
        assert found.error is not None
        assert abs(found.value - period_two.multiplier(depth, z)) <= found.error < Fraction(1, 10**30)


def test_a_multiplier_wrong_by_two_per_cent_is_violated(monkeypatch: pytest.MonkeyPatch) -> None:
    theorem = theorems.load("period_two_multiplier")
    right = period_two.enclosed_multiplier
    monkeypatch.setattr(
        theorem.module, "enclosed_multiplier", lambda *given: right(*given) * Fraction(102, 100), raising=True
    )
    found = family.of_example(theorem, theorem.families[1]).evidence()
    assert found.verdict != "consistent"


def test_a_wrong_power_of_the_cycle_s_equation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    theorem = theorems.load("period_two_cycle")
    found = read({"theorem": "period_two_cycle", **theorem.examples[0].experiment})
    assert found.evidence().verdict == "consistent"
    # One step more in the target, and the start is on no cycle.
    changed = {**theorem.examples[0].experiment, "without": ["on_cycle"]}
    changed["dynamics"] = {
        **changed["dynamics"],
        "step_size": str(Fraction(changed["dynamics"]["step_size"]) * Fraction(51, 50)),
    }
    assert read({"theorem": "period_two_cycle", **changed}).evidence().verdict == "violated"
