"""Symmetric positive definite matrices of a given condition number, their spectra drawn log-uniformly, by seed.

The extreme eigenvalues are s/sqrt(kappa) and kappa times that (the root rounded), with a random scale s in [1/2, 2];
those between are log-uniform. All are dyadics: draws are rounded to multiples of 2^-20, far above the last bits of the
machine's powers. The matrix is diagonal, or rotated by the rational rotation of the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import GENERATOR, uniform_numerators
from workbench.errors import InputError
from workbench.exact import Matrix, rational
from workbench.targets import spectrum
from workbench.targets.spectrum import seed as read_seed

MAIN = "shape"

_BITS = 20
_ONE = 2**_BITS


def build(shape: Sequence[Any], condition: Any = 1, rotate: Any = 0, seed: Any = 0) -> Matrix:
    """Return the matrix.

    Parameters
    ----------
    shape : two equal integers
    condition : rational
        kappa, at least 1; 1 gives a multiple of the identity.
    rotate : {0, 1}
        Whether the matrix is rotated.
    seed : int
    """
    number = read_seed(seed)
    if str(rotate) not in ("0", "1"):
        raise InputError(f"rotate is {rotate!r}; give 0 or 1")
    [values] = exact_spectra([number], shape, condition)
    plain = spectrum.build(values, number if int(rotate) else None)
    kappa = rational(condition, "the condition number")
    family = {"family": "conditioned", "shape": [len(values)] * 2, "condition": str(kappa), "seed": number}
    family |= {"rotate": int(rotate), "generator": GENERATOR}
    label = f"condition number {kappa}, width {len(values)}, seed {number}" + ("; rotated" if int(rotate) else "")
    return Matrix(plain.rows, family=family, eigenvalues=plain.eigenvalues, label=label)


def exact_spectra(seeds: Sequence[int], shape: Sequence[Any], condition: Any) -> list[list[Fraction]]:
    """Return the eigenvalues of many seeds."""
    lowest, ratios, kappa = _drawn(seeds, shape, condition)
    scale = Fraction(1, _ONE * _ONE)
    return [
        [low * _ONE * scale, *(low * int(r) * scale for r in row), low * _ONE * scale * kappa][: _size(shape)]
        for low, row in zip(lowest.tolist(), ratios, strict=True)
    ]


def spectra(seeds: Sequence[int], shape: Sequence[Any], condition: Any) -> np.ndarray:
    """Return the eigenvalues of many seeds in double precision, each within one rounding, shape (seeds, d)."""
    lowest, ratios, kappa = _drawn(seeds, shape, condition)
    low = lowest * 2.0 ** (-_BITS)
    inner = low[:, None] * (ratios * 2.0 ** (-_BITS))
    return np.column_stack([low, inner, low * float(kappa)])[:, : _size(shape)]


def _drawn(seeds: Sequence[int], shape: Sequence[Any], condition: Any) -> tuple[np.ndarray, np.ndarray, Fraction]:
    """Return the least eigenvalues and the inner ones over them, as multiples of 2^-20, and kappa."""
    size, kappa = _size(shape), rational(condition, "the condition number")
    if kappa < 1 or (size == 1 and kappa != 1):
        raise InputError(f"the condition number is {kappa}; give at least 1, and 1 for width one")
    if kappa > 2**30:
        raise InputError(f"the condition number is {kappa}; give at most 2^30")
    heads = uniform_numerators("conditioned", seeds, max(size - 1, 1)) * 2.0**-53
    root = round(_ONE / math.sqrt(kappa))
    lowest = np.rint(2.0 ** (2 * heads[:, 0] - 1) * root).astype(np.int64)
    # A drawn ratio may round to the ends, never beyond them.
    ratios = np.rint(float(kappa) ** heads[:, 1:] * _ONE).clip(_ONE, float(kappa) * _ONE).astype(np.int64)
    return lowest, ratios, kappa


def _size(shape: Sequence[Any]) -> int:
    sizes = [rational(n, "the shape") for n in shape] if isinstance(shape, list | tuple) else []
    if len(sizes) != 2 or sizes[0] != sizes[1] or sizes[0] < 1 or sizes[0].denominator != 1:
        raise InputError(f"the shape is {shape!r}; give two equal positive integers such as [4, 4]")
    return int(sizes[0])
