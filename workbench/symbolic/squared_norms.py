"""How a squared Frobenius norm changes factor by factor, as an exact identity of traces.

    ||W^T Y||^2 = c ||Y||^2 + tr(Y^T (W W^T - c I) Y),    ||Y W^T||^2 = c ||Y||^2 + tr(Y (W^T W - c I) Y^T).

The last traces are at least zero where every singular value of a square W is at least sqrt(c), at most zero where
every one is at most sqrt(c): summed over the factors they turn bounds by singular values into identities.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import MatrixPolynomial, TracePolynomial, identity, trace


def excess(
    start: MatrixPolynomial,
    left: Sequence[MatrixPolynomial],
    right: Sequence[MatrixPolynomial],
    square: Polynomial,
) -> TracePolynomial:
    """Return ||A^T Y B^T||^2 - c^n ||Y||^2 as the sum of the traces that the factors contribute.

    Parameters
    ----------
    start : MatrixPolynomial
        Y.
    left : sequence of MatrixPolynomial
        The factors of A from the left, W_1 W_2 ...: W_1^T is the first to meet Y.
    right : sequence of MatrixPolynomial
        The factors of B from the right, ... W_2 W_1: W_1^T is the first to meet Y.
    square : Polynomial
        c; n is the number of factors.
    """
    total, remaining, value = TracePolynomial({}), len(left) + len(right), start
    for factor in left:
        remaining -= 1
        gram = factor @ factor.T - square * identity(factor.rows)
        total = total + trace(value.T @ gram @ value) * square**remaining
        value = factor.T @ value
    for factor in right:
        remaining -= 1
        gram = factor.T @ factor - square * identity(factor.columns)
        total = total + trace(value @ gram @ value.T) * square**remaining
        value = value @ factor.T
    return total
