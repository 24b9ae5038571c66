r"""What a step of descent in fixed point does to an error: plain, with a pull, with momentum.

Lemma (pull). y' = y - eta G(y) - eta kappa (y - A), where the Hessian times eta has its eigenvalues in [-t, top + t],
has a Jacobian of norm at most max(1 - eta kappa, top + eta kappa - 1) + t.

Lemma (momentum). Let v' = b v - eta G(y), 0 <= b < 1, and y' = y + v' (heavy ball) or y' = y + b v' - eta G(y)
(Nesterov). In the norm ||(dy + c dv, g dv)||, any c and any g > 0, the step's Jacobian is at most
    f + t max(0, phi(-m) - f, phi(top + m) - f) / m where t <= m, and f + t ||T N T^-1|| for any t,
    f >= max(phi(0), phi(top)), phi(h) = ||T A(h) T^-1||, T = [[1, c], [0, g]], N = A(1) - A(0),
    A(h) = [[1 - h, b], [-h, b]] for heavy ball, [[1 - (1 + b) h, b^2], [-h, b]] for Nesterov.
Proof.
    In an eigenbasis of the Hessian the Jacobian falls into the blocks A(h), h an eigenvalue times eta, and T acts in
    each. phi is convex, so that the ends of [-t, top + t] bound it; on [-m, 0] and [top, top + m] it lies below its
    chords, whose near ends are at most f. A is affine, which gives the second form.
||dy|| <= sqrt(1 + (c / g)^2) times that norm, and at the start, v = 0, they are equal.

With c = b / (1 - b), or b^2 / (1 - b), q = y + c v moves by -eta G / (1 - b) and A(0) becomes diag(1, b): for short
steps errors shrink, where in the Euclidean norm of (y, v) they grow by sqrt(1 + b^2) or so a step. For longer steps no
such norm is left alone by every h, and the search below finds one that grows little: 1.03 a step at b = 9/10 and
top = 1/25 for 1.50.

Lemma (rounding). If eta G errs by at most r, and each product with b is cut by at most s, a step with momentum errs by
at most (1 + b + |c| + g)(r + s).
Proof. v' errs by r + s, and y' by as much, or by b (r + s) + s + r. Take c times the first to the second, and g times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from workbench.dynamics._hessian_bound import INFLATE, TINY, float_of

# Where a chord ends, relative to 1 - b, and what covers the rounding of a norm of order two.
_CHORD = 2.0**-7
_NORM = 1 + 1e-13

# Halvings and rounds of the search of a norm, what is no gain in it, and the least g; heuristic.
_HALVINGS, _ROUNDS, _NO_GAIN = 24, 4, 1e-9
_LEAST = 2.0**-20

Norm = tuple[float, float]


class Rule(Protocol):
    """How an error in units grows; all numbers are upper bounds."""

    @property
    def spread(self) -> float:
        """Return how many times the norm that is carried the error of the weights may be."""

    def growth(self, top: float) -> tuple[float, float]:
        """Return the Jacobian's norm where the Hessian times eta lies in [0, top], and how it grows with a dip."""

    def dip(self, twist: float, slope: float) -> float:
        """Return what is added to it where the Hessian times eta lies in [-twist, top + twist]."""

    def rounding(self, gradient: float, cut: float) -> float:
        """Return the error of a step from that of eta G, and the norm of a cut."""


@dataclass(frozen=True)
class Pull:
    """Plain descent, with a pull of eta kappa toward an anchor where that is positive.

    Parameters
    ----------
    spring : Fraction
        eta kappa.
    """

    spring: Fraction = Fraction(0)

    @property
    def spread(self) -> float:
        """Return one: it is the weights' error that is carried."""
        return 1.0

    def growth(self, top: float) -> tuple[float, float]:
        """Return max(1 - eta kappa, top + eta kappa - 1), and one."""
        spring = float_of(self.spring)
        if not math.isfinite(top + spring):
            return math.inf, 1.0
        return max(1.0 - spring, top + spring - 1.0) + 1e-15 * (2 + top + spring), 1.0

    def dip(self, twist: float, slope: float) -> float:
        """Return the twist itself."""
        return twist

    def rounding(self, gradient: float, cut: float) -> float:
        """Return the error of the gradient, and of one cut more where there is a pull."""
        return gradient + cut if self.spring else gradient


