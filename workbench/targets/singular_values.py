"""Square matrices with prescribed rational singular values between two rational rotations.

Phi = U diag(s) V^T; a negative entry of s turns its left vector round and makes the determinant's sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.draws import GENERATOR
from workbench.errors import InputError
from workbench.exact import Matrix, rational
from workbench.rotation import product, rotation
from workbench.targets.spectrum import seed

MAIN = "values"


def build(values: Sequence[Any], rotate: Any = 0) -> Matrix:
    """Return the matrix.

    Parameters
    ----------
    values : sequence of rationals
    rotate : int
        Seed of the two rotations.
    """
    singular = [rational(x, "a singular value") for x in values]
    if not singular:
        raise InputError("there are no singular values; give at least one")
    number = seed(rotate)
    left, right = (rotation(len(singular), number, stream) for stream in ("left", "right"))
    scaled = [[x * v for x, v in zip(row, singular, strict=True)] for row in left]
    rows = product(scaled, list(zip(*right, strict=True)))
    texts = [str(x) for x in singular]
    family = {"family": "singular_values", "values": texts, "rotate": number, "generator": GENERATOR}
    label = f"singular values {', '.join(texts)}; seed {number}"
    return Matrix(tuple(map(tuple, rows)), family=family, label=label)
