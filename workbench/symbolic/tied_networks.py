"""Linear networks with tied weights in words: one letter W used L times, W^L.

The gradient comes from the same differential as any other: the letter moves wherever it stands, so that the gradient is
the sum over its places. Nothing here knows of that sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from workbench.symbolic.calculus import Calculus, Loss, OpaqueLoss
from workbench.symbolic.networks import NetworkWords, linear_network, square_loss_on_data
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    matrix,
    squared_frobenius_norm,
)


@dataclass(frozen=True)
class TiedWords:
    """The network W^L with a target, in words.

    Parameters
    ----------
    layer : Letter
        W, square.
    depth : int
        How often it is used.
    target : Letter
        The target Phi, of the same shape.
    """

    layer: Letter
    depth: int
    target: Letter

    @property
    def untied(self) -> NetworkWords:
        """The network of as many layers of their own."""
        return linear_network(self.depth, (self.layer.rows,) * (self.depth + 1))

    @property
    def tie(self) -> Restriction:
        """That all layers of the untied network are W."""
        return Restriction(
            name="all layers are one matrix W", letters=dict.fromkeys(self.untied.layers, matrix(self.layer))
        )

    @cached_property
    def end_to_end(self) -> MatrixPolynomial:
        """W^L."""
        return matrix(self.layer) ** self.depth

    @cached_property
    def loss(self) -> TracePolynomial:
        """Half the squared Frobenius norm of W^L - Phi."""
        return squared_frobenius_norm(self.end_to_end - matrix(self.target)) * Fraction(1, 2)

    @property
    def general_loss(self) -> OpaqueLoss:
        """Any loss of the end-to-end matrix, with gradient G there."""
        return OpaqueLoss(self.end_to_end, Letter("G", self.target.rows, self.target.columns))

    def data_loss(self, samples: Width = "N") -> TracePolynomial:
        """Return half the squared Frobenius norm of W^L X - Y, without a division by the number of samples."""
        return square_loss_on_data(self.end_to_end, samples)

    def mean_gradient(self, calculus: Calculus, loss: Loss) -> MatrixPolynomial:
        """Return the mean over the L places of W: the gradient of the tied loss divided by L."""
        return calculus.gradient(loss, self.layer) * Fraction(1, self.depth)


def tied_network(depth: int, width: Width = "d") -> TiedWords:
    """Return the network of one matrix used `depth` times, in words.

    Raises
    ------
    InputError, ShapeError
        If the depth or the width is below 1.
    """
    network = linear_network(depth, (width,) * (depth + 1))
    return TiedWords(Letter("W", width, width), depth, network.target)
