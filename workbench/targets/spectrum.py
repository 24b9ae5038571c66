"""Symmetric matrices with a prescribed rational spectrum, in the standard basis or a rotated one.

Phi = U diag(lambda) U^T with U a rational rotation chosen by seed: symmetric and with the given eigenvalues exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.draws import GENERATOR
from workbench.errors import InputError
from workbench.exact import Matrix, rational
from workbench.rotation import product, rotation

MAIN = "eigenvalues"


def build(eigenvalues: Sequence[Any], rotate: Any = None) -> Matrix:
    """Return the matrix.

    Parameters
    ----------
    eigenvalues : sequence of rationals
    rotate : int, optional
        Seed of the rotation; none leaves the matrix diagonal, in the order given.
    """
    values = [rational(x, "an eigenvalue") for x in eigenvalues]
    if not values:
        raise InputError("a spectrum is empty; give at least one eigenvalue")
    family: dict[str, Any] = {"family": "spectrum", "eigenvalues": [str(x) for x in values]}
    label = "spectrum " + ", ".join(str(x) for x in values)
    size = len(values)
    rows = [[values[i] if i == j else 0 * values[i] for j in range(size)] for i in range(size)]
    if rotate is not None:
        number = seed(rotate)
        basis = rotation(size, number)
        scaled = [[x * v for x, v in zip(row, values, strict=True)] for row in basis]
        rows = product(scaled, list(zip(*basis, strict=True)))
        family |= {"rotate": number, "generator": GENERATOR}
        label += f"; rotated, seed {number}"
    return Matrix(tuple(map(tuple, rows)), family=family, eigenvalues=tuple(sorted(values)), label=label)


def seed(value: Any) -> int:
    """Return a seed, a nonnegative integer."""
    number = rational(value, "a seed")
    if number.denominator != 1 or number < 0:
        raise InputError(f"a seed is {value}; give a nonnegative integer")
    return int(number)
