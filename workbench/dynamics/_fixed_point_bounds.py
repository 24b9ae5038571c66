r"""Descent in fixed point: how far its iterates are from the exact ones, from norms alone.

Iterates are matrices of integers times the unit u = 2^-p, and so are the prefixes P~_i = [W_i P~_(i-1)], the residual
E~ = P~_L - [Phi] and the suffixes B~_(i-1) = [W_i^T B~_i], B~_L = E~, where [.] cuts toward zero after an exact
product: every entry errs by less than u. No step computes a radius: every error below follows from norms, which hold on
a region of weights and are looked at again only when the path leaves it.

Setting. Loss c ||W_L ... W_1 X - Y||_F^2, N weights, n columns of X. Where ||W_i - C_i||_F <= R for every layer, the
region around a centre C, let ||W_i||_2 <= w_i, o_i = prod_(k != i) w_k, xi >= ||X||_2; s_i = sqrt(d_i n) and
eps = ||E~||_F. Errors are in units of u.

Lemma (residual of a step). At weights y in the region the step in fixed point differs from the exact F(y) by at most
    r = sqrt(N) (1 + [tether]) + 2 c eta (2^-g sqrt(N) + ||a + b eps||),
    a_i = beta_i xi_(i-1) + tau_i u pi_(i-1),  b_i = omega_i pi_(i-1),
with pi_i = w_i pi_(i-1) + s_i bounding ||P~_i - P_i||_F, xi_i = xi prod_(k <= i) w_k, omega_i = prod_(k > i) w_k,
tau_(i-1) = w_i tau_i + s_(i-1) so that ||B~_i||_F <= omega_i eps + tau_i u, and beta_(i-1) = w_i beta_i + s_(i-1),
beta_L = pi_L + s_L bounding ||B~_i - B_i||_F. Here g guard bits are kept when the gradient is cut.
Proof.
    ||P~_i - P_i|| <= ||W_i (P~_(i-1) - P_(i-1))|| + ||cut|| and likewise for B, since ||A M||_F <= ||A||_2 ||M||_F, and
    a cut of d n entries is below sqrt(d n) u. G~_i - G_i = B~_i (P~_(i-1) - P_(i-1))^T + (B~_i - B_i) P_(i-1)^T. The
    step cuts the gradient at 2^-g u, multiplies by the exact rational 2 c eta and cuts at u; so does a tether.

Lemma (growth). If ||x - y|| <= e u and the ball of that radius around y lies in the region, the step map's Jacobian
on it has norm at most
    Lambda = max(1 - eta kappa, eta (top + kappa) - 1) + eta lam,  top = 2c xi^2 sum o_i^2,
    lam = 2c xi max_i sum_(j != i) o_i / w_j (eps + (beta_L + slope e) u),  slope = xi sqrt(sum o_i^2).
Proof.
    The Hessian's eigenvalues lie in [kappa - lam, kappa + top + lam] by `_hessian_bound`, where lam takes ||E||_2 at a
    point x' of the segment: ||E(x')|| <= ||E~|| + beta_L u + slope ||x' - y||, since ||dE||_F <= xi sum o_i ||dW_i||_F.

Lemma (the path in the region). A step moves layer i by at most 2 c eta (omega_i eps + tau_i u)(xi_(i-1) + pi_(i-1) u)
+ 2 sqrt(N) u, plus eta kappa (||C|| + sqrt(L) R + ||A||) for a tether to A: the sum over the steps bounds
||y_i - C_i||_F without looking at y.

Lemma (loss). |l(x) - c eps^2| <= c (2 eps delta + delta^2), delta = (beta_L + slope e) u.
Proof. ||E(x) - E~||_F <= slope e u + beta_L u.

Every quantity is a sum or product of nonnegative floats; a result is enlarged by far more than its roundings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from workbench.dynamics._hessian_bound import INFLATE, SHADOW, TINY, float_of, floats_of, spectral_norm_bounds
from workbench.problem import Problem

# Bits below the unit at which the gradient is cut.
GUARD_BITS = 16

# A region is so large that the product of the layers' norms grows on it by about this part; heuristic.
_PART = 0.25

# A growth below this is that of a step whose length eta times the curvature does not limit.
_STILL = 1 + 1e-9

# A layer below this part of the largest does not make the region smaller; heuristic.
_LEAST = 0.05


@dataclass(frozen=True)
class Region:
    """What holds on a region of weights: the constants of the lemmas.

    Parameters
    ----------
    reach : float
        R.
    growth : float
        max(1 - eta kappa, eta (top + kappa) - 1).
    growth_slope : float
        eta lam for a residual of norm one.
    slope : float
        Lipschitz constant of the residual.
    residual : float
        beta_L, the error of E~ in units of u.
    rounding, rounding_slope : float
        r = rounding + rounding_slope eps, in units of u.
    motion, motion_slope : float
        A step moves no layer by more than motion u + motion_slope eps.
    """

    reach: float
    growth: float
    growth_slope: float
    slope: float
    residual: float
    rounding: float
    rounding_slope: float
    motion: float
    motion_slope: float


@dataclass(frozen=True)
class Tether:
    """A pull eta kappa (W - A) toward matrices A, of Frobenius norm `size` together."""

    strength: Fraction = Fraction(0)
    size: float = 0.0


class RegionBounds:
    """The lemmas' constants around given weights.

    Parameters
    ----------
    problem : Problem
    unit : float
        At least u.
    step_size : Fraction
    tether : Tether
    """

    def __init__(self, problem: Problem, unit: float, step_size: Fraction, tether: Tether) -> None:
        loss = problem.loss
        self._unit, self._tether = unit, tether
        self._pull = float_of(2 * loss.factor * step_size) * INFLATE + TINY
        self._spring = float_of(step_size * tether.strength) * INFLATE
        columns = loss.target.shape[1]
        # sqrt(d_i n), the size of a cut of P_i or B_i, for i = 0 ... L.
        self._cuts = [math.sqrt(d * columns) * INFLATE for d in problem.network.widths]
        self._weights = math.sqrt(sum(m * n for m, n in problem.network.shapes)) * INFLATE
        inputs = loss.inputs
        self._whitened = inputs is None
        self._input_norm = 1.0 if inputs is None else float(spectral_norm_bounds([floats_of(inputs)])[0])
        self._input_cut = 0.0 if inputs is None else self._cuts[0]
        self._floor = 10.0 ** (-200 / (problem.depth + 1))

    def around(self, layers: list[np.ndarray], error: float) -> Region:
        """Return what holds on a region around the weights whose floats these are, larger than an error.

        The region shrinks where its size alone would let eta times the curvature pass 2.
        """
        norms = [float(x) for x in spectral_norm_bounds(layers)]
        size = math.sqrt(sum(float((a * a).sum()) for a in layers))
        norms = [(w + SHADOW * size + TINY) * INFLATE for w in norms]
        least = max(_LEAST * max(norms), self._floor)
        parts = sum(1 / max(w, least) for w in norms)
        reach = _PART / parts if parts else 0.0
        found = self._region(norms, size, max(reach, 2 * error))
        if found.growth > _STILL and reach / 16 > 2 * error:
            smaller = self._region(norms, size, reach / 16)
            return smaller if smaller.growth <= _STILL else found
        return found

    def _region(self, norms: list[float], size: float, reach: float) -> Region:
        """Return the constants on the region of a radius around weights with these norms."""
        wide = [max((w + reach) * INFLATE, self._floor) for w in norms]
        with np.errstate(over="ignore", invalid="ignore"):
            w = np.array(wide)
            others = np.prod(w) * INFLATE / w
            curvature = float((others**2).sum())
            pairs = float((others * ((1 - np.eye(len(w))) @ (1 / w))).max())
        top = self._pull * self._input_norm**2 * curvature * INFLATE
        residual, rounding, rounding_slope, motion, motion_slope = self._gradient_errors(wide)
        spring = self._spring * (size + reach * math.sqrt(len(wide)) + self._tether.size)
        if not math.isfinite(top + curvature + pairs + residual + rounding + rounding_slope + motion + motion_slope):
            return Region(0.0, *[math.inf] * 8)
        cuts = self._weights * (2 if self._spring else 1) + self._pull * 2.0**-GUARD_BITS * self._weights
        return Region(
            reach,
            max(1.0 - self._spring, top + self._spring - 1.0) + 1e-15 * (2 + top + self._spring),
            self._pull * self._input_norm * pairs * INFLATE,
            self._input_norm * math.sqrt(curvature) * INFLATE,
            residual,
            (cuts + self._pull * rounding) * INFLATE,
            self._pull * rounding_slope * INFLATE,
            (self._pull * motion + 2 * self._weights + spring / self._unit) * INFLATE,
            self._pull * motion_slope * INFLATE,
        )

    def _gradient_errors(self, wide: list[float]) -> tuple[float, float, float, float, float]:
        """Return beta_L, ||a||, ||b||, and the parts of the largest gradient's norm, by the lemma's recursions."""
        unit, cuts = self._unit, self._cuts
        prefixes = [(self._input_norm, self._input_cut)]
        for i, w in enumerate(wide, start=1):
            norm, error = prefixes[-1]
            cut = 0.0 if i == 1 and self._whitened else cuts[i]
            prefixes.append((norm * w, error * w + cut))
        residual = (prefixes[-1][1] + cuts[-1]) * INFLATE
        omega, tau, beta = 1.0, 0.0, residual
        rounding = rounding_slope = motion = motion_slope = 0.0
        for i in range(len(wide), 0, -1):
            norm, error = prefixes[i - 1]
            wider = norm + error * unit
            rounding += _square(beta * norm + tau * unit * error)
            rounding_slope += _square(omega * error)
            motion, motion_slope = max(motion, tau * wider), max(motion_slope, omega * wider)
            omega, tau, beta = omega * wide[i - 1], tau * wide[i - 1] + cuts[i - 1], beta * wide[i - 1] + cuts[i - 1]
        return residual, math.sqrt(rounding) * INFLATE, math.sqrt(rounding_slope) * INFLATE, motion, motion_slope


def _square(value: float) -> float:
    """Return the square; Python's multiplication of floats overflows to infinity, its power raises."""
    return value * value + TINY
