"""Linear networks with biases in words: h_k = W_k h_{k-1} + b_k 1^T on samples X, with targets Y.

The column of ones is a letter `e`: a word knows nothing of it but its shape, and the laws need no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from workbench.errors import InputError
from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.networks import linear_network
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    matrix,
    squared_frobenius_norm,
)


@dataclass(frozen=True)
class BiasedWords:
    """A linear network with biases on finite data, in words.

    Parameters
    ----------
    layers : tuple of Letter
        Layer j at place j-1, shape (d_j, d_{j-1}).
    biases : tuple of Letter
        Bias j at place j-1, shape (d_j, 1).
    inputs, outputs : Letter
        The samples X, shape (d_0, N), and what they are to become, shape (d_L, N).
    """

    layers: tuple[Letter, ...]
    biases: tuple[Letter, ...]
    inputs: Letter
    outputs: Letter

    @property
    def variables(self) -> tuple[Letter, ...]:
        """All that is trained: the layers, then the biases."""
        return (*self.layers, *self.biases)

    @property
    def ones(self) -> Letter:
        """The column of ones, shape (N, 1)."""
        return Letter("e", self.inputs.columns, 1)

    def state(self, k: int) -> MatrixPolynomial:
        """Return h_k, shape (d_k, N); h_0 = X."""
        if not 0 <= k <= len(self.layers):
            raise InputError(f"the network has no state {k}; give a number from 0 to {len(self.layers)}")
        state = matrix(self.inputs)
        for layer, bias in zip(self.layers[:k], self.biases[:k], strict=True):
            state = matrix(layer) @ state + matrix(bias) @ matrix(self.ones).T
        return state

    @cached_property
    def output(self) -> MatrixPolynomial:
        """h_L, shape (d_L, N)."""
        return self.state(len(self.layers))

    @cached_property
    def loss(self) -> TracePolynomial:
        """Half the squared Frobenius norm of h_L - Y, without a division by the number of samples."""
        return squared_frobenius_norm(self.output - matrix(self.outputs)) * Fraction(1, 2)

    @property
    def general_loss(self) -> OpaqueLoss:
        """Any loss of the outputs, with gradient G there, shape (d_L, N)."""
        return OpaqueLoss(self.output, Letter("G", self.outputs.rows, self.outputs.columns))

    def defect(self, j: int) -> MatrixPolynomial:
        """Return the balancedness defect W_{j+1}^T W_{j+1} - W_j W_j^T - b_j b_j^T, 1 <= j < L."""
        upper, lower, bias = matrix(self.layers[j]), matrix(self.layers[j - 1]), matrix(self.biases[j - 1])
        return upper.T @ upper - lower @ lower.T - bias @ bias.T


def biased_network(depth: int, widths: Sequence[Width] | None = None, samples: Width = "N") -> BiasedWords:
    """Return the linear network with biases of a depth in words.

    Parameters
    ----------
    depth : int
        Number of layers, at least 1.
    widths : sequence of int or str, optional
        The widths d_0 ... d_L, numbers or names; by default the names d_0 ... d_L.
    samples : int or str
        Number of samples.

    Raises
    ------
    InputError, ShapeError
        If the depth is below 1, a width is, or there are not depth + 1 widths.
    """
    plain = linear_network(depth, widths)
    biases = tuple(Letter(f"b_{j}", layer.rows, 1) for j, layer in enumerate(plain.layers, start=1))
    inputs, outputs = Letter("X", plain.widths[0], samples), Letter("Y", plain.widths[-1], samples)
    return BiasedWords(plain.layers, biases, inputs, outputs)


def opaque_biased_chain(equal_widths: bool = False) -> BiasedWords:
    """Return a network with biases of any depth seen from layers j and j+1.

    The state h_{j-1} below them is the letter `H_{j-1}`; what lies above is affine, with a matrix W_{L:j+2} and a
    constant c: what is proved of the two layers holds for every depth L > j. They are the first two of the three.
    """
    names = ("d_{j-1}", "d_j", "d_{j+1}", "d_L") if not equal_widths else ("d",) * 4
    matrices, columns = ("W_j", "W_{j+1}", "W_{L:j+2}"), ("b_j", "b_{j+1}", "c")
    return BiasedWords(
        tuple(Letter(name, names[i + 1], names[i]) for i, name in enumerate(matrices)),
        tuple(Letter(name, names[i + 1], 1) for i, name in enumerate(columns)),
        Letter("H_{j-1}", names[0], "N"),
        Letter("Y", names[-1], "N"),
    )
