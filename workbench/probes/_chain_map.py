r"""Descent on equal numbers with the target 1, as a polynomial map and its derivatives in balls.

The loss of L numbers x is $\ell(x) = \frac{1}{2}(x^L - 1)^2$, each of them has the gradient $\ell'(x)/L$, and with the
scaled step $h = \eta L s^{2-2/L}$ the map is $f(x) = x - (h/L)\, \ell'(x)/L$, in units of $s^{1/L}$. The polynomial is
differentiated by machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from workbench.backends.ball import flint


@dataclass(frozen=True)
class Jet:
    """A point of an orbit with its derivatives in the start x and in the scaled step h."""

    value: Any
    x: Any
    h: Any
    xx: Any
    xh: Any


@cache
def gradients(depth: int) -> tuple[Any, ...]:
    """Return g = l'(x)/L^2 and its first two derivatives, exact polynomials: f = x - h g."""
    poly = flint().fmpq_poly
    target_gap = poly([-1] + [0] * (depth - 1) + [1])
    first = (target_gap * target_gap / 2).derivative() / depth**2
    return first, first.derivative(), first.derivative().derivative()


def at(polynomial: Any, x: Any) -> Any:
    """Return a polynomial at a ball: few terms, each by a power."""
    total = flint().arb(0)
    for power, coefficient in enumerate(polynomial.coeffs()):
        if coefficient != 0:
            total += flint().arb(coefficient) * x**power
    return total


def orbit(depth: int, x: Any, h: Any, steps: int) -> list[Jet]:
    """Return the points of an orbit, the start first, with their derivatives."""
    g, slope, bend = gradients(depth)
    one, none = flint().arb(1), flint().arb(0)
    jets = [Jet(x, one, none, none, none)]
    for _ in range(steps):
        now = jets[-1]
        pull, first, second = at(g, now.value), at(slope, now.value), at(bend, now.value)
        by_x, by_xx = 1 - h * first, -h * second
        jets.append(
            Jet(
                now.value - h * pull,
                by_x * now.x,
                by_x * now.h - pull,
                by_xx * now.x * now.x + by_x * now.xx,
                by_xx * now.x * now.h + by_x * now.xh - first * now.x,
            )
        )
    return jets


def step_of(depth: int, x: float, h: float) -> float:
    """Return one step in floats."""
    return float(x - h * (x ** (2 * depth - 1) - x ** (depth - 1)) / depth)


def critical_point(depth: int, h: float) -> float:
    """Return the largest point below 1 where f' vanishes, in floats."""
    low, high = ((depth - 1) / (2 * depth - 1)) ** (1 / depth), 1.0
    for _ in range(80):
        middle = (low + high) / 2
        slope = 1 - h * ((2 * depth - 1) * middle ** (2 * depth - 2) - (depth - 1) * middle ** (depth - 2)) / depth
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(low)


def equations(depth: int, name: str, period: int) -> Any:
    """Return the system of a bifurcation in the unknowns x and h: values and Jacobian.

    Parameters
    ----------
    depth : int
    name : {"superstable", "doubling", "crisis"}
        f^p(x) = x with f'(x) = 0; f^p(x) = x with (f^p)'(x) = -1; f^3(x) = f(x) with f'(x) = 0.
    period : int
        p.
    """
    _, slope, bend = gradients(depth)

    def critical(x: Any, h: Any) -> tuple[Any, list[Any]]:
        return 1 - h * at(slope, x), [-h * at(bend, x), -at(slope, x)]

    def system(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        x, h = unknowns
        jets = orbit(depth, x, h, 3 if name == "crisis" else period)
        last = jets[-1]
        if name == "doubling":
            return [last.value - x, last.x + 1], [[last.x - 1, last.h], [last.xx, last.xh]]
        first, row = critical(x, h)
        back, by_x, by_h = (jets[1].value, jets[1].x, jets[1].h) if name == "crisis" else (x, 1, 0)
        return [first, last.value - back], [row, [last.x - by_x, last.h - by_h]]

    return system


def superstable_guess(depth: int, period: int, low: float, high: float) -> tuple[float, float] | None:
    """Return x and h where the critical point returns after a period, between two scaled steps, by bisection."""

    def gap(h: float) -> float:
        x = start = critical_point(depth, h)
        for _ in range(period):
            x = step_of(depth, x, h)
        return float(x - start)

    if gap(low) * gap(high) > 0:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(low) * gap(middle) > 0 else (low, middle)
    return critical_point(depth, low), low
