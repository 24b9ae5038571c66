"""The parameters of a residual network by their roles, and the gradients of each role.

A trained scale is a 1 x 1 array. The protocol of the backends has no product of an array with another one's number, so
a scale is spread over a matrix by two products with ones, which change no bit of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from workbench.backends import Array, Backend
from workbench.problem import ResidualNetwork


class Parts:
    """A_k, b_k and delta_k of one set of parameters.

    Parameters
    ----------
    network : ResidualNetwork
    backend : Backend
    parameters : tuple of Array
        All of them, in the network's order.
    columns : int
        Number of samples.
    """

    def __init__(self, network: ResidualNetwork, backend: Backend, parameters: tuple[Array, ...], columns: int) -> None:
        depth = network.depth
        self.network, self.backend = network, backend
        self.branches = parameters[:depth]
        self.biases = parameters[depth : 2 * depth] if network.biases else ()
        self.scales = parameters[depth + len(self.biases) :]
        if not network.plain:
            one = [[Fraction(1)]]
            self._down, self._across = backend.matrix(one * network.width), backend.matrix([one[0] * columns])

    def branch(self, k: int, state: Array) -> tuple[Array, Array]:
        """Return z_k = A_k h_k + b_k 1^T and sigma(z_k)."""
        argument = self.backend.matmul(self.branches[k], state)
        if self.biases:
            argument = self.backend.add(argument, self.backend.matmul(self.biases[k], self._across))
        return argument, self.backend.activate(self.network.activation, argument)

    def scaled(self, k: int, matrix: Array, columns: int | None = None) -> Array:
        """Return delta_k times a matrix of d rows; as many columns as there are samples, unless they are counted."""
        backend = self.backend
        if not self.scales:
            return backend.scale(self.network.branch_scale, matrix)
        column = backend.matmul(self._down, self.scales[self._of_block(k)])
        across = self._across if columns is None else backend.matrix([[Fraction(1)] * columns])
        return backend.multiply(backend.matmul(column, across), matrix)

    def _of_block(self, k: int) -> int:
        return k if self.network.scales == "layer" else 0

    def summed(self, matrix: Array) -> Array:
        """Return the sums of the rows, shape (d, 1)."""
        return self.backend.matmul(matrix, self.backend.transpose(self._across))

    def total(self, matrix: Array) -> Array:
        """Return the sum of all entries, 1 x 1."""
        return self.backend.matmul(self.backend.transpose(self._down), self.summed(matrix))

    def gradients(self) -> Gradients:
        """Return gradients of which none is known."""
        return Gradients(self)


@dataclass
class Gradients:
    """The derivatives of the loss, collected from the last block to the first."""

    parts: Parts
    branches: list[Array] = field(default_factory=list)
    biases: list[Array] = field(default_factory=list)
    scales: list[Array] = field(default_factory=list)

    def add(self, k: int, inner: Array, state: Array, value: Array, adjoint: Array) -> None:
        """Take block k's: g_k h_k^T, g_k 1, <M_{k+1}, sigma(z_k)>."""
        backend, parts = self.parts.backend, self.parts
        self.branches.append(backend.matmul(inner, backend.transpose(state)))
        if parts.network.trained == "inner":
            return
        if parts.biases:
            self.biases.append(parts.summed(inner))
        if parts.scales:
            share = parts.total(backend.multiply(adjoint, value))
            if parts.network.scales == "shared" and self.scales:
                self.scales[0] = backend.add(self.scales[0], share)
            else:
                self.scales.append(share)

    def collected(self) -> tuple[Array, ...]:
        """Return the gradients in the order of the parameters that are trained."""
        return (*reversed(self.branches), *reversed(self.biases), *reversed(self.scales))
