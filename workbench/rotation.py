"""Rational orthogonal matrices: the Cayley transform of a rational skew matrix, by seed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from workbench.draws import integer

Rows = list[list[Fraction]]


def rotation(size: int, seed: int, stream: str = "rotation") -> Rows:
    """Return a rational rotation, shape (size, size), a function of its size and seed.

    (I - S)(I + S)^{-1} with S skew is orthogonal of determinant one, and rational when S is.
    """
    skew = [[Fraction(0)] * size for _ in range(size)]
    index = 0
    for i in range(size):
        for j in range(i):
            # Eighths between -1 and 1: a generic rotation with small denominators.
            skew[i][j] = Fraction(integer(stream, seed, index, -8, 8), 8)
            skew[j][i] = -skew[i][j]
            index += 1
    plus = [[Fraction(int(i == j)) + skew[i][j] for j in range(size)] for i in range(size)]
    # (I + S)^T = I - S, and I - S commutes with the inverse of I + S.
    minus = [list(column) for column in zip(*plus, strict=True)]
    return solve(plus, minus)


def product(a: Sequence[Sequence[Fraction]], b: Sequence[Sequence[Fraction]]) -> Rows:
    """Return the matrix product."""
    columns = list(zip(*b, strict=True))
    return [[sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in columns] for row in a]


def solve(a: Sequence[Sequence[Fraction]], b: Sequence[Sequence[Fraction]]) -> Rows:
    """Return the X with A X = B, exactly; A is invertible."""
    try:
        from flint import fmpq, fmpq_mat
    except ImportError:
        return _eliminate(a, b)
    left, right = (fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in m]) for m in (a, b))
    return [[Fraction(int(x.p), int(x.q)) for x in row] for row in left.solve(right).tolist()]


def determinant(a: Sequence[Sequence[Fraction]]) -> Fraction:
    """Return the determinant, exactly, by elimination over the rationals."""
    table, found = [list(row) for row in a], Fraction(1)
    for column in range(len(table)):
        pivot = next((r for r in range(column, len(table)) if table[r][column] != 0), None)
        if pivot is None:
            return Fraction(0)
        if pivot != column:
            table[column], table[pivot], found = table[pivot], table[column], -found
        found *= table[column][column]
        for row in range(column + 1, len(table)):
            factor = table[row][column] / table[column][column]
            table[row] = [x - factor * y for x, y in zip(table[row], table[column], strict=True)]
    return found


def _eliminate(a: Sequence[Sequence[Fraction]], b: Sequence[Sequence[Fraction]]) -> Rows:
    """Solve by Gauss-Jordan elimination over the rationals."""
    size = len(a)
    table = [list(row) + list(extra) for row, extra in zip(a, b, strict=True)]
    for column in range(size):
        pivot = next(r for r in range(column, size) if table[r][column] != 0)
        table[column], table[pivot] = table[pivot], table[column]
        scale = table[column][column]
        table[column] = [x / scale for x in table[column]]
        for row in range(size):
            factor = table[row][column]
            if row != column and factor != 0:
                table[row] = [x - factor * y for x, y in zip(table[row], table[column], strict=True)]
    return [row[size:] for row in table]
