"""Matrices of any shape with independent entries, uniform on (-1, 1), by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.draws import GENERATOR, uniform, uniform_numerators
from workbench.errors import InputError
from workbench.exact import Matrix, rational
from workbench.targets.spectrum import seed as read_seed

MAIN = "shape"

BITS = 52


def build(shape: Sequence[Any], seed: Any = 0) -> Matrix:
    """Return the matrix.

    Parameters
    ----------
    shape : two integers
        Rows and columns.
    seed : int
    """
    sizes = [rational(x, "a size") for x in shape]
    if len(sizes) != 2 or any(s.denominator != 1 or s < 1 for s in sizes):
        raise InputError(f"the shape is {list(shape)}; give rows and columns, such as uniform:3,2;seed=1")
    (rows, columns), number = (int(sizes[0]), int(sizes[1])), read_seed(seed)
    entries = tuple(
        tuple(2 * uniform("uniform", number, i * columns + j) - 1 for j in range(columns)) for i in range(rows)
    )
    family = {"family": "uniform", "shape": [rows, columns], "seed": number, "generator": GENERATOR}
    return Matrix(entries, family=family, label=f"uniform {rows} x {columns}, seed {number}")


def batch(seeds: Sequence[int], shape: Sequence[Any]) -> np.ndarray:
    """Return the matrices of many seeds, exact in double precision, shape (number of seeds, rows, columns)."""
    return np.asarray(numerators(uniform_numerators, seeds, shape) * 2.0**-BITS)


def numerators(draw: Callable[..., Any], seeds: Sequence[int], shape: Sequence[Any]) -> Any:
    """Return the matrices of many seeds as integers over 2^BITS, in arrays of the kind that `draw` returns."""
    rows, columns = (int(size) for size in shape)
    return (draw("uniform", seeds, rows * columns) - 2**BITS).reshape(-1, rows, columns)
