r"""Descent in fixed point: how far its iterates are from the exact ones, from norms alone.

Iterates are matrices of integers times the unit u = 2^-p, and so are the prefixes P~_i = [W_i P~_(i-1)], the residual
E~ = P~_L - [Phi] and the suffixes B~_(i-1) = [W_i^T B~_i], B~_L = E~, where [.] cuts toward zero after an exact
product: every entry errs by less than u. No step computes a radius: every error below follows from norms, which hold on
a region of weights and are looked at again only when the path leaves it.

Setting. Loss c ||W_L ... W_1 X - Y||_F^2, N weights, n columns of X. Where sum ||W_i - C_i||_F^2 <= R^2, the region
around a centre C, let ||W_i||_2 <= w_i, o_i = prod_(k != i) w_k, xi >= ||X||_2; s_i = sqrt(d_i n) and
eps = ||E~||_F. Errors are in units of u.

Lemma (residual of a step). At weights y in the region the step in fixed point differs from the exact F(y) by at most
    r = sqrt(N) (1 + [pull]) + 2 c eta (2^-g sqrt(N) + ||a + b eps||),
    a_i = beta_i xi_(i-1) + tau_i u pi_(i-1),  b_i = omega_i pi_(i-1),
with pi_i = w_i pi_(i-1) + s_i bounding ||P~_i - P_i||_F, xi_i = xi prod_(k <= i) w_k, omega_i = prod_(k > i) w_k,
tau_(i-1) = w_i tau_i + s_(i-1) so that ||B~_i||_F <= omega_i eps + tau_i u, and beta_(i-1) = w_i beta_i + s_(i-1),
beta_L = pi_L + s_L bounding ||B~_i - B_i||_F. Here g guard bits are kept when the gradient is cut.
Proof.
    ||P~_i - P_i|| <= ||W_i (P~_(i-1) - P_(i-1))|| + ||cut|| and likewise for B, since ||A M||_F <= ||A||_2 ||M||_F, and
    a cut of d n entries is below sqrt(d n) u. G~_i - G_i = B~_i (P~_(i-1) - P_(i-1))^T + (B~_i - B_i) P_(i-1)^T. The
    step cuts the gradient at 2^-g u, multiplies by the exact rational 2 c eta and cuts at u; so does a pull.

Lemma (growth). If ||x - y|| <= e u and the ball of that radius around y lies in the region, the step map's Jacobian
on it has norm at most
    Lambda = max(1 - eta kappa, eta (top + kappa) - 1) + eta lam,  top = 2c xi^2 sum o_i^2,
    lam = 2c xi max_i sum_(j != i) o_i / w_j (eps + (beta_L + slope e) u),  slope = xi sqrt(sum o_i^2),
and lam may be the bound of `_fixed_point_twist` on the region, whichever is less. What momentum makes of eta top and
eta lam, and of r, is in `_fixed_point_rules`.
Proof.
    The Hessian's eigenvalues lie in [kappa - lam, kappa + top + lam] by `_hessian_bound`, where lam takes ||E||_2 at a
    point x' of the segment: ||E(x')|| <= ||E~|| + beta_L u + slope ||x' - y||, since ||dE||_F <= xi sum o_i ||dW_i||_F.

Lemma (the path in the region). The norms of the steps, added up, bound the distance of y from C: y itself need not be
looked at.

Lemma (loss). |l(x) - c eps^2| <= c (2 eps delta + delta^2), delta = (beta_L + slope e) u.
Proof. ||E(x) - E~||_F <= slope e u + beta_L u.

Every quantity is a sum or product of nonnegative floats; a result is enlarged by far more than its roundings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from workbench.dynamics._error_bounds import norm
from workbench.dynamics._fixed_point_rules import Rule
from workbench.dynamics._fixed_point_twist import MOST_LAYERS, Products
from workbench.dynamics._hessian_bound import INFLATE, SHADOW, TINY, float_of, floats_of, spectral_norm_bounds
from workbench.problem import Problem

# A look at the products of layers is worth it where eta lam is above this; heuristic, like all below.
_HARMLESS = 1e-7

# A region on which they are looked at holds this many of the latest steps, by the number of weights.
_FEWEST_STEPS, _MOST_STEPS, _STEPS_TIMES_WEIGHTS = 16, 1024, 16384

# Bits below the unit at which the gradient is cut.
GUARD_BITS = 16

# A region is so large that the product of the layers' norms grows on it by about this part; heuristic.
_PART = 0.25

# A growth below this is that of a step whose length eta times the curvature does not limit.
_STILL = 1 + 1e-9

# No bound of the inputs is taken below this, so that products of norms keep within the floats.
_LEAST_INPUTS = 1e-60

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
        Of the step where lam is zero: max(1 - eta kappa, eta (top + kappa) - 1) for plain descent.
    dip : float
        What the rule makes of a dip below zero.
    growth_slope : float
        eta lam for a residual of norm one.
    slope : float
        Lipschitz constant of the residual.
    residual : float
        beta_L, the error of E~ in units of u.
    rounding, rounding_slope : float
        r = rounding + rounding_slope eps, in units of u.
    twist : float
        Bound of eta lam on the region, whatever the residual.
    """

    reach: float
    growth: float
    dip: float
    growth_slope: float
    slope: float
    residual: float
    rounding: float
    rounding_slope: float
    twist: float = math.inf


