"""Roots of equations that are proved to exist and to be alone: Newton's method, then Krawczyk's test in balls.

With an approximate inverse Y of the Jacobian at the middle m of a box X, the box
    K = m - Y F(m) + (I - Y F'(X)) (X - m)
holds every root that X holds; where K lies inside X there is exactly one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb, flint, measured, precision
from workbench.exact import Measured

# Values and Jacobian of the equations at a list of balls.
System = Callable[[list[Any]], tuple[list[Any], list[list[Any]]]]

_BITS_A_DIGIT = 3.33
_MOST_STEPS = 60


@dataclass(frozen=True)
class Root:
    """A root, each coordinate enclosed, and whether it is proved to be there and alone in its box."""

    values: tuple[Measured, ...]
    proved: bool


def bits_for(digits: int) -> int:
    """Return the bits in which a root is sought to some digits."""
    return int(digits * _BITS_A_DIGIT) + 64


def enclosed_root(system: System, guess: Sequence[Fraction | float], digits: int) -> Root | None:
    """Return a root near a guess, None where Newton's method finds none.

    Parameters
    ----------
    system : callable
    guess : sequence of numbers
    digits : int
        Decimal digits of every coordinate.
    """
    with precision(2 * bits_for(digits)):
        middle = _newton(system, [arb(Fraction(x)) for x in guess], digits)
        if middle is None:
            return None
        radius = flint().arb(10) ** (-digits - 2)
        box = [x + flint().arb(0, 1) * radius for x in middle]
        _, slopes = system(middle)
        inverse = _inverse(slopes)
        if inverse is None:
            return None
        inside, image = _krawczyk(system, middle, box, inverse)
        proved = inside and all(box[k].contains_interior(image[k]) for k in range(len(box)))
        return Root(tuple(measured(x) for x in (image if proved else box)), proved)


def _newton(system: System, at: list[Any], digits: int) -> list[Any] | None:
    small = flint().arb(10) ** (-digits - 12)
    for _ in range(_MOST_STEPS):
        values, slopes = system(at)
        inverse = _inverse(slopes)
        if inverse is None:
            return None
        moves = [sum((a * b for a, b in zip(row, values, strict=True)), flint().arb(0)) for row in inverse]
        at = [(x - move).mid() for x, move in zip(at, moves, strict=True)]
        if not all(x.is_finite() for x in at):
            return None
        if all(abs(move) < small for move in moves):
            return at
    return None


def _inverse(rows: list[list[Any]]) -> list[list[Any]] | None:
    """Return the middle of the inverse of a matrix, None where it may be singular."""
    matrix = flint().arb_mat([[x.mid() for x in row] for row in rows])
    try:
        inverse = matrix.inv()
    except ZeroDivisionError:
        return None
    return [[x.mid() for x in row] for row in inverse.tolist()]


def _krawczyk(system: System, middle: list[Any], box: list[Any], inverse: list[list[Any]]) -> tuple[bool, list[Any]]:
    values, _ = system(middle)
    _, slopes = system(box)
    if not all(x.is_finite() for row in slopes for x in row):
        return False, box
    size, module = len(middle), flint()
    centred = module.arb_mat([[x] for x in (a - b for a, b in zip(box, middle, strict=True))])
    y = module.arb_mat(inverse)
    unit = module.arb_mat([[int(i == j) for j in range(size)] for i in range(size)])
    image = module.arb_mat([[x] for x in middle]) - y * module.arb_mat([[v] for v in values])
    image += (unit - y * module.arb_mat(slopes)) * centred
    return True, [row[0] for row in image.tolist()]
