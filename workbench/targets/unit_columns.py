"""Inputs of unit norm, exactly: rational points of the sphere, one a column, by seed.

A point u of the plane goes to (2 u, |u|^2 - 1) / (|u|^2 + 1), the inverse of the stereographic projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.draws import GENERATOR, integer
from workbench.exact import Matrix
from workbench.targets._shape import sizes
from workbench.targets.spectrum import seed as read_seed

MAIN = "shape"

# Points u have coordinates k / _GRID, |k| <= 2 _GRID: unit vectors of a dozen digits, on both halves of the sphere.
_GRID = 64


def build(shape: Sequence[Any], seed: Any = 0) -> Matrix:
    """Return the matrix, shape (d, N).

    Parameters
    ----------
    shape : two integers
        Entries of an input, and their number.
    seed : int
    """
    rows, columns = sizes(shape, "unit_columns:3,2;seed=1")
    number = read_seed(seed)
    points = [_point(rows, number, column) for column in range(columns)]
    family = {"family": "unit_columns", "shape": [rows, columns], "seed": number, "generator": GENERATOR}
    entries = tuple(zip(*points, strict=True))
    return Matrix(entries, family=family, label=f"{columns} unit vectors of {rows} entries, seed {number}")


def _point(size: int, seed: int, column: int) -> list[Fraction]:
    stream = f"unit_columns/{column}"
    if size == 1:
        return [Fraction(2 * integer(stream, seed, 0, 0, 1) - 1)]
    plane = [Fraction(integer(stream, seed, i, -2 * _GRID, 2 * _GRID), _GRID) for i in range(size - 1)]
    square = sum((u * u for u in plane), Fraction(0))
    return [2 * u / (square + 1) for u in plane] + [(square - 1) / (square + 1)]
