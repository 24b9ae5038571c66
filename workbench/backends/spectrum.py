"""Eigenvalues of exact symmetric matrices, enclosed by counting.

The characteristic polynomial of a symmetric rational matrix is computed exactly; all its roots are real, so Descartes'
rule counts the roots above any rational *exactly*. A floating eigenvalue is a guess that two counts turn into an
enclosure, and a rational guess that is a root is the eigenvalue itself. More bits come by quadratic interval
refinement (Abbott 2006): a Newton step guesses a part of the enclosure, two counts say whether it is right, and each
part that was right makes the next as small again.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from workbench.errors import InconsistentError
from workbench.exact import Matrix, Measured

# Half-width of a first enclosure, relative to the largest entry; doubled where a count disagrees.
_FIRST_WIDTH = Fraction(1, 2**44)

# How much nearer to zero the end of an enclosure is drawn at a time.
_NEARER = 256


# Bits of an enclosure relative to the largest entry where no more are asked for.
FIRST_BITS = 44


def symmetric_eigenvalues(matrix: Matrix, bits: int = FIRST_BITS) -> tuple[Measured, ...]:
    """Return the eigenvalues of a symmetric matrix, ascending, each enclosed (exact where rational and found).

    Parameters
    ----------
    matrix : Matrix, shape (d, d)
        Exactly symmetric.
    bits : int
        Where more than 44, of every enclosure relative to its eigenvalue.
    """
    if matrix.eigenvalues is not None:
        return tuple(Measured(x) for x in matrix.eigenvalues)
    polynomial = _characteristic_polynomial(matrix.rows)
    # Relative to the largest entry: the floats have no room for a matrix of any magnitude.
    top = max(abs(x) for row in matrix.rows for x in row) or Fraction(1)
    floats = np.linalg.eigvalsh(np.array([[float(x / top) for x in row] for row in matrix.rows]))
    found = [_enclose(polynomial, index, Fraction(float(guess)) * top, top) for index, guess in enumerate(floats)]
    if bits <= FIRST_BITS:
        return tuple(found)
    simple = _simple(polynomial)
    return tuple(
        _refined(polynomial, simple, index, *_ends(x), bits) if x.error else x for index, x in enumerate(found)
    )


def _ends(value: Measured) -> tuple[Fraction, Fraction]:
    found = value.bounds()
    if found is None:
        raise InconsistentError("the enclosure of an eigenvalue is not finite")
    return found


def _refined(
    polynomial: list[Fraction], simple: list[Fraction], index: int, lower: Fraction, upper: Fraction, bits: int
) -> Measured:
    """Return an enclosure of so many bits from one that holds the eigenvalue and, but for it, nothing near."""
    parts = 2
    while (upper - lower) * 2**bits > 2 * max(abs(lower), abs(upper)):
        half = (upper - lower) / 2 ** (parts + 1)
        guess = _rounded(_newton(simple, (lower + upper) / 2), half)
        below, above = max(guess - half, lower), min(guess + half, upper)
        if below <= above and _holds(polynomial, index, below, above):
            lower, upper, parts = below, above, min(2 * parts, bits)
            continue
        middle = _rounded((lower + upper) / 2, half)
        greater, at = _roots_above(polynomial, middle)
        size = len(polynomial) - 1
        if size - greater - at <= index < size - greater:
            return Measured(middle)
        lower, upper = (middle, upper) if index >= size - greater else (lower, middle)
        parts = max(parts // 2, 1)
    return Measured.between(lower, upper)


def _newton(polynomial: list[Fraction], point: Fraction) -> Fraction:
    """Return the next point of Newton's method, the point itself where the slope is zero."""
    value = slope = Fraction(0)
    for coefficient in reversed(polynomial):
        slope = slope * point + value
        value = value * point + coefficient
    return point - value / slope if slope else point


def _rounded(value: Fraction, unit: Fraction) -> Fraction:
    """Return the number to an eighth of a unit, as a dyadic: its digits do not grow with those of the guess."""
    exponent = unit.denominator.bit_length() - unit.numerator.bit_length() + 4
    scale = Fraction(2) ** exponent
    return Fraction(round(value * scale)) / scale


def _simple(polynomial: list[Fraction]) -> list[Fraction]:
    """Return the polynomial with the same roots, each once: the quotient by the common divisor with its derivative."""
    divisor, rest = polynomial, [k * c for k, c in enumerate(polynomial)][1:]
    while any(rest):
        divisor, rest = rest, _division(divisor, rest)[1]
    return _division(polynomial, divisor)[0]


def _division(a: list[Fraction], b: list[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Return quotient and rest, coefficients from the constant upward, the rest without leading zeros."""
    rest, quotient = list(a), []
    for _ in range(len(a) - len(b) + 1):
        factor = rest[-1] / b[-1]
        quotient.append(factor)
        for k in range(1, len(b) + 1):
            rest[-k] -= factor * b[-k]
        rest.pop()
    while rest and rest[-1] == 0:
        rest.pop()
    return quotient[::-1], rest


def _holds(polynomial: list[Fraction], index: int, lower: Fraction, upper: Fraction) -> bool:
    """Say whether the eigenvalue of an index, counted from the smallest, lies between two points."""
    size = len(polynomial) - 1
    return size - sum(_roots_above(polynomial, lower)) <= index < size - _roots_above(polynomial, upper)[0]


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
        if _holds(polynomial, index, lower, upper):
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
