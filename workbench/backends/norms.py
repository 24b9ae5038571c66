"""Norms of matrices over any backend, as numbers with their errors."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from workbench.backends.base import Array, Backend
from workbench.backends.reals import Reals
from workbench.exact import UNKNOWN, Measured

# After k squarings the bracket of the largest eigenvalue has relative width ln(d) / 2^k.
SQUARINGS = 12


def frobenius_norm(backend: Backend, reals: Reals, a: Array) -> Measured:
    """Return the Frobenius norm."""
    squared = backend.measure(backend.frobenius_squared(a))
    return reals.measured(reals.sqrt(reals.number(squared)))


def spectral_norm(backend: Backend, reals: Reals, a: Array, squarings: int = SQUARINGS) -> Measured:
    """Return the spectral norm, bracketed by traces of powers.

    With M = A^T A (d x d) and p = 2^k, ||M^p||_F / sqrt(d) <= lambda_max(M)^p <= ||M^p||_F: matrix products alone,
    in any arithmetic, give the largest singular value within a relative width of ln(d) / 2^(k+2).
    """
    rows, columns = backend.shape(a)
    gram = backend.matmul(backend.transpose(a), a) if columns <= rows else backend.matmul(a, backend.transpose(a))
    exponent = Fraction(0)  # M^p equals gram * 2^(p * exponent) along the loop
    for _ in range(squarings):
        size = float(np.abs(backend.shadow(gram)).max())
        if size == 0 or not np.isfinite(size):
            break
        shift = int(np.frexp(size)[1])
        gram = backend.scale(Fraction(2) ** (-shift), gram)
        gram = backend.matmul(gram, gram)
        exponent = 2 * (exponent + shift)
    else:
        found = _from_power(backend, reals, gram, exponent, squarings)
        if found.finite:
            return found
    # A matrix that is zero within its error, or beyond the floats: the Frobenius norm brackets as well.
    norm = frobenius_norm(backend, reals, a)
    bounds = norm.bounds()
    if bounds is None:
        return UNKNOWN
    lower = bounds[0] / (min(rows, columns)) if bounds[0] > 0 else Fraction(0)
    return Measured.between(min(lower, bounds[1]), bounds[1])


def _from_power(backend: Backend, reals: Reals, gram: Array, exponent: Fraction, squarings: int) -> Measured:
    order = 2**squarings
    squared = backend.measure(backend.frobenius_squared(gram))
    if squared.bounds() is None or squared.bounds()[0] <= 0:  # type: ignore[index]
        return UNKNOWN
    size = min(backend.shape(gram))
    log_top = reals.log(reals.number(squared)) / 2 + reals.log(reals.number(2)) * reals.number(exponent)
    log_low = log_top - reals.log(reals.number(size)) / 2
    ends = [reals.measured(reals.exp(x / (2 * order))).bounds() for x in (log_low, log_top)]
    if ends[0] is None or ends[1] is None:
        return UNKNOWN
    return Measured.between(ends[0][0], ends[1][1])
