r"""The balanced factorisation of a matrix into layers, over any backend that has roots.

W = R P in polar form, Q = R^(1/L), S = P^(1/L): the layers are W_i = Q^i S Q^(1-i). Their product is Q^L S^L = W, all
have the singular values of W to the power 1/L, and W_{i+1}^T W_{i+1} = W_i W_i^T = Q^i S^2 Q^(-i)
(`derivations/balanced_factorisation.py`). A matrix with a positive quadratic form has them: if R v = -v then
R^T v = -v and v^T W v = (R^T v)^T P v = -v^T P v < 0, so that R has no eigenvalue -1.
"""

from __future__ import annotations

from workbench.backends.base import Array, Backend


def balanced_layers(backend: Backend, matrix: Array, depth: int) -> tuple[Array, ...]:
    """Return the layers W_1 ... W_L of a square matrix with a positive symmetric part."""
    if depth == 1:
        return (matrix,)
    rotation, stretch = backend.polar_root(matrix, depth)
    turn = backend.orthogonal_root(rotation, depth)
    back = backend.transpose(turn)
    layers = [backend.matmul(turn, stretch)]
    for _ in range(depth - 1):
        layers.append(backend.matmul(backend.matmul(turn, layers[-1]), back))
    return tuple(layers)
