r"""How far each member of a floating batch is from its exact run: the a-posteriori bound, batched.

With ||x_k - y_k|| <= e_k, ||F(y_k) - y_{k+1}|| <= r_k and Lambda_k a bound of ||DF|| on the ball of radius e_k around
y_k, e_{k+1} = Lambda_k e_k + r_k. Lambda_k comes from layer norms that hold on the whole ball (the lemma on the Hessian
in `workbench.dynamics._error_bounds`), r_k from the standard model of rounding carried along the two chains of
products by norms. Any order of summation and any fused multiply-add obeys the same model. The norms themselves are
computed in double precision and inflated, so the bound is a careful *estimate*, as everywhere with floats.
"""

from __future__ import annotations

from typing import Any

import torch

from workbench.ensembles.batched import Batched

_UNIT = {torch.float64: 2.0**-53, torch.float32: 2.0**-24}

# Covers the rounding of the few hundred operations behind a norm, many times over.
INFLATE = 1 + 1e-9
_SQUARINGS = 5

# A norm below this may have lost its squares to underflow; as an error it also covers all products that a step loses.
TINY = 2.0**-500

# What a product of single precision loses to underflow: the smallest normal number, should subnormal ones be flushed.
_LOST = {torch.float64: TINY, torch.float32: 2.0**-126}


class ErrorBound:
    """The Frobenius distance to the exact iterates, one for each member.

    Parameters
    ----------
    state : Batched
        Its initial weights are the exact ones rounded once.
    """

    def __init__(self, state: Batched) -> None:
        self._unit, self._lost = _UNIT[state.dtype], _LOST[state.dtype]
        self._longest = max(max(w.shape[1:]) for w in state.layers)
        state.keep_suffixes()
        entries = sum(w[0].numel() for w in state.layers)
        self.bound = self._unit * norms(state.layers).square().sum(0).sqrt() * INFLATE + self._lost * entries**0.5
        self._target = norms([state.target])[0]

    def __call__(self, state: Batched) -> None:
        """Carry the bound over the step that the state is about to take."""
        spectral = torch.stack([spectral_norms(w) for w in state.layers])
        low, high = self._hessian(state, spectral + self.bound)
        grown = self._growth(state, low, high) * self.bound + self._rounding(state, spectral)
        grown = torch.where(torch.isnan(grown), torch.inf, grown * INFLATE)
        self.bound = torch.where(state.running, grown, self.bound)

    def _hessian(self, state: Batched, wide: Any) -> tuple[Any, Any]:
        """Return bounds of the Hessian's extreme eigenvalues on the ball around the weights, shapes (B,)."""
        others, pairs = _products_without(wide)
        reach = (spectral_norms(state.residual) + self.bound * others.sum(0) + self._forward(state)[-1]) * INFLATE
        twist = 2 * state.factor * reach * pairs * INFLATE
        return -twist, 2 * state.factor * others.square().sum(0) * INFLATE + twist

    def _growth(self, state: Batched, low: Any, high: Any) -> Any:
        """Return the norm of the step map's Jacobian; with momentum, of the joint map of weights and velocities."""
        rate, beta = state.rate.double(), state.momentum
        if not beta:
            return torch.maximum((1 - rate * low).abs(), (1 - rate * high).abs())
        return torch.maximum(*(_joint_norm(rate * h, beta) for h in (low, high)))

    def _forward(self, state: Batched) -> list[Any]:
        """Return the rounding of each prefix P_i, in the Frobenius norm."""
        layers, prefixes = norms(state.layers), norms(state.prefixes)
        errors = [torch.zeros_like(self.bound)]
        for index in range(1, len(layers)):
            gamma = self._gamma(state.layers[index].shape[2])
            rounded = gamma * layers[index] * (prefixes[index - 1] + errors[-1]) + self._underflow(
                state.prefixes[index]
            )
            errors.append(layers[index] * errors[-1] + rounded)
        return errors

    def _rounding(self, state: Batched, spectral: Any) -> Any:
        """Return r_k: the rounding of one step of all layers (and velocities)."""
        layers, prefixes, suffixes = norms(state.layers), norms(state.prefixes), norms(state.suffixes)
        below = self._forward(state)
        # The target, the residual, the step size and the product with it are each rounded.
        scale = 2 * state.factor * state.rate.double()
        error = scale * (below[-1] + 2 * self._unit * self._target) + 6 * self._unit * suffixes[-1]
        error = error + self._underflow(state.residual)
        total = torch.zeros_like(error)
        velocities = norms(state.velocities) if state.momentum else None
        for index in range(len(layers) - 1, -1, -1):
            ahead = prefixes[index - 1] if index else torch.ones_like(error)
            ahead_error = below[index - 1] if index else torch.zeros_like(error)
            gamma = self._gamma(state.layers[index].shape[0] + 2)
            update = suffixes[index] * ahead_error + (ahead + ahead_error) * error + gamma * suffixes[index] * ahead
            update = update + self._underflow(state.layers[index])
            moved = self._unit * (layers[index] + suffixes[index] * ahead)
            if velocities is not None:
                update = update + moved + 4 * self._unit * velocities[index]
            total = total + (update + moved).square() * (2 if velocities is not None else 1)
            if index:
                gamma = self._gamma(state.layers[index].shape[1])
                error = layers[index] * error + gamma * layers[index] * (suffixes[index] + error)
                error = error + self._underflow(state.suffixes[index - 1])
        return total.sqrt()

    def _underflow(self, result: Any) -> float:
        """Return what underflow may take from a product of inner length at most the longest side, Frobenius norm."""
        return float(self._lost * result[0].numel() ** 0.5 * self._longest)

    def _gamma(self, terms: int) -> float:
        return terms * self._unit / (1 - terms * self._unit)


