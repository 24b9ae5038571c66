"""The two levels of a weight decay at which a mode of a deep network appears and is worth having."""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems._run import Run


def _power(run: Run, base: Real, depth: int) -> Real:
    """Return base^(1 - 2/L), one at L = 2 also of zero."""
    return run.number(1) if depth == 2 else run.reals.power(base, 1 - Fraction(2, depth))


def smallest_mode(run: Run, value: Real) -> Real:
    """Return sigma_c = (L - 2) s / (2 L - 2), where a mode appears and vanishes."""
    return value * Fraction(run.depth - 2, 2 * run.depth - 2)


def level_of_existence(run: Run, value: Real) -> Real:
    """Return lambda_c = sigma_c^(1 - 2/L) L s / (2 L - 2)."""
    return _power(run, smallest_mode(run, value), run.depth) * value * Fraction(run.depth, 2 * run.depth - 2)


def level_of_choice(run: Run, value: Real) -> Real:
    """Return lambda_* = ((L - 2) s / (L - 1))^(1 - 2/L) s / (L - 1)."""
    return _power(run, value * Fraction(run.depth - 2, run.depth - 1), run.depth) * value * Fraction(1, run.depth - 1)