class RegionBounds:
    """The lemmas' constants around given weights.

    Parameters
    ----------
    problem : Problem
    unit : float
        At least u.
    step_size : Fraction
    rule : Rule
    """

    def __init__(self, problem: Problem, unit: float, step_size: Fraction, rule: Rule) -> None:
        loss = problem.loss
        self._unit, self.rule = unit, rule
        self._pull = float_of(2 * loss.factor * step_size) * INFLATE + TINY
        columns = loss.target.shape[1]
        # sqrt(d_i n), the size of a cut of P_i or B_i, for i = 0 ... L.
        self._cuts = [math.sqrt(d * columns) * INFLATE for d in problem.network.widths]
        weights = sum(m * n for m, n in problem.network.shapes)
        self._weights = math.sqrt(weights) * INFLATE
        self._ahead = min(max(_STEPS_TIMES_WEIGHTS // weights, _FEWEST_STEPS), _MOST_STEPS)
        self._target = floats_of(loss.target)
        self._inputs = None if loss.inputs is None else floats_of(loss.inputs)
        inputs = 1.0 if self._inputs is None else float(spectral_norm_bounds([self._inputs])[0])
        self._input_norm = max(inputs, _LEAST_INPUTS) * INFLATE
        self._input_cut = 0.0 if self._inputs is None else self._cuts[0]
        self._floor = 10.0 ** (-200 / (problem.depth + 1))

    def around(self, layers: list[np.ndarray], error: float, residual: float, stride: float) -> Region:
        """Return what holds on a region around the weights whose floats these are, larger than an error.

        The region shrinks where its size alone would let eta times the curvature pass 2, or the Hessian's dip below
        zero be far from what it is at the weights.

        Parameters
        ----------
        layers : list of Array
        error : float
            Of the weights, the Frobenius norm.
        residual : float
            ||E~||_F.
        stride : float
            How far a step goes, about.
        """
        size = norm(layers) * INFLATE
        # The distance of the weights to their floats: a rounding, and a cut of the largest at 60 bits.
        shadow = (SHADOW + self._weights * 2.0**-58) * size + TINY
        norms = [(float(w) + shadow) * INFLATE for w in spectral_norm_bounds(layers)]
        least = max(_LEAST * max(norms), self._floor)
        parts = sum(1 / max(w, least) for w in norms)
        reach = _PART / parts if parts else 0.0
        found = self._region(norms, max(reach, 2 * error))
        if found.growth > _STILL and reach / 16 > max(2 * error, _FEWEST_STEPS * stride):
            smaller = self._region(norms, reach / 16)
            found = smaller if smaller.growth <= _STILL else found
        ahead = max(2 * error, self._ahead * stride)
        worth = stride > 0 and math.isfinite(found.growth) and found.growth_slope * residual > _HARMLESS
        if not worth or not ahead < found.reach or len(layers) > MOST_LAYERS:
            return found
        return self._sharpened(found, norms, layers, shadow, ahead)

    def _sharpened(
        self, found: Region, norms: list[float], layers: list[np.ndarray], shadow: float, least: float
    ) -> Region:
        """Return the region with the products of layers looked at, made smaller where that pays, but for a least reach.

        The dip grows about linearly with the reach from what it is at the weights, so that where it has doubled can be
        guessed.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            products = Products.at(layers, self._target, self._inputs, self._input_norm)
            found = self._looked_at(found, products, norms, shadow)
            if not least < found.reach / 2:
                return found
            small = self._looked_at(self._region(norms, least), products, norms, shadow)
            if not max(small.twist, _HARMLESS) < found.twist / 2:
                return found
            part = max(small.twist, _HARMLESS) / (found.twist - small.twist)
            return self._looked_at(self._region(norms, least + part * (found.reach - least)), products, norms, shadow)

    def _looked_at(self, region: Region, products: Products, norms: list[float], shadow: float) -> Region:
        """Return a region with its bounds by the products of layers."""
        if not math.isfinite(region.growth):
            return region
        twist, top = products.around(self._wide(norms, region.reach), (region.reach + shadow) * INFLATE)
        growth, slope = self.rule.growth(self._pull * top * INFLATE)
        twist *= self._pull * INFLATE
        if not math.isfinite(twist + growth):
            return region
        if growth < region.growth:
            region = replace(region, growth=growth, dip=slope)
        return replace(region, twist=twist)

    def _wide(self, norms: list[float], reach: float) -> np.ndarray:
        """Return bounds of the layers' norms on the region."""
        return np.array([max((w + reach) * INFLATE, self._floor) for w in norms])

    def _region(self, norms: list[float], reach: float) -> Region:
        """Return the constants on the region of a radius around weights with these norms."""
        w = self._wide(norms, reach)
        with np.errstate(over="ignore", invalid="ignore"):
            others = np.prod(w) * INFLATE / w
            curvature = float((others**2).sum())
            pairs = float((others * ((1 - np.eye(len(w))) @ (1 / w))).max())
        growth, dip = self.rule.growth(self._pull * self._input_norm**2 * curvature * INFLATE)
        residual, rounding, rounding_slope = self._gradient_errors(w.tolist())
        if not math.isfinite(growth + curvature + pairs + residual + rounding + rounding_slope):
            return Region(0.0, *[math.inf] * 7)
        cuts = self._weights * (1 + self._pull * 2.0**-GUARD_BITS)
        return Region(
            reach,
            growth,
            dip,
            self._pull * self._input_norm * pairs * INFLATE,
            self._input_norm * math.sqrt(curvature) * INFLATE,
            residual,
            self.rule.rounding((cuts + self._pull * rounding) * INFLATE, self._weights),
            self.rule.rounding(self._pull * rounding_slope * INFLATE, 0.0),
        )

    def _gradient_errors(self, wide: list[float]) -> tuple[float, float, float]:
        """Return beta_L, ||a|| and ||b||, by the lemma's recursions."""
        unit, cuts = self._unit, self._cuts
        prefixes = [(self._input_norm, self._input_cut)]
        for i, w in enumerate(wide, start=1):
            size, error = prefixes[-1]
            cut = 0.0 if i == 1 and self._inputs is None else cuts[i]
            prefixes.append((size * w, error * w + cut))
        residual = (prefixes[-1][1] + cuts[-1]) * INFLATE
        omega, tau, beta = 1.0, 0.0, residual
        rounding = rounding_slope = 0.0
        for i in range(len(wide), 0, -1):
            size, error = prefixes[i - 1]
            rounding += _square(beta * size + tau * unit * error)
            rounding_slope += _square(omega * error)
            omega, tau, beta = omega * wide[i - 1], tau * wide[i - 1] + cuts[i - 1], beta * wide[i - 1] + cuts[i - 1]
        return residual, math.sqrt(rounding) * INFLATE, math.sqrt(rounding_slope) * INFLATE


def likely_curvature(problem: Problem, layers: list[np.ndarray]) -> float:
    """Return 2c xi^2 sum o_i^2 at given layers, or at balanced ones that fit the target where that is more."""
    loss, depth = problem.loss, problem.depth
    inputs = 1.0 if loss.inputs is None else float(spectral_norm_bounds([floats_of(loss.inputs)])[0])
    target = float(spectral_norm_bounds([floats_of(loss.target)])[0]) / max(inputs, _LEAST_INPUTS)
    norms = spectral_norm_bounds(layers)
    with np.errstate(all="ignore"):
        given = sum(float(np.prod(np.delete(norms, i))) ** 2 for i in range(depth))
        fitted = depth * float(np.float64(target) ** (2 - 2 / depth))
    return 2 * float_of(loss.factor) * inputs**2 * max(given, fitted)


def _square(value: float) -> float:
    """Return the square; Python's multiplication of floats overflows to infinity, its power raises."""
    return value * value + TINY
