r"""The step lemma's ingredients for an expansion in fixed point: what its cuts do to the defect, and the rest of it.

Norms. At s = h / tau let |f| = sum_{k < N} ||f_k||_F s^k for a series of matrices in units tau of time, |f|# the same
    with s = 1, w_i = |W_i| with the coefficient 0 measured by the spectral norm, chi = ||X||, u = 2^-B, the unit at
    coefficient k u_k = 2^(D_k) u, D_k not falling, M = sum_{k < N} s^k 2^(D_k). Hats are what was computed, no hats
    what the exact recursion gives for the same polynomial p, Delta the difference.

Lemma (the cuts).
    Of an m x n series A times an n x l series C let q = (sqrt(ml) + sqrt(mn) |C^|# + sqrt(nl) |A^|#) u, and of a
    factor that is a number or data q = sqrt(ml) u; a datum is off by at most q_X, q_Y = sqrt(mn) u. Then
    Delta P_1 <= w_1 q_X + M q,                     Delta P_i <= w_i Delta P_{i-1} + M q,
    Delta E <= Delta P_L + q_Y,                     Delta B_L <= 2 c tau Delta E + M q,
    Delta B_{i-1} <= w_i Delta B_i + M q,           |B_i| <= 2 c tau (|E^| + Delta E) prod_{j > i} w_j,
    Delta G_i <= Delta B_i chi prod_{j < i} w_j + (|B_i| + Delta B_i) Delta P_{i-1} + M q,
    and the defect's coefficients below N add to D, the integral of its norm, at most sum_i (s Delta G_i + sqrt(mn) u
    sum_{0 < k <= N} s^k 2^(D_k)). |A^ C^|# <= |A^|# |C^|# + sqrt(ml) sum_{k < N} u_k bounds the factors.
Proof.
    Products cut off at degree N are submultiplicative in |.|, ||A C||_F <= ||A||_2 ||C||_F and the other way round, and
    the exact product of two computed series differs from the product of the exact ones by two terms. At coefficient k
    the factors have been cut toward zero to u_k, which enlarges no entry and, done twice, is the same as done once: the
    convolution is off by at most sum_j (sqrt(mn) u_k ||C^_(k-j)|| + ||A^_j|| sqrt(nl) u_k), and the result is cut to
    u_k itself. Without inputs P_1 = W_1 and G_1 = B_1 are no products: X = I, q_X = 0, no cut. In units of tau the
    defect is dp/ds + tau grad l, coefficient k + 1 of p the quotient of -G^_k by k + 1 cut by less than u_(k+1) an
    entry, so that coefficient k of the defect is at most ||Delta G_k|| + (k + 1) sqrt(mn) u_(k+1); integration divides
    by k + 1 and multiplies by s^(k+1).

From degree N on the coefficients are those of -grad l(p), majorised as in `_flow_bound` by products of polynomials of
norms, where E's low coefficients are E^'s but for Delta E: that adds at most 2 c tau chi s Delta E prod_{j != i} w_j
for each layer.
These polynomials have no negative coefficients, so that floats lose nothing but their roundings: every sum and product
is enlarged by more than it can have lost, and coefficient k is carried times 2^(sigma k), sigma a number that makes
them flat, so that none leaves the range of floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isfinite, log, log2, prod, sqrt
from typing import Any

import numpy as np

from workbench.backends.ball import arb, flint
from workbench.dynamics._error_bounds import spectral_norm_bound
from workbench.dynamics._flow_bound import LONGEST, LinearBound, all_but_one
from workbench.dynamics._flow_polynomial import FixedExpansion, norms_of
from workbench.problem import Problem

# Any sum of N products of floats is enlarged by this, far more than N 2^-52 for the orders in use.
_UP = 1 + 1e-9

# A norm that floats do not tell from zero.
_TINY = 1e-300

# More than products lose that are below the floats.
_LOST = 1e-290

# More than square roots of sums of squares lose there.
_LOST_ROOT = 1e-150

# Multiples of this are exact in floats, times an index; beyond the other, powers of two leave them.
_GRAIN, _STEEPEST = 64, 500


@dataclass
class FlatNorms:
    """Upper bounds of the norms of an expansion's coefficients, coefficient k times 2^(slope k).

    Parameters
    ----------
    layers : list of numpy.ndarray
        Entry 0 bounds the spectral norm.
    residual : numpy.ndarray
    slope : float
    unit : Fraction
        Of time.
    """

    layers: list[np.ndarray]
    residual: np.ndarray
    slope: float
    unit: Fraction

    def ratio(self, length: Any) -> float:
        """Return s = h / tau, rounded up."""
        return float((length / arb(self.unit)).upper()) * (1 + 1e-15)

    def powers(self, s: float) -> np.ndarray:
        """Return upper bounds of (s 2^-slope)^k."""
        ratio = s * 2.0**-self.slope * (1 + 1e-14)
        found: np.ndarray = np.power(ratio, np.arange(len(self.layers[0]))) * (1 + 1e-11) + _TINY
        return found

    def size(self) -> Any:
        """Return the size of the weights, at least 1."""
        return _ball(1 + float(sum(layer[0] for layer in self.layers)))

    def speeds(self, length: Any) -> list[Any]:
        """Return for each layer a bound of the polynomial's derivative on a step."""
        powers = self.powers(self.ratio(length)) * np.arange(len(self.layers[0]))
        return [(_ball(float((layer * powers).sum()) * _UP) / length).upper() for layer in self.layers]

    def guess(self, accuracy: int) -> float:
        """Return the length at which the last coefficients are at the accuracy; heuristic, the bound decides."""
        lengths = [LONGEST]
        for layer in self.layers:
            for k in (len(layer) - 1, len(layer) - 2):
                if k > 0 and layer[k] > 0:
                    exponent = (-accuracy - log2(layer[k])) / k + self.slope
                    lengths.append(2.0 ** min(exponent, 60.0) * float(self.unit))
        return min(lengths)


