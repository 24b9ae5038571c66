"""Guesses and certified roots for the critical values of descent on equal numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb, flint
from workbench.probes import _chain_map as chain
from workbench.probes._krawczyk import Root, enclosed_root

# How the distances of the superstable steps shrink from one doubling to the next, for the guesses alone.
_FEIGENBAUM = 4.669

# Scaled steps among which a crisis is looked for: 4 at two layers, growing slowly with the depth.
_CRISES = [3.5 + 0.1 * k for k in range(60)]

# Parts of the way from one superstable step to the next at which a doubling is looked for.
_PARTS = (0.8, 0.85, 0.75, 0.9, 0.7, 0.6)


def superstable(depth: int, period: int, digits: int) -> Root | None:
    """Return x and h of the cycle of a period 2^k through the critical point."""
    steps = _superstable_steps(depth, period)
    if not steps:
        return None
    h = steps[-1]
    return enclosed_root(chain.equations(depth, "superstable", period), (chain.critical_point(depth, h), h), digits)


def _superstable_steps(depth: int, period: int) -> list[float]:
    """Return the superstable steps of the periods 1, 2, 4, ... in floats, as far as they were found."""
    found, p = [1.0], 1
    while p < period:
        p *= 2
        ahead = 1.25 if len(found) == 1 else (found[-1] - found[-2]) / _FEIGENBAUM
        low, high = found[-1] + 0.5 * ahead, found[-1] + 1.6 * ahead
        guess = chain.superstable_guess(depth, p, low, high)
        if guess is None:
            return []
        found.append(guess[1])
    return found


def doubling(depth: int, period: int, digits: int) -> Root | None:
    """Return x and h at which the cycle of a period 2^k loses its stability to one of twice the period."""
    steps = _superstable_steps(depth, 2 * period)
    if not steps:
        return None
    low, high = steps[-2:]
    for part in _PARTS:
        h = low + part * (high - low)
        guess = (chain.critical_point(depth, h), h)
        root = enclosed_root(chain.equations(depth, "doubling", period), guess, digits)
        if root is not None and root.proved and _between(root, low, high):
            return root
    return None


def _between(root: Root, low: float, high: float) -> bool:
    value = root.values[1].value
    return value is not None and low < float(value) < high


def crisis(depth: int, digits: int) -> Root | None:
    """Return x and h where the image of the critical point lies on the outermost cycle of period two."""
    found: dict[str, Root] = {}
    for h in _CRISES:
        guess = (chain.critical_point(depth, h), h)
        root = enclosed_root(chain.equations(depth, "crisis", 2), guess, digits)
        if root is not None and root.proved and _outermost(depth, root):
            found[f"{float(root.values[1].value or 0):.12g}"] = root
    return min(found.values(), key=lambda r: r.values[1].value or Fraction(0), default=None)


def _outermost(depth: int, root: Root) -> bool:
    """Say whether the cycle takes both signs, at a critical point below 1 and beyond the first doubling."""
    x, h = (float(v.value or 0) for v in root.values)
    second = chain.step_of(depth, chain.step_of(depth, x, h), h)
    return 0 < x < 1 and h > 2 and second < -1e-6


def sign_flip(depth: int, digits: int) -> Root | None:
    """Return x and h where the attractor touches zero: f^2(x) = 0 with f'(x) = 0."""
    low, high = 2.5, 6.0

    def gap(h: float) -> float:
        x = chain.critical_point(depth, h)
        return chain.step_of(depth, chain.step_of(depth, x, h), h)

    if gap(low) * gap(high) > 0:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(low) * gap(middle) > 0 else (low, middle)

    _, slope, bend = chain.gradients(depth)

    def system(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        x, h = unknowns
        last = chain.orbit(depth, x, h, 2)[-1]
        rows = [[-h * chain.at(bend, x), -chain.at(slope, x)], [last.x, last.h]]
        return [1 - h * chain.at(slope, x), last.value], rows

    return enclosed_root(system, (chain.critical_point(depth, low), low), digits)


def decay(depth: int, target: Fraction, *, best: bool, digits: int) -> Root | None:
    """Return x and the weight decay at which the nonzero minimum of the penalised loss ends, or ceases to be best.

    With J(x) = (x^L - s)^2 / 2 + L lambda x^2 / 2 on equal numbers: J' = J'' = 0, or J' = 0 and J(x) = J(0).
    """
    poly = flint().fmpq_poly
    gap = poly([-flint().fmpq(target.numerator, target.denominator)] + [0] * (depth - 1) + [1])
    loss, norm = gap * gap / 2, poly([0, 0, 1]) * depth / 2

    def system(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        x, weight = unknowns

        def order(k: int) -> tuple[Any, Any]:
            first, second = loss, norm
            for _ in range(k):
                first, second = first.derivative(), second.derivative()
            return chain.at(first, x) + weight * chain.at(second, x), chain.at(second, x)

        value, slope, bend, third = (order(k) for k in range(4))
        if best:
            return [slope[0], value[0] - arb(target * target / 2)], [[bend[0], slope[1]], [slope[0], value[1]]]
        return [slope[0], bend[0]], [[bend[0], slope[1]], [third[0], bend[1]]]

    return enclosed_root(system, _decay_guess(depth, float(target), best=best), digits)


def _decay_guess(depth: int, target: float, *, best: bool) -> tuple[float, float]:
    """Return x and the weight decay in floats: along the minima the decay is x^(L-2) (s - x^L)."""

    def weight(x: float) -> float:
        return float(x ** (depth - 2) * (target - x**depth))

    grid = [target ** (1 / depth) * k / 4000 for k in range(1, 4000)]
    if not best:
        x = max(grid, key=weight)
        return x, weight(x)

    def gain(x: float) -> float:
        return float((x**depth - target) ** 2 / 2 + depth * weight(x) * x * x / 2 - target**2 / 2)

    # Along the branch of the minima, beyond the fold.
    fold = max(grid, key=weight)
    x = min((x for x in grid if x > fold), key=lambda x: abs(gain(x)))
    return x, weight(x)
