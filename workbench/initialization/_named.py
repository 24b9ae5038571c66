"""Layers that are not rational: kept by name until a backend carries the operation out, once, in its own arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from workbench.backends import Array, Backend
from workbench.backends.factorisation import balanced_layers
from workbench.exact import Matrix


@dataclass(frozen=True)
class BalancedEntry:
    """An entry of a balanced factor: no rational, so equal to none."""

    layer: BalancedLayer
    row: int
    column: int


@dataclass(frozen=True)
class BalancedLayer(Sequence[Sequence[BalancedEntry]]):
    """Layer W_i of the balanced factorisation of a matrix into L, as rows of named entries.

    Parameters
    ----------
    matrix : Matrix
        Square, with a positive symmetric part.
    depth, number : int
        L, and i from 1.
    """

    matrix: Matrix
    depth: int
    number: int

    def over(self, backend: Backend) -> Array:
        """Return the layer in an arithmetic, with the error that its arrays carry."""
        return balanced_layers(backend, backend.matrix(self.matrix.rows), self.depth)[self.number - 1]

    def __len__(self) -> int:
        return len(self.matrix.rows)

    @overload
    def __getitem__(self, index: int) -> list[BalancedEntry]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[BalancedEntry]]: ...
    def __getitem__(self, index: int | slice) -> list[BalancedEntry] | list[list[BalancedEntry]]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        return [BalancedEntry(self, row, column) for column in range(len(self))]
