"""Taylor coefficients of the gradient flow of a deep linear network, in balls around exact points.

With W_i(t) = sum_k W_i^(k) t^k, prefixes P_i = W_i P_{i-1}, E = P_L - Y, suffixes B_{i-1} = W_i^T B_i from B_L = 2c E,
every product is a convolution and (k+1) W_i^(k+1) = -(B_i P_{i-1}^T)^(k). A convolution is one product of a block
row with a block column, so that the inner sums run in Arb.

Each new coefficient is cut to its midpoint: the polynomial has exact coefficients, and what was cut off becomes part
of its defect, coefficient by coefficient. Hence coefficient k may be computed at falling precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from workbench.backends.ball_frames import frobenius

# Blocks of room that a wide matrix is made with.
_ROOM = 8

# Coefficient k of N is computed with a share 1 - _FALL k/N of the bits, and never with fewer than _LEAST_BITS:
# it is multiplied by h^k, which is below 2^(-bits k/N) at the step length that the order is chosen for.
_FALL = 0.75
_LEAST_BITS = 96


def falling_bits(bits: int, k: int, order: int) -> int:
    """Return the precision that coefficient k of a series needs."""
    return max(_LEAST_BITS, round(bits * (1 - _FALL * k / order)))


class Series:
    """A matrix power series as left factor (one wide matrix that grows) and as right factor (its blocks).

    A matrix of balls takes twice as long to fill from a list as to multiply: the left one is kept and only added to.
    """

    def __init__(self) -> None:
        self.wide: Any = None
        self.blocks: list[list[Any]] = []
        self.shape = (0, 0)
        self._filled = 0

    def append(self, block: Any) -> None:
        """Add the next coefficient."""
        self.blocks.append(block.entries())
        self.shape = (block.nrows(), block.ncols())

    def as_left(self, flint: Any) -> Any:
        """Return the coefficients side by side, and zeros up to the room that is kept."""
        (rows, inner), count = self.shape, len(self.blocks)
        if self.wide is None or self.wide.ncols() < count * inner:
            self.wide, self._filled = flint.arb_mat(rows, (count + _ROOM) * inner), 0
        for k in range(self._filled, count):
            for place, value in enumerate(self.blocks[k]):
                self.wide[place // inner, k * inner + place % inner] = value
        self._filled = count
        return self.wide


def convolution(flint: Any, left: Series, right: Series) -> Any:
    """Return the last coefficient of a product of two series of equal length."""
    wide, columns = left.as_left(flint), right.shape[1]
    entries = list(chain.from_iterable(reversed(right.blocks)))
    rows = wide.ncols()
    return wide * flint.arb_mat(rows, columns, entries + [0] * (rows * columns - len(entries)))


@dataclass
class Expansion:
    """A Taylor polynomial of the flow and what its defect is made of.

    Parameters
    ----------
    layers : list of list of arb_mat
        For each layer its exact coefficients 0 ... N.
    residuals : list of arb_mat
        Coefficients 0 ... N - 1 of W X - Y along the polynomial.
    cut : list of arb
        Entry k bounds the Frobenius norm of the defect's coefficient k, k < N.
    """

    layers: list[list[Any]]
    residuals: list[Any]
    cut: list[Any]

    def at(self, time: Any) -> tuple[Any, ...]:
        """Return the polynomial at a time, enclosed."""
        values = []
        for coefficients in self.layers:
            value = coefficients[-1]
            for coefficient in reversed(coefficients[:-1]):
                value = value * time + coefficient
            values.append(value)
        return tuple(values)


class BallSeries:
    """What recursions in balls share: they start from any exact point, and their rounding is part of the defect."""

    def on_grid(self, point: tuple[Any, ...], order: int) -> tuple[tuple[Any, ...], int]:
        """Return a point from which an expansion can start, and its distance: the point itself."""
        return point, 0


class FlowSeries(BallSeries):
    """The recursion for the coefficients.

    Parameters
    ----------
    flint : module
    twice : arb
        2c, twice the factor of the loss.
    target : arb_mat
        Y.
    inputs : arb_mat or None
        X; None for the identity.
    precision : callable
        Context that sets the precision.
    """

    def __init__(self, flint: Any, twice: Any, target: Any, inputs: Any, precision: Callable[[int], Any]) -> None:
        self._flint, self._twice, self._target, self._inputs = flint, twice, target, inputs
        self._precision = precision

    def expand(self, start: tuple[Any, ...], order: int) -> Expansion:
        """Return the expansion of an order N >= 1 around an exact point."""
        depth, bits = len(start), self._flint.ctx.prec
        layers: list[list[Any]] = [[layer] for layer in start]
        forward = [Series() for _ in range(depth)]
        transposed = [Series() for _ in range(depth)]
        prefixes, prefixes_transposed = [Series() for _ in range(depth)], [Series() for _ in range(depth)]
        suffixes = [Series() for _ in range(depth)]
        residuals, cut = [], []
        for k in range(order):
            with self._precision(falling_bits(bits, k, order)):
                for i in range(depth):
                    forward[i].append(layers[i][k])
                    transposed[i].append(layers[i][k].transpose())
                    prefix = self._first(layers[0][k]) if i == 0 else self._convolve(forward[i], prefixes[i - 1])
                    prefixes[i].append(prefix)
                    prefixes_transposed[i].append(prefix.transpose())
                residuals.append(prefix - self._target if k == 0 else prefix)
                suffix = residuals[-1] * self._twice
                squares = self._flint.arb(0)
                for i in range(depth - 1, -1, -1):
                    suffixes[i].append(suffix)
                    gradient = self._gradient(i, suffixes[i], prefixes_transposed)
                    coefficient = gradient / self._flint.arb(-(k + 1))
                    layers[i].append(coefficient.mid())
                    removed = (k + 1) * frobenius(coefficient - coefficient.mid())
                    squares += removed * removed
                    if i > 0:
                        suffix = self._convolve(transposed[i], suffixes[i])
                cut.append(squares.sqrt().upper())
        return Expansion(layers, residuals, cut)

    def _first(self, layer: Any) -> Any:
        return layer if self._inputs is None else layer * self._inputs

    def _gradient(self, index: int, suffix: Series, prefixes_transposed: list[Series]) -> Any:
        if index > 0:
            return self._convolve(suffix, prefixes_transposed[index - 1])
        rows, columns = suffix.shape
        last = self._flint.arb_mat(rows, columns, suffix.blocks[-1])
        return last if self._inputs is None else last * self._inputs.transpose()

    def _convolve(self, left: Series, right: Series) -> Any:
        return convolution(self._flint, left, right)
