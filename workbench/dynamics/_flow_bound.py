r"""The step lemma's ingredients for a deep linear network: defect, tube, logarithmic norm (see `_taylor`).

The defect. p is the Taylor polynomial of degree N around an exact point, each coefficient cut to its midpoint: for
    k < N, d_k bounds what was cut. For k >= N the coefficient is that of -F(p), and a product of matrix polynomials
    is majorised by the product of the scalar polynomials of their norms: with w_j = sum ||W_j^(k)|| t^k and
    v = sum_{k < N} ||E^(k)||_F t^k + (the coefficients k >= N of ||X|| prod w_j), layer i has at most
    2c ||X|| (v prod_{j != i} w_j)_k. Time is scaled by h, so that the coefficients are sizes.

The logarithmic norm. On the ball of radius r around p(t) the layers have norms at most m_j = w_j(h) + r, and lam =
    2c ||X|| ||E|| max_i sum_{j != i} prod_{k != i, j} m_k (see `_error_bounds`). As l does not increase along x,
    ||E(x(t))||_F <= ||E(x(0))||_F <= ||E(p(0))||_F + ||X|| (prod (w_j + r) - prod w_j), and the way from x(t) to the
    point adds ||X|| (prod (w_j + 2r) - prod (w_j + r)). Norms need few bits, but balls: 64, rounded outwards.
    This tends to zero with the loss. Where the loss does not (a bottleneck, a saddle) it charges for a growth that
    there is not: then the Hessian itself is enclosed (`_hessian_balls`), and the smaller of the two is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from math import prod
from operator import mul
from typing import Any

from workbench.backends.ball import arb, precision
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._error_bounds import spectral_norm_bound
from workbench.dynamics._flow_series import Expansion
from workbench.dynamics._hessian_balls import CurvatureBound, speed
from workbench.problem import Problem

BOUND_BITS = 64

# From this part of a natural unit a step on, the Hessian is enclosed: what it costs is then saved in digits.
_LOOK = Fraction(1, 4)

# No step is longer.
LONGEST = 16.0


@dataclass(frozen=True)
class BallNorms:
    """Upper bounds of the norms of an expansion's coefficients, exact balls.

    Parameters
    ----------
    layers : list of list of arb
        Of each layer's coefficients.
    residual : list of arb
        Of those of W X - Y, where the bounds need them.
    """

    layers: list[list[Any]]
    residual: list[Any]

    def size(self) -> Any:
        """Return the size of the weights, at least 1."""
        return sum((layer[0] for layer in self.layers), start=arb(1))

    def speeds(self, length: Any) -> list[Any]:
        """Return for each layer a bound of the polynomial's derivative on a step."""
        return [speed(layer, length) for layer in self.layers]

    def guess(self, accuracy: int) -> float:
        """Return the length at which the last coefficients are at the accuracy; heuristic, the bound decides."""
        lengths = [LONGEST]
        for layer in self.layers:
            for k in (len(layer) - 1, len(layer) - 2):
                if k > 0 and layer[k] > 0:
                    lengths.append(float(((arb(2) ** -accuracy / layer[k]).log() / k).exp()))
        return min(lengths)


