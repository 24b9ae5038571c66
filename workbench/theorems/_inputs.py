"""Exact quantities of a loss with inputs: their second moments, the least loss and the matrix that has it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.backends.spectrum import FIRST_BITS, symmetric_eigenvalues
from workbench.exact import Matrix, Measured
from workbench.problem import SquareLoss
from workbench.rotation import product
from workbench.theorems._singular import Rows, transposed


@dataclass(frozen=True)
class Moments:
    """What the inputs X and the labels Y determine.

    Parameters
    ----------
    spectrum : tuple of Measured
        Eigenvalues of X X^T, ascending.
    best : Rows or None, shape (d_L, d_0)
        W* = Y X^T (X X^T)^(-1); None where X X^T is singular.
    least : Fraction or None
        The loss of W*.
    """

    spectrum: tuple[Measured, ...]
    best: Rows | None
    least: Fraction | None


def moments(loss: SquareLoss, bits: int = FIRST_BITS) -> Moments:
    """Return the moments of a loss; whitened inputs are X = I."""
    labels = [list(row) for row in loss.target.rows]
    if loss.inputs is None:
        return Moments((Measured(Fraction(1)),) * loss.target.shape[1], labels, Fraction(0))
    inputs = [list(row) for row in loss.inputs.rows]
    gram = product(inputs, transposed(inputs))
    solved = _solve(gram, product(inputs, transposed(labels)))
    best = None if solved is None else transposed(solved)
    spectrum = symmetric_eigenvalues(Matrix(tuple(map(tuple, gram))), bits)
    if best is None:
        return Moments(spectrum, None, None)
    rest = zip(product(best, inputs), labels, strict=True)
    squares = sum(((x - y) ** 2 for row, wanted in rest for x, y in zip(row, wanted, strict=True)), Fraction(0))
    return Moments(spectrum, best, loss.factor * squares)


def _solve(matrix: Rows, right: Rows) -> Rows | None:
    """Return A^(-1) B by elimination, None where A is singular."""
    size = len(matrix)
    rows = [[*a, *b] for a, b in zip(matrix, right, strict=True)]
    for k in range(size):
        pivot = next((i for i in range(k, size) if rows[i][k] != 0), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(size):
            if i != k and rows[i][k] != 0:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[size:] for row in rows]


def with_inputs(specification: dict[str, Any], rows: list[list[str]], normalisation: str = "half") -> dict[str, Any]:
    """Return a run whose loss has inputs."""
    problem = specification["problem"]
    loss = {**problem["loss"], "inputs": {"rows": rows}, "normalisation": normalisation}
    return {**specification, "problem": {**problem, "loss": loss}}
