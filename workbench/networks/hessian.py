"""The Hessian of the loss of a deep linear network, entry by entry in balls.

With A_i = W_L ... W_{i+1}, B_i = W_{i-1} ... W_1 X, R = W X - Y and a loss f ||R||^2, the entry for (a, b) of layer i
and (c, d) of layer j <= i is 2 f ((A_i^T A_j)_{ac} (B_i B_j^T)_{bd} + [i > j] (A_i^T R B_j^T)_{ad} (W_{i-1} ...
W_{j+1})_{bc}): matrix products, where differencing a gradient would lose digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.backends.ball import arb, flint
from workbench.problem import Problem


def linear_hessian(problem: Problem, layers: Sequence[Any]) -> Any:
    """Return the Hessian, a symmetric arb_mat over all entries, layer by layer and row by row.

    Parameters
    ----------
    problem : Problem
        With a linear network.
    layers : sequence of arb_mat
        Layer j at place j-1, shape (d_j, d_{j-1}). Flint's precision is the caller's.
    """
    depth = len(layers)
    above = [_product(layers[i + 1 :], layers[-1].nrows()) for i in range(depth)]
    data = problem.loss.inputs
    inputs = _identity(layers[0].ncols()) if data is None else _matrix(data.rows)
    below = [_product(layers[:i], layers[0].ncols()) * inputs for i in range(depth)]
    residual = layers[-1] * below[-1] - _matrix(problem.loss.target.rows)
    sizes = [layer.nrows() * layer.ncols() for layer in layers]
    starts = [sum(sizes[:i]) for i in range(depth)]
    hessian = flint().arb_mat(sum(sizes), sum(sizes))
    twice = 2 * arb(problem.loss.factor)
    for i in range(depth):
        for j in range(i + 1):
            outer, inner = above[i].transpose() * above[j], below[i] * below[j].transpose()
            pull = above[i].transpose() * residual * below[j].transpose() if i > j else None
            between = _product(layers[j + 1 : i], layers[j].nrows()) if i > j else None
            columns = layers[i].ncols(), layers[j].ncols()
            for row in range(sizes[i]):
                a, b = divmod(row, columns[0])
                for column in range(sizes[j]):
                    c, d = divmod(column, columns[1])
                    value = outer[a, c] * inner[b, d]
                    if pull is not None and between is not None:
                        value += pull[a, d] * between[b, c]
                    hessian[starts[i] + row, starts[j] + column] = twice * value
                    hessian[starts[j] + column, starts[i] + row] = twice * value
    return hessian


def _product(layers: Sequence[Any], width: int) -> Any:
    """Return the product of some layers, the last on the left; of none the identity."""
    result = layers[0] if layers else _identity(width)
    for layer in layers[1:]:
        result = layer * result
    return result


def _identity(size: int) -> Any:
    return flint().arb_mat([[int(r == c) for c in range(size)] for r in range(size)])


def _matrix(rows: Sequence[Sequence[Any]]) -> Any:
    return flint().arb_mat([[arb(x) for x in row] for row in rows])