class LinearBound:
    """What bounds of a deep linear network's steps share, however its coefficients were had.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    backend : Ball
    """

    def __init__(self, problem: Problem, backend: Any) -> None:
        self._backend, self._flint = backend, backend._flint
        self._twice = arb(2 * problem.loss.factor)
        inputs = problem.loss.inputs
        self._inputs = self._flint.arb(1) if inputs is None else self._norm(backend.matrix(inputs.rows))
        self._curvature = CurvatureBound(problem, backend)

    def _norm(self, a: Any) -> Any:
        """Return an upper bound of the spectral norm of an exact matrix."""
        bound = self._flint.arb(spectral_norm_bound(self._backend.shadow(a)))
        # Floats near the end of their range do not bound: the Frobenius norm in balls does.
        return bound if bound.is_finite() and bound > 1e-200 else frobenius(a)

    def logarithmic_norm_of(self, sizes: list[Any], first: Any, radius: Any) -> Any:
        """Return lam, an upper bound of -lambda_min(Hess l) on the tube of a radius around the step.

        Parameters
        ----------
        sizes : list of arb
            Bounds of the layers' spectral norms along the polynomial, none of them zero.
        first : arb
            Bound of ||E(p(0))||_F.
        radius : arb
        """
        tube = [m + radius for m in sizes]
        wider = prod((m + 2 * radius for m in sizes), start=self._flint.arb(1))
        residual = first + self._inputs * (wider - prod(sizes, start=self._flint.arb(1)))
        whole, inverse = prod(tube, start=self._flint.arb(1)), [1 / m for m in tube]
        pairs = zero = self._flint.arb(0)
        for own in inverse:
            pairs = pairs.max(whole * own * sum((x for x in inverse if x is not own), start=zero))
        return (self._twice * self._inputs * residual * pairs).abs_upper()

    def growth_of(self, lam: Any, expansion: Any, norms: Any, length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral over the step of lam, or of what the Hessian tells."""
        coarse = lam * length
        if coarse <= arb(_LOOK):
            return coarse
        return coarse.min(self._curvature.growth(expansion, norms.speeds(length), length, radius))


class StepBound(LinearBound):
    """The lemma's ingredients for an expansion in balls."""

    def missing_bits(self, *_: Any) -> int:
        """Return by how many bits the numbers are too short: balls carry their rounding, and steps shrink with it."""
        return 0

    def majorants(self, expansion: Expansion) -> BallNorms:
        """Return the norms of the coefficients of each layer, and of the residual."""
        with precision(BOUND_BITS):
            layers = [[self._norm(c[0]), *(frobenius(x) for x in c[1:])] for c in expansion.layers]
            return BallNorms(layers, [frobenius(x) for x in expansion.residuals])

    def defect(self, expansion: Expansion, norms: BallNorms, length: Any) -> Any:
        """Return D, an upper bound of the integral of the defect's norm over the step."""
        order = len(expansion.cut)
        powers = [self._flint.arb(1)]
        for _ in range(order):
            powers.append(powers[-1] * length)
        total = sum((d * powers[k] * length / (k + 1) for k, d in enumerate(expansion.cut)), start=self._flint.arb(0))
        layers = [self._poly(n, powers) for n in norms.layers]
        whole = prod(layers, start=self._flint.arb_poly([1])).coeffs()
        low = self._poly(norms.residual, powers).coeffs()
        low += [self._flint.arb(0)] * (order - len(low))
        residual = self._flint.arb_poly(low[:order] + [self._inputs * x for x in whole[order:]])
        products = all_but_one(layers, self._flint.arb_poly([1]))
        coefficients = [[x.abs_upper() for x in (residual * others).coeffs()[order:]] for others in products]
        # The norm over all layers of each coefficient: the integral of a norm is no norm of integrals.
        tail = self._flint.arb(0)
        for k, column in enumerate(zip_longest(*coefficients, fillvalue=self._flint.arb(0))):
            tail += sum((x * x for x in column), start=self._flint.arb(0)).sqrt() / (order + k + 1)
        return (total + self._twice * self._inputs * tail * length).upper()

    def _poly(self, norms: list[Any], powers: list[Any]) -> Any:
        return self._flint.arb_poly([(x * p).upper() for x, p in zip(norms, powers, strict=False)])

    def growth(self, expansion: Expansion, norms: BallNorms, length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral over the step of max(0, -lambda_min)."""
        lam = self.logarithmic_norm(expansion, norms, length, radius)
        return self.growth_of(lam, expansion, norms, length, radius)

    def logarithmic_norm(self, expansion: Expansion, norms: BallNorms, length: Any, radius: Any) -> Any:
        """Return lam, an upper bound of -lambda_min(Hess l) on the tube of a radius around the step."""
        # A larger norm is a norm's bound as well: no division by zero at a layer that vanishes.
        least, sizes = self._flint.arb(2) ** -BOUND_BITS, []
        for layer in norms.layers:
            value = self._flint.arb(0)
            for x in reversed(layer):
                value = value * length + x
            sizes.append(value.upper().max(least))
        return self.logarithmic_norm_of(sizes, norms.residual[0], radius)


def all_but_one(factors: list[Any], one: Any, times: Callable[[Any, Any], Any] = mul) -> list[Any]:
    """Return the products of all factors but each."""
    left, right = [one], [one]
    for factor in factors[:-1]:
        left.append(times(left[-1], factor))
    for factor in reversed(factors[1:]):
        right.append(times(right[-1], factor))
    return [times(a, b) for a, b in zip(left, reversed(right), strict=True)]


def enclosed_error(
    bound: Any, expansion: Any, norms: Any, length: Fraction, before: Any, bits: int, defect: Any = None
) -> Any | None:
    """Return the lemma's bound of ||x - p|| over a step, or None where its hypothesis is not shown."""
    with precision(BOUND_BITS):
        time = arb(length)
        if defect is None:
            defect = bound.defect(expansion, norms, time)
        radius = 8 * (before + defect) + arb(2) ** (-4 * bits)
        if not radius.is_finite():
            return None
        growth = bound.growth(expansion, norms, time, radius.upper()).exp()
        error = (growth * (before + defect)).upper()
        return error if error < radius else None