def norms(arrays: list[Any]) -> Any:
    """Return the Frobenius norms of some stacks of matrices in double precision, shape (number, B)."""
    return torch.stack([a.double().square().sum(dim=(1, 2)).sqrt() for a in arrays]) * INFLATE + TINY


def spectral_norms(matrices: Any) -> Any:
    """Return upper bounds of ||A||_2, within a factor d^(1/128), of a stack of matrices.

    lambda_max(M)^p <= ||M^p||_F for the normalised M = A^T A; a member that is not finite gets infinity.
    """
    a = matrices.double()
    size = a.abs().amax(dim=(1, 2))
    scaled = a / torch.where(size > 0, size, 1.0)[:, None, None]
    gram = scaled.mT @ scaled if a.shape[2] <= a.shape[1] else scaled @ scaled.mT
    logarithm = torch.zeros_like(size)
    for _ in range(_SQUARINGS):
        total = gram.square().sum(dim=(1, 2)).sqrt().clamp_min(torch.finfo(torch.float64).tiny)
        gram = gram / total[:, None, None]
        logarithm = 2 * (logarithm + total.log())
        gram = gram @ gram
    # The relative rounding of k squarings is below (2 sqrt(d))^k d^(5/2) u, taken to the power 2^-(k+1).
    dimension = min(a.shape[1:])
    loose = 1 + (2 * dimension**0.5) ** _SQUARINGS * (max(a.shape[1:]) + 4) * dimension**1.5 * 2.0**-53
    last = gram.square().sum(dim=(1, 2)).sqrt().log() + logarithm
    found = size * (last / 2 ** (_SQUARINGS + 1)).exp() * loose * INFLATE
    return torch.where(torch.isfinite(found), found, torch.where(size == 0, 0.0, torch.inf))


def _products_without(factors: Any) -> tuple[Any, Any]:
    """Return the products without factor i, shape (L, B), and the largest row sum of those without two, shape (B,).

    By multiplication only: a quotient loses everything where a factor nearly vanishes.
    """
    depth = len(factors)
    table = factors[None].repeat(depth, 1, 1)
    index = torch.arange(depth, device=factors.device)
    table[index, index] = 1.0
    ahead, behind = torch.ones_like(table), torch.ones_like(table)
    ahead[:, 1:] = table[:, :-1].cumprod(1)
    behind[:, :-1] = table[:, 1:].flip(1).cumprod(1).flip(1)
    pairs = ahead * behind
    others = pairs[index, index].clone()
    pairs[index, index] = 0.0
    return others, pairs.sum(1).amax(0)


def _joint_norm(pull: Any, beta: float) -> Any:
    """Return the norm of [[1 - p, beta], [-p, beta]], whose determinant is beta."""
    square = (1 - pull).square() + pull.square() + 2 * beta**2
    return ((square + (square.square() - 4 * beta**2).clamp_min(0).sqrt()) / 2).sqrt()
