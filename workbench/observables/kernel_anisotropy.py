"""How far the neural tangent kernel P of a linear network is from the multiple of X^T X x I that has its trace.

The Frobenius norm of P - (tr P / (d_L tr X^T X)) X^T X x I, P = sum_j (X^T B_j^T B_j X) x (A_j A_j^T).
"""

from __future__ import annotations

from typing import Any

from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._balls import finite_layers, identity, kronecker
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork

# The kernel is dense, of this size or less.
_LARGEST = 200


def measure(snapshot: Snapshot) -> Measured:
    """Return the distance; linear networks of up to 200 outputs times samples."""
    problem = snapshot.network.problem
    size = problem.loss.target.shape[0] * problem.loss.target.shape[1]
    if not isinstance(problem.network, LinearNetwork) or size > _LARGEST:
        raise UnsupportedError(
            f"the kernel is computed for linear networks with up to {_LARGEST} outputs times samples, not for {size} "
            f"of a {type(problem.network).__name__}"
        )
    matrices = finite_layers(snapshot)
    if matrices is None:
        return UNKNOWN
    inputs = problem.loss.inputs
    data = identity(matrices[0].ncols()) if inputs is None else _exact(inputs.rows)
    gram = data.transpose() * data
    kernel = _kernel(matrices, data)
    level = kernel.trace() / (gram.trace() * matrices[-1].nrows())
    return measured(frobenius_norm(kernel - level * kronecker(gram, identity(matrices[-1].nrows()))))


def _kernel(layers: list[Any], data: Any) -> Any:
    below = [data]
    for layer in layers[:-1]:
        below.append(layer * below[-1])
    above, total = identity(layers[-1].nrows()), None
    for layer, lower in zip(reversed(layers), reversed(below), strict=True):
        part = kronecker(lower.transpose() * lower, above * above.transpose())
        total, above = part if total is None else total + part, above * layer
    return total


def _exact(rows: Any) -> Any:
    return flint().arb_mat([[arb(x) for x in row] for row in rows])
