"""The identity plus independent uniform entries, within a Frobenius distance of it, by seed.

Entries are multiples of 2^-50 below 2, so that double precision holds every one of these matrices exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import GENERATOR, uniform, uniform_numerators
from workbench.errors import InputError
from workbench.exact import Matrix, rational
from workbench.targets.spectrum import seed as read_seed

MAIN = "shape"

_DRAW_BITS, _SCALE_BITS = 30, 20
BITS = _DRAW_BITS + _SCALE_BITS


def build(shape: Sequence[Any], radius: Any = "1/10", symmetric: Any = 0, seed: Any = 0) -> Matrix:
    """Return the matrix.

    Parameters
    ----------
    shape : two equal integers
        Rows and columns.
    radius : rational
        Bound of the Frobenius distance to the identity, at most 1.
    symmetric : {0, 1}
        Whether the lower triangle mirrors the upper one.
    seed : int
    """
    width, bound, mirrored, number = _size(shape), rational(radius, "the radius"), _flag(symmetric), read_seed(seed)
    scale = _scale(width, bound)
    heads = [_head(uniform("near_identity", number, k).numerator) for k in range(width * width)]
    rows = []
    for i in range(width):
        places = [(min(i, j), max(i, j)) if mirrored else (i, j) for j in range(width)]
        rows.append(
            tuple(int(i == j) + Fraction(scale * heads[a * width + b], 2**BITS) for j, (a, b) in enumerate(places))
        )
    family = {
        "family": "near_identity",
        "shape": [width, width],
        "radius": str(bound),
        "symmetric": int(mirrored),
        "seed": number,
        "generator": GENERATOR,
    }
    return Matrix(tuple(rows), family=family, label=f"within {bound} of the {width} x {width} identity, seed {number}")


def batch(seeds: Sequence[int], shape: Sequence[Any], radius: Any = "1/10", symmetric: Any = 0) -> np.ndarray:
    """Return the matrices of many seeds, exact in double precision, shape (number of seeds, d, d)."""
    return np.asarray(numerators(uniform_numerators, seeds, shape, radius, symmetric) * 2.0**-BITS)


def numerators(
    draw: Callable[..., Any], seeds: Sequence[int], shape: Sequence[Any], radius: Any = "1/10", symmetric: Any = 0
) -> Any:
    """Return the matrices of many seeds as integers over 2^BITS, in arrays of the kind that `draw` returns.

    Parameters
    ----------
    draw : callable
        `uniform_numerators` of `workbench.draws`, or another that draws the same.
    """
    width = _size(shape)
    scale = _scale(width, rational(radius, "the radius"))
    heads = _head(draw("near_identity", seeds, width * width))
    if _flag(symmetric):
        heads = heads[:, [min(i, j) * width + max(i, j) for i in range(width) for j in range(width)]]
    scaled = heads * scale
    scaled[:, :: width + 1] += 2**BITS
    return scaled.reshape(-1, width, width)


def _head(numerator: Any) -> Any:
    """Return an odd integer within 2^30 from the leading bits of a draw over 2^53."""
    return 2 * (numerator >> (53 - _DRAW_BITS)) + 1 - 2**_DRAW_BITS


def _scale(width: int, radius: Fraction) -> int:
    """Return the largest entry, radius / width rounded down to a multiple of 2^-20, by its numerator."""
    if not 0 < radius <= 1:
        raise InputError(f"the radius is {radius}; give a rational between 0 and 1")
    return int(radius * 2**_SCALE_BITS / width)


def _size(shape: Sequence[Any]) -> int:
    sizes = [rational(x, "a size") for x in shape]
    if len(sizes) != 2 or sizes[0] != sizes[1] or sizes[0].denominator != 1 or sizes[0] < 1:
        raise InputError(f"the shape is {list(shape)}; give rows and as many columns, such as near_identity:4,4;seed=1")
    return int(sizes[0])


def _flag(value: Any) -> bool:
    flag = rational(value, "symmetric") if not isinstance(value, bool) else Fraction(int(value))
    if flag not in (0, 1):
        raise InputError(f"symmetric is {value}; give 0 or 1")
    return flag == 1