class FixedBound(LinearBound):
    """The lemma's ingredients, for a problem.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    backend : Ball
    """

    def __init__(self, problem: Problem, backend: Any) -> None:
        super().__init__(problem, backend)
        self._problem = problem
        self._chi = float(self._inputs.upper()) * _UP

    def majorants(self, expansion: FixedExpansion) -> FlatNorms:
        """Return the norms of the coefficients of each layer, and of the residual."""
        slope, depth = self._slope(expansion), len(expansion.shapes)
        norms = [norms_of(expansion.squares, row, expansion.bits, slope) for row in range(depth + 1)]
        for layer, start in zip(norms, expansion.start, strict=False):
            # A larger norm is a norm's bound as well: no division by zero at a layer that vanishes.
            layer[0] = max(min(spectral_norm_bound(start), layer[0]), 2.0**-64)
        return FlatNorms(norms[:-1], norms[-1][:-1], slope, expansion.unit)

    def _slope(self, expansion: FixedExpansion) -> float:
        """Return by how many bits the coefficients fall from one to the next, roughly: any number is rigorous."""
        order, (mantissas, exponents) = expansion.order, expansion.squares
        heads, tails = exponents[:-1, 0] / 2, np.where(mantissas[:-1, order] > 0, exponents[:-1, order] / 2, 0)
        fall = float(np.max(tails) - np.max(heads)) / order
        return min(max(round(-fall * _GRAIN) / _GRAIN, -_STEEPEST), _STEEPEST)

    def defect(self, expansion: FixedExpansion, norms: FlatNorms, length: Any) -> Any:
        """Return D, an upper bound of the integral of the defect's norm over the step."""
        return (self.cuts(expansion, norms, length) + self.remainder(expansion, norms, length)).upper()

    def cuts(self, expansion: FixedExpansion, norms: FlatNorms, length: Any) -> Any:
        """Return the part of D that the cuts make."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _in_units(_Cuts(self._problem, self._chi, expansion, norms, norms.ratio(length)).defect(), expansion)

    def missing_bits(self, expansion: FixedExpansion, norms: FlatNorms, length: Any, allowed: Any) -> int:
        """Return by how many bits the unit is too coarse for the cuts to be half of what is allowed."""
        excess = 2 * self.cuts(expansion, norms, length) / allowed
        return max(0, ceil(float(excess.log()) / log(2))) if excess.is_finite() and excess > 1 else 0

    def remainder(self, expansion: FixedExpansion, norms: FlatNorms, length: Any) -> Any:
        """Return the part of D from degree N on, the residual taken as computed."""
        order, s = expansion.order, norms.ratio(length)
        rate = float(2 * self._problem.loss.factor * expansion.unit) * _UP
        with np.errstate(over="ignore", invalid="ignore"):
            whole = norms.layers[0]
            for layer in norms.layers[1:]:
                whole = _times(whole, layer)
            residual = np.concatenate([norms.residual, self._chi * whole[order:] * _UP])
            ratio = s * 2.0**-norms.slope * (1 + 1e-14)
            products = all_but_one(norms.layers, np.ones(1), _times)
            # The norm over all layers of each coefficient: the integral of a norm is no norm of integrals.
            high = np.sqrt(sum(_times(residual, others)[order:] ** 2 for others in products)) * _UP + _LOST_ROOT
            powers = np.power(ratio, np.arange(len(high))) * (1 + 1e-11) + _TINY
            tail = float((high * powers / np.arange(order + 1, order + 1 + len(high))).sum()) * _UP
            total = rate * self._chi * s * tail * _UP
        return _ball(total) * _ball(ratio) ** order if isfinite(total) else flint().arb("inf")

    def growth(self, expansion: FixedExpansion, norms: FlatNorms, length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral over the step of max(0, -lambda_min)."""
        lam = self.logarithmic_norm(expansion, norms, length, radius)
        return self.growth_of(lam, expansion, norms, length, radius)

    def logarithmic_norm(self, expansion: FixedExpansion, norms: FlatNorms, length: Any, radius: Any) -> Any:
        """Return lam, an upper bound of -lambda_min(Hess l) on the tube of a radius around the step."""
        powers = norms.powers(norms.ratio(length))
        sizes = [_ball(float((layer * powers).sum()) * _UP) for layer in norms.layers]
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = _Cuts(self._problem, self._chi, expansion, norms, norms.ratio(length)).residual
        first = _ball(float(norms.residual[0]) * _UP) + _in_units(wrong, expansion)
        return self.logarithmic_norm_of(sizes, first, radius)


