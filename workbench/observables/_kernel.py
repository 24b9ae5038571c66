"""The tangent kernel of a linear network, T(X) = sum_j A_j A_j^T X B_j^T B_j, and its spectrum in balls.

A_j = W_L ... W_{j+1} and B_j = W_{j-1} ... W_1: along the gradient flow of the square loss E' = -T(E).
"""

from __future__ import annotations

from typing import Any

from workbench.backends.ball import flint
from workbench.backends.ball_algebra import symmetric_eigenvalues
from workbench.errors import UnsupportedError
from workbench.observables._balls import finite_layers, identity, kronecker
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork

# The kernel is dense on d_L d_0 numbers, and its eigenvectors take the cube of that.
_LARGEST = 100


def kernel_eigenvalues(snapshot: Snapshot) -> list[Any] | None:
    """Return the eigenvalues, ascending, None where the weights are not finite."""
    network = snapshot.network.problem.network
    size = network.widths[0] * network.widths[-1]
    if not isinstance(network, LinearNetwork) or size > _LARGEST:
        raise UnsupportedError(
            f"the tangent kernel is computed for linear networks with d_0 d_L up to {_LARGEST}, not for {size} of a "
            f"{type(network).__name__}"
        )
    layers = finite_layers(snapshot)
    if layers is None:
        return None
    module = flint()
    total = module.arb_mat(size, size)
    for j in range(len(layers)):
        left, right = identity(network.widths[-1]), identity(network.widths[0])
        for layer in reversed(layers[j + 1 :]):
            left = left * layer
        for layer in layers[:j]:
            right = layer * right
        total += kronecker(left * left.transpose(), right.transpose() * right)
    return symmetric_eigenvalues(total)
