r"""A chain of numbers near the saddle of a negative target, in variables that lose nothing.

With the target $-\lambda$, the residual $r = P + \lambda$ and the smallest number $w_m$, descent obeys exactly
    w_m <- w_m - eta r P / w_m,    g_i <- g_i (1 + eta r P / (w_i w_m)),    w_i = w_m + g_i,
so that a gap of 10^-200 keeps all its digits beside numbers of size one. For two numbers the sum and the gap are
multiplied by 1 - eta r and 1 + eta r.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from workbench.backends.ball import arb, precision
from workbench.probes.base import TimeLimit


@dataclass(frozen=True)
class Escape:
    """The step at which the loss is first at most a level, None where it was not reached; and whether it is proved."""

    steps: int | None
    proved: bool
    walked: int


@dataclass(frozen=True)
class Chain:
    """Descent on a product of numbers with the target -lambda.

    Parameters
    ----------
    weakness : Fraction
        lambda > 0.
    step_size : Fraction
    offsets : tuple of Fraction
        w_i(0) = 1 + eps offset_i.
    level : Fraction
        The share of the floor lambda^2/2 that the loss must fall to, below 1.
    """

    weakness: Fraction
    step_size: Fraction
    offsets: tuple[Fraction, ...]
    level: Fraction

    @property
    def depth(self) -> int:
        """Number of factors."""
        return len(self.offsets)

    def start(self, size: Fraction) -> tuple[Fraction, list[Fraction]]:
        """Return the smallest number and the gaps of the others above it."""
        least = min(self.offsets)
        others = list(self.offsets)
        others.remove(least)
        return 1 + size * least, [size * (x - least) for x in others]


def in_balls(chain: Chain, size: Fraction, bits: int, most: int, limit: TimeLimit) -> Escape:
    """Walk in balls: the step is proved where every ball on the way tells on which side of the level it is."""
    with precision(bits):
        eta, weak = arb(chain.step_size), arb(chain.weakness)
        low, gaps = chain.start(size)
        w, g = arb(low), [arb(x) for x in gaps]
        # The loss is at most the share of the floor where P is at most -lambda (1 - sqrt(share)): it falls through 0.
        threshold = -weak * (1 - arb(chain.level).sqrt())
        for step in range(most + 1):
            others = [w + x for x in g]
            product = _product(others)
            whole = w * product
            if whole <= threshold:
                return Escape(step, True, step)
            if not whole > threshold or (step % 4096 == 0 and limit.over):
                return Escape(None, False, step)
            kick = eta * (whole + weak)
            w, g = w - kick * product, _widened(g, others, kick)
    return Escape(None, True, most)


def _product(factors: Sequence[Any]) -> Any:
    found = factors[0]
    for x in factors[1:]:
        found = found * x
    return found


def _widened(gaps: list[Any], others: list[Any], kick: Any) -> list[Any]:
    """Return the gaps after a step: each grows by the product of the factors other than its own two."""
    if len(gaps) == 1:
        return [gaps[0] * (1 + kick)]
    rest = [_product(others[:i] + others[i + 1 :]) for i in range(len(others))]
    return [x * (1 + kick * y) for x, y in zip(gaps, rest, strict=True)]


def in_floats(chain: Chain, size: Fraction, most: int) -> Escape:
    """Walk in float64: each step loses a few roundings of each gap, so that T steps lose about T 2^-51 of it."""
    import numpy as np

    low, gaps = chain.start(size)
    root = float(chain.level) ** 0.5
    threshold = -float(chain.weakness) * (1.0 - root)
    walk = _compiled()
    steps = int(walk(float(low), np.array([float(x) for x in gaps]), *_floats(chain), threshold, most))
    return Escape(None if steps < 0 else steps, False, most if steps < 0 else steps)


def _floats(chain: Chain) -> tuple[float, float]:
    return float(chain.step_size), float(chain.weakness)


def _walk(w: float, gaps: Any, eta: float, weak: float, threshold: float, most: int) -> int:
    """Return the first step at which the product is at most the threshold, -1 where there is none."""
    count = len(gaps)
    others = gaps + w
    for step in range(most + 1):
        product = 1.0
        for i in range(count):
            others[i] = w + gaps[i]
            product *= others[i]
        if w * product <= threshold:
            return step
        kick = eta * (w * product + weak)
        for i in range(count):
            rest = 1.0
            for j in range(count):
                if j != i:
                    rest *= others[j]
            gaps[i] *= 1.0 + kick * rest
        w -= kick * product
    return -1


@cache
def _compiled() -> Any:
    """Return the walk compiled where numba is there, else as it is, a hundred times slower."""
    try:
        from numba import njit
    except ImportError:
        return _walk
    return njit(_walk)