def _ball(value: float) -> Any:
    return flint().arb(value)


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return upper bounds of the coefficients of a product of polynomials without negative coefficients."""
    return np.convolve(a, b) * _UP + _LOST


def _in_units(number: float, expansion: FixedExpansion) -> Any:
    return _ball(number) * arb(2) ** -expansion.bits if isfinite(number) else flint().arb("inf")


class _Cuts:
    """The first lemma's recursion, all numbers in units u.

    Parameters
    ----------
    problem : Problem
    chi : float
    expansion : FixedExpansion
    norms : FlatNorms
    s : float
        h / tau.
    """

    def __init__(self, problem: Problem, chi: float, expansion: FixedExpansion, norms: FlatNorms, s: float) -> None:
        self._shapes, self._chi, self._s = expansion.shapes, chi, s
        self._given, samples = problem.loss.inputs is not None, problem.loss.target.shape[1]
        powers = norms.powers(s)
        self._w = [float((layer * powers).sum()) * _UP for layer in norms.layers]
        # In one exponent: beyond 350 digits 2^(D_k) alone is past the floats, and s^k below them.
        slope, drops = log2(max(s, _TINY) * (1 + 1e-14)), np.array(expansion.drops, dtype=float)
        exponents = np.arange(expansion.order + 1) * slope + drops
        ratios = np.exp2(exponents) * (1 + 1e-11) + _TINY
        self._sums, self._ends = float(ratios[:-1].sum()) * _UP, float(ratios[1:].sum()) * _UP
        # An upper bound of the unit, as floats have it, and what all cuts of a series add to |.|#.
        self._unit = 2.0 ** -min(expansion.bits, 1000)
        grown = float(np.exp2(np.maximum(np.array(expansion.drops) - float(expansion.bits), -1000.0)).sum()) * _UP
        self._rate = float(2 * problem.loss.factor * expansion.unit) * _UP
        datum = sqrt(self._shapes[0][1] * samples) * _UP if self._given else 0.0
        self._factors(norms, grown, samples, datum)
        first = self._sums * sqrt(self._shapes[0][0] * samples) * _UP if self._given else 0.0
        self._before = [datum, (self._w[0] * datum + first) * _UP]
        for w, cut in zip(self._w[1:], self._cut[1:], strict=True):
            self._before.append((w * self._before[-1] + cut) * _UP)
        self.residual = (self._before[-1] + sqrt(self._shapes[-1][0] * samples)) * _UP
        computed = float((norms.residual * powers[:-1]).sum()) * _UP
        self._top = self._rate * (computed + self.residual * self._unit) * _UP

    def _factors(self, norms: FlatNorms, grown: float, samples: int, datum: float) -> None:
        """Set what the cuts of each product and of its factors add, of prefixes, suffixes and gradients."""
        flat = norms.powers(1.0)
        # From spectral norms of the coefficients 0 to Frobenius norms.
        w = [
            float((layer * flat).sum()) * sqrt(min(shape)) * _UP
            for layer, shape in zip(norms.layers, self._shapes, strict=True)
        ]
        prefix = [w[0] * (self._chi + datum * self._unit) + grown * sqrt(self._shapes[0][0] * samples)]
        for (rows, _), size in zip(self._shapes[1:], w[1:], strict=True):
            prefix.append((size * prefix[-1] + grown * sqrt(rows * samples)) * _UP)
        suffix = float((norms.residual * flat[:-1]).sum()) * self._rate + grown * sqrt(self._shapes[-1][0] * samples)
        self._top_cut = self._sums * sqrt(self._shapes[-1][0] * samples) * _UP
        self._cut, self._back, self._own = [0.0], [0.0], [self._sums * sqrt(prod(self._shapes[0])) * _UP]
        suffixes = [suffix * _UP]
        for (_, columns), size in zip(reversed(self._shapes[1:]), reversed(w[1:]), strict=True):
            suffixes.insert(0, (size * suffixes[0] + grown * sqrt(columns * samples)) * _UP)
        for i, (rows, columns) in enumerate(self._shapes[1:], start=1):
            both, left, right = sqrt(rows * columns), sqrt(rows * samples), sqrt(columns * samples)
            self._cut.append(self._sums * (left + both * prefix[i - 1] + right * w[i]) * _UP)
            self._back.append(self._sums * (right + both * suffixes[i] + left * w[i]) * _UP)
            self._own.append(self._sums * (both + left * prefix[i - 1] + right * suffixes[i]) * _UP)

    def defect(self) -> float:
        """Return what the cuts add to D."""
        suffix, above, total = (self._rate * self.residual + self._top_cut) * _UP, 1.0, 0.0
        for i in range(len(self._shapes) - 1, -1, -1):
            below = self._chi * float(np.prod(self._w[:i])) * _UP
            whole = (self._top * above + suffix * self._unit) * _UP
            own = self._own[i] if i or self._given else 0.0
            gradient = (suffix * below + whole * self._before[i] + own) * _UP
            total += (self._s * gradient + self._ends * sqrt(prod(self._shapes[i]))) * _UP
            suffix, above = (self._w[i] * suffix + self._back[i]) * _UP, above * self._w[i] * _UP
        return (total + self._late()) * _UP

    def _late(self) -> float:
        """Return what the residual's error adds from degree N on."""
        others = max(float(np.prod(self._w[:i] + self._w[i + 1 :])) for i in range(len(self._w)))
        return self._rate * self._chi * self._s * self.residual * others * len(self._w) * _UP
