"""Deep linear networks in words: any depth, widths that are numbers or names, square, data and opaque losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from workbench.errors import InputError, ShapeError
from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    identity,
    matrix,
    multiply,
    squared_frobenius_norm,
)


@dataclass(frozen=True)
class NetworkWords:
    """A deep linear network W_L ... W_1 with a target, in words.

    Parameters
    ----------
    layers : tuple of Letter
        Layer j at place j-1, shape (d_j, d_{j-1}).
    target : Letter
        The target Phi, shape (d_L, d_0).
    """

    layers: tuple[Letter, ...]
    target: Letter

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.layers)

    @property
    def widths(self) -> tuple[Width, ...]:
        """The widths d_0 ... d_L."""
        return (self.layers[0].columns, *(layer.rows for layer in self.layers))

    def layer(self, j: int) -> MatrixPolynomial:
        """Return layer j, counted from 1."""
        return matrix(self.layers[j - 1])

    def above(self, j: int) -> MatrixPolynomial:
        """Return A_j = W_L ... W_{j+1}."""
        return multiply([self.layer(i) for i in range(self.depth, j, -1)], self.widths[-1])

    def below(self, j: int) -> MatrixPolynomial:
        """Return B_j = W_{j-1} ... W_1."""
        return multiply([self.layer(i) for i in range(j - 1, 0, -1)], self.widths[0])

    @cached_property
    def end_to_end(self) -> MatrixPolynomial:
        """W = W_L ... W_1."""
        return self.above(0)

    @property
    def error(self) -> MatrixPolynomial:
        """E = W - Phi."""
        return self.end_to_end - matrix(self.target)

    @cached_property
    def loss(self) -> TracePolynomial:
        """Half the squared Frobenius norm of the error."""
        return squared_frobenius_norm(self.error) * Fraction(1, 2)

    @property
    def general_loss(self) -> OpaqueLoss:
        """Any loss of the end-to-end matrix, with gradient G there."""
        return OpaqueLoss(self.end_to_end, Letter("G", self.target.rows, self.target.columns))

    def data_loss(self, samples: Width = "N") -> TracePolynomial:
        """Return half the squared Frobenius norm of W X - Y, without a division by the number of samples."""
        return square_loss_on_data(self.end_to_end, samples)

    def defect(self, j: int) -> MatrixPolynomial:
        """Return the balancedness defect D_j = W_{j+1}^T W_{j+1} - W_j W_j^T, 1 <= j < L."""
        upper, lower = self.layer(j + 1), self.layer(j)
        return upper.T @ upper - lower @ lower.T


def square_loss_on_data(end_to_end: MatrixPolynomial, samples: Width) -> TracePolynomial:
    """Return half the squared Frobenius norm of W X - Y."""
    inputs = matrix(Letter("X", end_to_end.columns, samples))
    outputs = matrix(Letter("Y", end_to_end.rows, samples))
    return squared_frobenius_norm(end_to_end @ inputs - outputs) * Fraction(1, 2)


def linear_network(depth: int, widths: Sequence[Width] | None = None) -> NetworkWords:
    """Return the deep linear network of a depth in words.

    Parameters
    ----------
    depth : int
        Number of layers, at least 1.
    widths : sequence of int or str, optional
        The widths d_0 ... d_L, numbers or names; by default the names d_0 ... d_L.

    Raises
    ------
    InputError, ShapeError
        If the depth is below 1, a width is, or there are not depth + 1 widths.
    """
    if depth < 1:
        raise InputError(f"the depth is {depth}; a network has at least 1 layer")
    sizes = tuple(widths) if widths is not None else tuple(f"d_{j}" for j in range(depth + 1))
    if len(sizes) != depth + 1:
        raise ShapeError(f"{len(sizes)} widths are given but depth {depth} takes {depth + 1}")
    for size in sizes:
        if isinstance(size, int) and size < 1:
            raise ShapeError(f"a width is {size}; a width is at least 1")
    layers = tuple(Letter(f"W_{j}", sizes[j], sizes[j - 1]) for j in range(1, depth + 1))
    return NetworkWords(layers, Letter("Phi", sizes[-1], sizes[0]))


def opaque_chain(equal_widths: bool = False) -> NetworkWords:
    """Return a network of any depth seen from layers j and j+1: W = A W_{j+1} W_j B.

    A = W_{L:j+2} and B = W_{j-1:1} are letters, so what is proved of the two layers holds for every depth L > j
    (with the identity for a letter that is an empty product). The two layers are the second and third of the four.
    """
    names = ("d_0", "d_{j-1}", "d_j", "d_{j+1}", "d_L") if not equal_widths else ("d",) * 5
    letters = ("W_{j-1:1}", "W_j", "W_{j+1}", "W_{L:j+2}")
    layers = tuple(Letter(name, names[i + 1], names[i]) for i, name in enumerate(letters))
    return NetworkWords(layers, Letter("Phi", names[-1], names[0]))


@dataclass(frozen=True)
class ResidualWords:
    """A linear residual network (I + delta A_L) ... (I + delta A_1) with a target, in words.

    Parameters
    ----------
    branches : tuple of Letter
        A_j at place j-1, all of one width.
    target : Letter
        The target Phi.
    """

    branches: tuple[Letter, ...]
    target: Letter

    def block(self, j: int) -> MatrixPolynomial:
        """Return I + delta A_j, counted from 1."""
        return identity(self.target.rows) + Polynomial.symbol("delta") * matrix(self.branches[j - 1])

    @cached_property
    def end_to_end(self) -> MatrixPolynomial:
        """The product of the blocks."""
        return multiply([self.block(j) for j in range(len(self.branches), 0, -1)], self.target.rows)

    @cached_property
    def loss(self) -> TracePolynomial:
        """Half the squared Frobenius norm of the error."""
        return squared_frobenius_norm(self.end_to_end - matrix(self.target)) * Fraction(1, 2)

    @property
    def general_loss(self) -> OpaqueLoss:
        """Any loss of the end-to-end matrix, with gradient G there."""
        return OpaqueLoss(self.end_to_end, Letter("G", self.target.rows, self.target.columns))

    def data_loss(self, samples: Width = "N") -> TracePolynomial:
        """Return half the squared Frobenius norm of W X - Y, without a division by the number of samples."""
        return square_loss_on_data(self.end_to_end, samples)


def residual_network(depth: int, width: Width = "d") -> ResidualWords:
    """Return the linear residual network of a depth and a width in words, with the branch scale delta."""
    layers = linear_network(depth, (width,) * (depth + 1))
    branches = tuple(Letter(f"A_{j}", width, width) for j in range(1, depth + 1))
    return ResidualWords(branches, layers.target)
