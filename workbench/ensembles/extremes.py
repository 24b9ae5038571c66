r"""Extreme singular values of a stack of matrices by iteration: matrix products only, and a bracket of each.

Largest: with the Gram matrix M, normalised and squared k times, p = 2^k, both ||M^p||_F^(1/p) and ||M^p||_inf^(1/p) are
above lambda_max(M), by a factor at most d^(1/2p); a Rayleigh quotient at the largest column of M^p is below it.

Smallest: Newton and Schulz's iteration X <- X (2 - A X) goes to the inverse (the pseudo-inverse of a tall or wide A).
With rho = ||1 - X A||_F < 1, sigma_min >= (1 - rho) / ||X||_2, and sigma_min <= ||A v|| for any unit v; where the
iteration does not get below 1, the lower bound is zero. Batched `svd` of small matrices is slow on a GPU.
"""

from __future__ import annotations

from typing import Any

import torch

_SQUARINGS = 12
_NEWTON_STEPS = 60

# Covers the rounding of the norms and quotients, many times over.
_INFLATE = 1 + 1e-12
_UNIT = 2.0**-53


def largest_singular_value(matrices: Any) -> tuple[Any, Any]:
    """Return a bracket of ||A||_2 for each matrix.

    Parameters
    ----------
    matrices : tensor of float64, shape (B, m, n)

    Returns
    -------
    lower, upper : tensors, shape (B,)
        Infinite above where an entry is not finite.
    """
    lower, upper, _ = _power(_thin(matrices))
    return lower, upper


def smallest_singular_value(matrices: Any) -> tuple[Any, Any]:
    """Return a bracket of the min(m, n)-th singular value for each matrix.

    Parameters
    ----------
    matrices : tensor of float64, shape (B, m, n)

    Returns
    -------
    lower, upper : tensors, shape (B,)
    """
    tall = _thin(matrices)
    inverse = _inverse(tall)
    eye = torch.eye(tall.shape[2], dtype=tall.dtype, device=tall.device)
    # What rounding may hide in the product X A.
    hidden = (tall.shape[1] + 2) * _UNIT * _frobenius(inverse) * _frobenius(tall)
    defect = _frobenius(eye - inverse @ tall) + hidden
    _, top, _ = _power(inverse)
    lower = ((1 - defect).clamp_min(0.0) / top / _INFLATE).nan_to_num(nan=0.0)
    # The right singular vector of A to its smallest value is the left one of X to its largest.
    _, _, vector = _power(inverse.mT)
    length = vector.square().sum(dim=(1, 2)).sqrt()
    shadow = _frobenius(tall @ vector) + (tall.shape[2] + 2) * _UNIT * _frobenius(tall) * length
    upper = torch.where(length > 0, shadow / length, _frobenius(tall)) * _INFLATE
    return lower, torch.where(torch.isfinite(upper), upper, torch.inf)


def _thin(matrices: Any) -> Any:
    """Return the matrices in double precision with at least as many rows as columns."""
    a = matrices.double()
    return a if a.shape[1] >= a.shape[2] else a.mT


def _power(a: Any) -> tuple[Any, Any, Any]:
    """Return a bracket of ||A||_2 and a vector near its right singular vector, shape (B, n, 1)."""
    size = a.abs().amax(dim=(1, 2))
    scaled = a / torch.where(size > 0, size, 1.0)[:, None, None]
    gram = scaled.mT @ scaled
    columns = gram.shape[2]
    error = torch.full_like(size, (a.shape[1] + 2) * columns * _UNIT)
    logarithm = torch.zeros_like(size)
    for _ in range(_SQUARINGS):
        total = _frobenius(gram).clamp_min(torch.finfo(torch.float64).tiny)
        gram = gram / total[:, None, None]
        logarithm = 2 * (logarithm + total.log())
        gram = gram @ gram
        # Relative to the square, which is smaller than one where the spectrum is flat.
        error = (2 * error + error.square() + (columns + 4) * _UNIT) / _frobenius(gram).clamp_min(1e-300)
    whole = _frobenius(gram)
    norm = torch.minimum(whole * (1 + 2 * error), gram.abs().sum(2).amax(1) + 2 * columns**0.5 * error * whole)
    upper = size * ((norm.log() + logarithm) / 2 ** (_SQUARINGS + 1)).exp() * _INFLATE
    # A row of zeros has no logarithm, and no norm either.
    upper = torch.where(size == 0, 0.0, torch.where(torch.isfinite(upper), upper, torch.inf))
    best = gram.square().sum(1).argmax(1)
    vector = gram.gather(2, best[:, None, None].expand(-1, columns, 1))
    vector = vector / vector.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-300)
    length = vector.square().sum(dim=(1, 2)).sqrt()
    reached = _frobenius(scaled @ vector) - (columns + 2) * _UNIT * _frobenius(scaled) * length
    lower = size * (reached / length.clamp_min(1e-300)).clamp_min(0.0) / _INFLATE
    return lower.nan_to_num(nan=0.0, posinf=0.0), upper, vector.nan_to_num(nan=0.0)


def _inverse(a: Any) -> Any:
    """Return the pseudo-inverse of tall matrices as far as Newton and Schulz's iteration gets."""
    bound = a.abs().sum(1).amax(1) * a.abs().sum(2).amax(1)
    inverse = a.mT / torch.where(bound > 0, bound, 1.0)[:, None, None]
    for _ in range(_NEWTON_STEPS):
        inverse = 2 * inverse - inverse @ (a @ inverse)
    return inverse.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _frobenius(a: Any) -> Any:
    return a.square().sum(dim=(1, 2)).sqrt()
