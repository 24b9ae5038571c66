"""The deficiency margin and the imbalance of a start: what several convergence rates are made of."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Matrix, Measured
from workbench.problem import LinearNetwork
from workbench.rotation import Rows, product
from workbench.theorems._balanced_start import balanced_by_name
from workbench.theorems._run import Run


def target_singular_values(run: Run) -> list[Real]:
    """Return the min(d_0, d_L) singular values of the target, descending."""
    rows: Rows = [list(row) for row in run.target.rows]
    if len(rows) > len(rows[0]):
        rows = transposed(rows)
    gram = Matrix(tuple(map(tuple, product(rows, transposed(rows)))))
    return [run.reals.sqrt(run.number(square)) for square in reversed(run.spectrum(gram))]


def initial_error(run: Run) -> Real:
    """Return ||W(0) - Phi||_F, from the exact start."""
    exact = run.initial_product()
    first = _enclosed_product(run) if exact is None else exact
    rows = zip(first, run.target.rows, strict=True)
    squares = [(x - y) ** 2 for row, wanted in rows for x, y in zip(row, wanted, strict=True)]
    return run.reals.sqrt(sum(squares, run.number(0)))


def _enclosed_product(run: Run) -> Any:
    first, *others = [[[run.reals.number(x) for x in row] for row in layer] for layer in run.initial_weights()]
    for layer in others:
        columns = list(zip(*first, strict=True))
        first = [[sum((x * y for x, y in zip(r, c, strict=True)), run.number(0)) for c in columns] for r in layer]
    return first


def initial_loss(run: Run) -> Real:
    """Return the loss of the exact start."""
    return run.trajectory.problem.loss.factor * initial_error(run) ** 2


def linear(run: Run) -> bool:
    """Say whether a linear network is trained toward a target: then margins and imbalances are numbers."""
    problem = run.trajectory.problem
    return isinstance(problem.network, LinearNetwork) and problem.whitened


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


def imbalances(run: Run) -> list[Rows] | None:
    """Return W_{j+1}^T W_{j+1} - W_j W_j^T of every two neighbours, None where the start is not rational."""
    layers = run.initial_weights()
    if balanced_by_name(layers):
        return [[[Fraction(0)] * width for _ in range(width)] for width in run.widths[1:-1]]
    if not all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return None
    found = []
    for lower, upper in itertools.pairwise(layers):
        inner, outer = product(transposed(upper), upper), product(lower, transposed(lower))  # type: ignore[arg-type]
        found.append([[x - y for x, y in zip(a, b, strict=True)] for a, b in zip(inner, outer, strict=True)])
    return found


def descending_eigenvalues(run: Run, rows: Rows) -> list[Measured]:
    """Return the eigenvalues of a symmetric matrix, descending."""
    return list(reversed(run.spectrum(Matrix(tuple(map(tuple, rows))))))


def positive_part(run: Run, values: Sequence[Measured], index: int) -> Real:
    """Return [x]_+ of the value of an index counted from 1, zero beyond the last."""
    return run.reals.maximum(0, run.number(values[index - 1])) if index <= len(values) else run.number(0)


def negated(values: Sequence[Measured]) -> list[Measured]:
    """Return the negated values, again descending."""
    return [Measured(None if x.value is None else -x.value, x.error) for x in reversed(values)]


def transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the transpose."""
    return [list(column) for column in zip(*rows, strict=True)]
