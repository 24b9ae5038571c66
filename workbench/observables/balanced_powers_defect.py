"""Departure from the power laws of a balanced network.

With A_j = W_L ... W_{j+1}, B_j = W_{j-1} ... W_1 and W the end-to-end matrix, the largest over j of
||(A_j A_j^T)^L - (W W^T)^(L-j)||_F and ||(B_j^T B_j)^L - (W^T W)^(j-1)||_F: the polynomial form of
A_j A_j^T = (W W^T)^((L-j)/L), B_j^T B_j = (W^T W)^((j-1)/L).
"""

from __future__ import annotations

from workbench.backends import Array, Backend
from workbench.backends.norms import frobenius_norm
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest departure over the layers."""
    backend, layers = snapshot.backend, snapshot.layers
    product = snapshot.network.end_to_end(layers)
    outer = backend.matmul(product, backend.transpose(product))
    inner = backend.matmul(backend.transpose(product), product)
    parts = []
    for j in range(1, len(layers) + 1):
        left, right = _product(backend, layers[j:]), _product(backend, layers[: j - 1])
        if left is not None:
            gram = backend.matmul(left, backend.transpose(left))
            parts.append(_difference(backend, gram, len(layers), outer, len(layers) - j))
        if right is not None:
            gram = backend.matmul(backend.transpose(right), right)
            parts.append(_difference(backend, gram, len(layers), inner, j - 1))
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in parts)


def _product(backend: Backend, layers: tuple[Array, ...]) -> Array | None:
    if not layers:
        return None
    result = layers[0]
    for layer in layers[1:]:
        result = backend.matmul(layer, result)
    return result


def _difference(backend: Backend, a: Array, p: int, b: Array, q: int) -> Array:
    return backend.subtract(_power(backend, a, p), _power(backend, b, q))


def _power(backend: Backend, a: Array, exponent: int) -> Array:
    result = a
    for _ in range(exponent - 1):
        result = backend.matmul(result, a)
    return result
