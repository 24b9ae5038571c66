"""The inequality of the arithmetic and the geometric mean, decided for a count of numbers."""

from __future__ import annotations

from functools import reduce
from operator import mul

from workbench.errors import InputError
from workbench.symbolic.identities import Inequality, Region
from workbench.symbolic.polynomials import Polynomial

_ONE = Polynomial.constant(1)


def means(count: int) -> Inequality:
    """Return n y_1 ... y_n + y_1^(n-2) (y_n - y_1)^2 <= y_1^n + ... + y_n^n for 0 <= y_1 <= ... <= y_n.

    With x_j = y_j^n this is the mean inequality; the square beside the product says that it is an equality between
    positive numbers only where all are equal. The order is no loss: both sides are symmetric.
    """
    if count < 2:
        raise InputError(f"{count} numbers have no means to compare; give at least 2")
    names = [f"y_{j}" for j in range(1, count + 1)]
    values = [Polynomial.symbol(name) for name in names]
    ratios = {names[0]: (values[0], _ONE)}
    for j, name in enumerate(names[1:], start=2):
        ratios[name] = (values[j - 2] + Polynomial.symbol(f"a_{j}"), _ONE)
    gap = values[0] ** (count - 2) * (values[-1] - values[0]) ** 2
    powers = sum((value**count for value in values[1:]), values[0] ** count)
    return Inequality("means", count * reduce(mul, values) + gap, powers, Region(ratios))
