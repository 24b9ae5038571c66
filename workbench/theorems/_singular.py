"""Squared singular values of exact matrices, enclosed by counting."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from workbench.backends.reals import Real
from workbench.backends.spectrum import FIRST_BITS, symmetric_eigenvalues
from workbench.exact import Matrix, Measured
from workbench.rotation import product
from workbench.theorems._run import Run

Rows = list[list[Fraction]]


def transposed(rows: Sequence[Sequence[Fraction]]) -> Rows:
    """Return the transpose."""
    return [list(column) for column in zip(*rows, strict=True)]


def squared_singular_values(rows: Sequence[Sequence[Fraction]], bits: int = FIRST_BITS) -> tuple[Measured, ...]:
    """Return the squares of the min(m, n) singular values, ascending."""
    wide = [list(row) for row in rows] if len(rows) <= len(rows[0]) else transposed(rows)
    return symmetric_eigenvalues(Matrix(tuple(map(tuple, product(wide, transposed(wide))))), bits)


def singular_values(run: Run, rows: Sequence[Sequence[Fraction]]) -> list[Real]:
    """Return the min(m, n) singular values, ascending."""
    squares = squared_singular_values(rows, run.reals.bits)
    return [run.reals.sqrt(run.reals.maximum(0, run.number(square))) for square in squares]


def rational_start(run: Run) -> list[Rows] | None:
    """Return the initial weights, None where one is not rational."""
    layers = run.initial_weights()
    if all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return [[list(row) for row in layer] for layer in layers]  # type: ignore[arg-type]
    return None