class Momentum:
    """Heavy ball or Nesterov's descent.

    Parameters
    ----------
    momentum : Fraction
        b, below one.
    ahead : bool
        Whether the gradient is taken ahead: Nesterov's.
    top : float
        For which the norm is chosen.
    """

    def __init__(self, momentum: Fraction, ahead: bool, top: float) -> None:
        self.momentum, self.ahead = momentum, ahead
        self._b, self._rest = float_of(momentum), float_of(1 - momentum)
        self._limit = _CHORD * self._rest
        self._norm = self._chosen(top if math.isfinite(top) else 1.0)
        c, g = self._norm
        self.spread = math.sqrt(1 + (c / g) * (c / g)) * INFLATE
        self._steepest = self._size(
            self._norm, *((x - y) for x, y in zip(self._step(1.0), self._step(0.0), strict=True))
        )
        self._reach = (1 + self._b + abs(c) + g) * INFLATE

    def _step(self, h: float) -> tuple[float, float, float, float]:
        """Return A(h), row by row."""
        b = self._b
        return (1 - (1 + b) * h, b * b, -h, b) if self.ahead else (1 - h, b, -h, b)

    def _size(self, norm: Norm, first: float, second: float, third: float, fourth: float) -> float:
        """Return a bound of ||T A T^-1|| for the rows of A."""
        c, g = norm
        upper, lower = first + c * third, second + c * fourth
        image = (upper, (lower - c * upper) / g, g * third, fourth - c * third)
        # What cancels in these sums is covered relative to the terms.
        terms = abs(first) + (1 + abs(c)) * (abs(third) + (abs(second) + abs(c * fourth) + abs(c * first)) / g)
        terms += (abs(c * c * third) / g + abs(fourth)) + g * abs(third)
        return spectral_norm(*image) * _NORM + 4e-15 * terms

    def _phi(self, h: float, norm: Norm | None = None) -> float:
        return self._size(norm or self._norm, *self._step(h))

    def _chosen(self, top: float) -> Norm:
        """Return c and g for which the step grows little up to a curvature, by a search in steps that halve."""
        short = self._b * (self._b if self.ahead else 1.0)
        root = max(self._b if self.ahead else math.sqrt(self._b), _LEAST)
        middle = self._rest / top - 0.5 if top > 0 else math.inf
        stiff = max(2 * self._b / top - middle * middle, _LEAST) if math.isfinite(middle) else 1.0
        starts = [(short / self._rest, root / self._rest), (0.0, 1.0), (middle, math.sqrt(stiff))]
        found = [self._searched(c, g, top) for c, g in starts if math.isfinite(c)]
        # Of equals the first: its errors grow least where the Hessian dips.
        return min(found, key=lambda norm: round(self._worst(norm, top) / _NO_GAIN))

    def _worst(self, norm: Norm, top: float) -> float:
        return max(self._phi(0.0, norm), self._phi(top, norm))

    def _searched(self, c: float, g: float, top: float) -> Norm:
        stride, best = 0.5, (c, g)
        least = self._worst(best, top)
        for _ in range(_HALVINGS):
            for _ in range(_ROUNDS):
                c, g = best
                size = math.hypot(c, g) * stride
                near = [(c + size, g), (c - size, g), (c, g * (1 + stride)), (c, g / (1 + stride))]
                found = min(near, key=lambda x: self._worst(x, top))
                if not self._worst(found, top) < least - _NO_GAIN:
                    break
                best, least = found, self._worst(found, top)
            stride /= 2
        return best

    def growth(self, top: float) -> tuple[float, float]:
        """Return f, and the steeper of the two chords beyond its ends."""
        if not math.isfinite(top):
            return math.inf, 1.0
        least = max(self._phi(0.0), self._phi(top))
        beyond = max(self._phi(-self._limit), self._phi(top + self._limit)) - least
        return least, max(beyond, 0.0) / self._limit * INFLATE

    def dip(self, twist: float, slope: float) -> float:
        """Return the height of the chord as far as it goes, else of the steepest line."""
        return twist * (slope if twist <= self._limit else self._steepest) * INFLATE

    def rounding(self, gradient: float, cut: float) -> float:
        """Return (1 + b + |c| + g) times both."""
        return self._reach * (gradient + cut)


def spectral_norm(a: float, b: float, c: float, d: float) -> float:
    """Return the spectral norm of [[a, b], [c, d]], to within a few roundings.

    sigma_1 = (|z| + |w|) / 2 with z = (a + d, c - b), w = (a - d, b + c).
    """
    return (math.hypot(a + d, c - b) + math.hypot(a - d, b + c)) / 2 + TINY
