"""The balanced factorisation of a matrix, kept by name: W_i = R^(i/L) P^(1/L) R^(-(i-1)/L) for M = R P.

The entries are irrational in general. The operation `balanced(MATRIX)` is carried out once in each arithmetic, balls
enclosing it, and that the start is balanced with the product M is known from the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.errors import InputError, ShapeError
from workbench.exact import Exact, Matrix
from workbench.initialization._named import BalancedLayer
from workbench.problem import LinearNetwork, Network


def weights(network: Network, matrix: Sequence[Any]) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
        Linear, all layers square of the matrix's size.
    matrix : rows
        The end-to-end matrix M, with u^T M u > 0 for every u: then the polar factor has principal roots.
    """
    product = Matrix.from_rows(matrix)
    size = len(product.rows)
    if not isinstance(network, LinearNetwork) or set(network.widths) != {size} or product.shape != (size, size):
        shape = " x ".join(map(str, product.shape))
        raise ShapeError(f"the start balanced({shape} matrix) needs a linear network with every width {size}")
    columns = tuple(zip(*product.rows, strict=True))
    even = tuple(
        tuple((x + y) / 2 for x, y in zip(*pair, strict=True)) for pair in zip(product.rows, columns, strict=True)
    )
    bounds = symmetric_eigenvalues(Matrix(even))[0].bounds()
    if bounds is None or bounds[0] <= 0:
        raise InputError(
            "the matrix of a balanced start has u^T M u <= 0 for some u; give one with a positive symmetric part"
        )
    return [BalancedLayer(product, network.depth, index) for index in range(1, network.depth + 1)]  # type: ignore[misc]
