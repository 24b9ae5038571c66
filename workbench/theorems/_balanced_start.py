"""The hypothesis that a run starts with balanced layers, decided from their name or from the exact weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

from workbench.exact import Measured
from workbench.initialization import BalancedLayer, Layer
from workbench.rotation import product
from workbench.theorems._run import Run
from workbench.theorems._statement import Hypothesis


def balanced_start(run: Run) -> Hypothesis:
    """Return whether W_{j+1}^T W_{j+1} = W_j W_j^T at the start; the margin is the negated defect."""
    defect = defect_squared(run)
    if defect is None:
        return Hypothesis.unknown("balanced_start")
    margin = Measured(-defect) if defect == 0 else run.reals.measured(-run.reals.sqrt(run.number(defect)))
    return Hypothesis("balanced_start", margin)


def defect_squared(run: Run) -> Fraction | None:
    """Return the largest squared imbalance of the exact start, None where it is not rational.

    A balanced factorisation kept by name is balanced by construction, which no rounded entry could decide.
    """
    layers = run.initial_weights()
    if balanced_by_name(layers):
        return Fraction(0)
    if not all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return None
    largest = Fraction(0)
    for lower, upper in itertools.pairwise(layers):
        inner = product(list(zip(*upper, strict=True)), upper)  # type: ignore[arg-type]
        outer = product(lower, list(zip(*lower, strict=True)))  # type: ignore[arg-type]
        rows = zip(inner, outer, strict=True)
        largest = max(largest, sum(((x - y) ** 2 for a, b in rows for x, y in zip(a, b, strict=True)), Fraction(0)))
    return largest


def balanced_by_name(layers: Sequence[Layer]) -> bool:
    """Say whether the layers are a balanced factorisation kept by name, or one and the same multiple of the identity."""
    if all(isinstance(layer, BalancedLayer) for layer in layers):
        return True
    scale = layers[0][0][0]
    return all(
        len(layer) == len(row) and x == (scale if i == j else 0)
        for layer in layers
        for i, row in enumerate(layer)
        for j, x in enumerate(row)
    )
