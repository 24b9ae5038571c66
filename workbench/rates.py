"""Observed exponential rates of a decaying quantity, and observed orders of convergence.

The rule for rates: among the records whose relative error is below one part in ten, those after the quantity has fallen
to a hundredth of its start, and of these the later half; the rate is the least-squares slope of -ln over time there.
The window is given with the rate, since the window makes the rate. The rule for orders: among the errors that are known
to a tenth, from the largest size to the smallest, the later half and at least three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from workbench.exact import Measured

_LEAST_POINTS = 4


@dataclass(frozen=True)
class ObservedRate:
    """A fitted rate.

    Parameters
    ----------
    rate : float
        -d ln(quantity)/dt, natural logarithm, per unit of flow time.
    band : float
        Two standard errors of the slope.
    window : tuple of int
        First and last record that were used.
    """

    rate: float
    band: float
    window: tuple[int, int]


def logarithm(value: Fraction) -> float:
    """Return the natural logarithm of a positive rational of any magnitude."""
    return math.log(value.numerator) - math.log(value.denominator)


def observed_rate(times: Sequence[Fraction], values: Sequence[Measured]) -> ObservedRate | None:
    """Return the rate of decay in the linear regime, None where there is none."""
    usable = [k for k, v in enumerate(values) if v.value is not None and v.error is not None and v.value > 10 * v.error]
    if not usable or values[0].value is None:
        return None
    start = values[0].value
    linear = [k for k in usable if (values[k].value or start) * 100 <= start]
    late = linear[len(linear) // 2 :]
    if len(late) < _LEAST_POINTS:
        return None
    x = np.array([float(times[k]) for k in late])
    y = np.array([-logarithm(values[k].value) for k in late])  # type: ignore[arg-type]
    slope, residual = fitted_slope(x, y)
    return ObservedRate(slope, 2 * residual, (late[0], late[-1]))


def fitted_slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the least-squares slope and its standard error."""
    x0, y0 = x - x.mean(), y - y.mean()
    spread = float(x0 @ x0)
    slope = float(x0 @ y0) / spread
    misfit = float(((y0 - slope * x0) ** 2).sum())
    return slope, math.sqrt(misfit / max(len(x) - 2, 1) / spread)


@dataclass(frozen=True)
class ObservedOrder:
    """A fitted order of convergence.

    Parameters
    ----------
    order : float
        d ln(error) / d ln(size).
    band : float
        Two standard errors of the slope.
    window : tuple of int
        First and last size that were used.
    """

    order: float
    band: float
    window: tuple[int, int]


# Sizes that an order takes at least: two would fit whatever they are.
_LEAST_SIZES = 3


def observed_order(sizes: Sequence[Fraction], errors: Sequence[Measured]) -> ObservedOrder | None:
    """Return the order at which errors vanish with their sizes, given from the largest; None where too few are known.

    Parameters
    ----------
    sizes : sequence of Fraction
        Step sizes, falling.
    errors : sequence of Measured
        Of each size the absolute error.
    """
    usable = [k for k, e in enumerate(errors) if e.value is not None and e.error is not None and e.value > 10 * e.error]
    late = usable[min(len(usable) // 2, max(len(usable) - _LEAST_SIZES, 0)) :]
    if len(late) < _LEAST_SIZES:
        return None
    x = np.array([logarithm(sizes[k]) for k in late])
    y = np.array([logarithm(errors[k].value) for k in late])  # type: ignore[arg-type]
    slope, spread = fitted_slope(x, y)
    return ObservedOrder(slope, 2 * spread, (late[0], late[-1]))
