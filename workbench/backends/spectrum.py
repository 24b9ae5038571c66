"""Eigenvalues of exact symmetric matrices, enclosed by counting.

The characteristic polynomial of a symmetric rational matrix is computed exactly; all its roots are real, so Descartes'
rule counts the roots above any rational *exactly*. A floating eigenvalue is a guess that two counts turn into an
enclosure, and a rational guess that is a root is the eigenvalue itself.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from workbench.exact import Matrix, Measured

# Half-width of a first enclosure, relative to the largest entry; doubled where a count disagrees.
_FIRST_WIDTH = Fraction(1, 2**44)

# How much nearer to zero the end of an enclosure is drawn at a time.
_NEARER = 256


def symmetric_eigenvalues(matrix: Matrix) -> tuple[Measured, ...]:
    """Return the eigenvalues of a symmetric matrix, ascending, each enclosed (exact where rational and found).

    Parameters
    ----------
    matrix : Matrix, shape (d, d)
        Exactly symmetric.
    """
    if matrix.eigenvalues is not None:
        return tuple(Measured(x) for x in matrix.eigenvalues)
    polynomial = _characteristic_polynomial(matrix.rows)
    # Relative to the largest entry: the floats have no room for a matrix of any magnitude.
    top = max(abs(x) for row in matrix.rows for x in row) or Fraction(1)
    floats = np.linalg.eigvalsh(np.array([[float(x / top) for x in row] for row in matrix.rows]))
    return tuple(_enclose(polynomial, index, Fraction(float(guess)) * top, top) for index, guess in enumerate(floats))


def _enclose(polynomial: list[Fraction], index: int, guess: Fraction, scale: Fraction) -> Measured:
    """Return the eigenvalue number `index`, counted from the smallest, near a floating guess."""
    for limit in (64, 10**6):
        candidate = guess.limit_denominator(limit)
        above, equal = _roots_above(polynomial, candidate)
        below = len(polynomial) - 1 - above - equal
        if equal and below <= index < below + equal:
            return Measured(candidate)
    width = _FIRST_WIDTH * scale
    while True:
        lower, upper = guess - width, guess + width
        size = len(polynomial) - 1
        below_lower = size - sum(_roots_above(polynomial, lower))
        above_upper = _roots_above(polynomial, upper)[0]
        if below_lower <= index < size - above_upper:
            return _signed(polynomial, index, lower, upper) if lower < 0 < upper else Measured.between(lower, upper)
        width *= 2


def _signed(polynomial: list[Fraction], index: int, lower: Fraction, upper: Fraction) -> Measured:
    """Return an enclosure of an eigenvalue that has its sign: a hypothesis may hang on it.

    The roots above zero are counted, and the end next to zero is drawn toward it until the eigenvalue lies beyond.
    """
    size = len(polynomial) - 1
    above, equal = _roots_above(polynomial, Fraction(0))
    if size - above - equal <= index < size - above:
        return Measured(Fraction(0))
    positive = index >= size - above
    outer = upper if positive else lower
    while True:
        inner = outer / _NEARER
        greater, at = _roots_above(polynomial, inner)
        beyond = index >= size - greater if positive else index < size - greater - at
        if beyond:
            return Measured.between(inner, outer) if positive else Measured.between(outer, inner)
        outer = inner


def _characteristic_polynomial(rows: tuple[tuple[Fraction, ...], ...]) -> list[Fraction]:
    """Return det(x I - A), coefficients from the constant upward, by Faddeev and LeVerrier."""
    size = len(rows)
    a = np.array(rows, dtype=object)
    identity = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    coefficients = [Fraction(1)]
    power = identity * Fraction(0)
    for k in range(1, size + 1):
        power = a @ power + coefficients[-1] * identity
        coefficients.append(-sum((a @ power).diagonal(), Fraction(0)) / k)
    return coefficients[::-1]


def _roots_above(polynomial: list[Fraction], point: Fraction) -> tuple[int, int]:
    """Return how many roots lie above a point, and how many at it, for a polynomial with real roots only."""
    shifted = list(polynomial)
    for start in range(len(shifted) - 1):  # Taylor shift by synthetic division
        for k in range(len(shifted) - 2, start - 1, -1):
            shifted[k] += point * shifted[k + 1]
    at_point = next(k for k, c in enumerate(shifted) if c != 0)
    signs = [c > 0 for c in shifted if c != 0]
    return sum(a != b for a, b in itertools.pairwise(signs)), at_point
