"""Starts whose layers are isometries up to a common gain, decided from exact weights or from their name."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from workbench.exact import Exact, Power, exact
from workbench.rotation import product
from workbench.theorems._run import Run
from workbench.theorems._singular import Rows, rational_start, transposed


def equal_hidden(widths: Sequence[int]) -> bool:
    """Say whether there are hidden layers, all of one width and none narrower than the two ends."""
    hidden = set(widths[1:-1])
    return len(hidden) == 1 and min(hidden) >= max(widths[0], widths[-1])


def gain(run: Run) -> tuple[bool | None, Exact | None]:
    """Return whether W_1 ... W_{L-1} and W_L^T are isometries up to one gain, and the gain g, W_1^T W_1 = g I.

    None where the start is neither rational nor a named multiple of the identity.
    """
    if not equal_hidden(run.widths):
        return False, None
    start = run.trajectory.problem.start
    if start.scheme == "identity":
        scale = exact(start.parameters.get("scale", "1"), "the scale")
        return scale != 0, _squared(scale)
    layers = rational_start(run)
    if layers is None:
        return None, None
    *lower, last = layers
    level = product(last, transposed(last))[0][0]
    grams = [*(product(transposed(layer), layer) for layer in lower), product(last, transposed(last))]
    return level > 0 and all(_is_multiple(gram, level) for gram in grams), level


def _squared(scale: Exact) -> Exact:
    return Power(scale.base, 2 * scale.exponent) if isinstance(scale, Power) else scale**2


def _is_multiple(gram: Rows, level: Fraction) -> bool:
    return all(x == level * (i == j) for i, row in enumerate(gram) for j, x in enumerate(row))


def power(value: Exact, exponent: int) -> Fraction | None:
    """Return a power of an exact number where it is rational."""
    if not isinstance(value, Power):
        return value**exponent
    whole = value.exponent * exponent
    return value.base ** int(whole) if whole.denominator == 1 else None
