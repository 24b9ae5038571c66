"""The deficiency margin and the imbalance of a start: what several convergence rates are made of."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.exact import Matrix, Measured
from workbench.rotation import Rows, product
from workbench.theorems._run import Run


def target_singular_values(run: Run) -> list[Real]:
    """Return the min(d_0, d_L) singular values of the target, descending."""
    rows: Rows = [list(row) for row in run.target.rows]
    if len(rows) > len(rows[0]):
        rows = transposed(rows)
    gram = Matrix(tuple(map(tuple, product(rows, transposed(rows)))))
    return [run.reals.sqrt(run.number(square)) for square in reversed(symmetric_eigenvalues(gram))]


def initial_error(run: Run) -> Real:
    """Return ||W(0) - Phi||_F, from the exact start."""
    first, *others = rational_layers(run) or _enclosed_layers(run)
    for layer in others:
        first = product(layer, first)
    rows = zip(first, run.target.rows, strict=True)
    squares = [(x - y) ** 2 for row, wanted in rows for x, y in zip(row, wanted, strict=True)]
    return run.reals.sqrt(sum(squares, run.number(0)))


def _enclosed_layers(run: Run) -> list[list[list[Any]]]:
    return [[[run.reals.number(x) for x in row] for row in layer] for layer in run.initial_weights()]


def initial_loss(run: Run) -> Real:
    """Return the loss of the exact start, with the factor 1/2."""
    return initial_error(run) ** 2 / 2


def deficiency_margin(run: Run) -> Real:
    """Return the largest c with ||W(0) - Phi||_F <= s_min(Phi) - c."""
    return target_singular_values(run)[-1] - initial_error(run)


def remaining(run: Run, index: int) -> Real:
    """Return [s_index(Phi) - ||W(0) - Phi||_F]_+, counted from 1: a lower bound of that value of W while l <= l_0."""
    values = target_singular_values(run)
    if index > len(values):
        return run.number(0)
    return run.reals.maximum(0, values[index - 1] - initial_error(run))


def size(run: Run, x: Real) -> Real:
    """Return |x|."""
    return run.reals.sqrt(x**2)


def target_frobenius_squared(run: Run) -> Fraction:
    """Return ||Phi||_F^2, exactly."""
    return sum((x * x for row in run.target.rows for x in row), Fraction(0))


def rational_layers(run: Run) -> list[Rows] | None:
    """Return the start, None where an entry is not rational."""
    layers = run.initial_weights()
    if all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return [[list(row) for row in layer] for layer in layers]  # type: ignore[arg-type]
    return None


def imbalance_eigenvalues(layers: Sequence[Rows]) -> list[Measured]:
    """Return the eigenvalues of W_2^T W_2 - W_1 W_1^T, descending."""
    lower, upper = layers
    inner, outer = product(transposed(upper), upper), product(lower, transposed(lower))
    rows = [tuple(x - y for x, y in zip(a, b, strict=True)) for a, b in zip(inner, outer, strict=True)]
    return list(reversed(symmetric_eigenvalues(Matrix(tuple(rows)))))


def positive_part(run: Run, values: Sequence[Measured], index: int) -> Real:
    """Return [x]_+ of the value of an index counted from 1, zero beyond the last."""
    return run.reals.maximum(0, run.number(values[index - 1])) if index <= len(values) else run.number(0)


def negated(values: Sequence[Measured]) -> list[Measured]:
    """Return the negated values, again descending."""
    return [Measured(None if x.value is None else -x.value, x.error) for x in reversed(values)]


def transposed(rows: Rows) -> Rows:
    """Return the transpose."""
    return [list(column) for column in zip(*rows, strict=True)]
