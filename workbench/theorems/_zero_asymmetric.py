"""What the statements on the zero-asymmetric start share: its hypotheses and its source."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from workbench.theorems._examples import BALL, experiment
from workbench.theorems._run import Run
from workbench.theorems._statement import Hypothesis, Source

_WU_2019 = Source(
    authors="Lei Wu, Qingcan Wang, Chao Ma",
    year=2019,
    title="Global convergence of gradient descent for deep linear residual networks",
    where="NeurIPS 2019; arXiv:1911.00645",
    url="https://arxiv.org/abs/1911.00645",
)


def wu_2019(locator: str) -> Source:
    """Return Wu, Wang, Ma (2019) at a place."""
    return replace(_WU_2019, locator=locator)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Return setting, square lower layers, and the start."""
    return [
        run.setting(square=False),
        Hypothesis.decided("square_below", len(set(run.widths[:-1])) == 1),
        Hypothesis.decided("zero_asymmetric_start", _zero_asymmetric(run)),
    ]


def _zero_asymmetric(run: Run) -> bool:
    *lower, last = run.initial_weights()
    identical = all(x == (i == j) for layer in lower for i, row in enumerate(layer) for j, x in enumerate(row))
    return identical and not any(x for row in last for x in row)


def from_zero_asymmetric(widths: list[int], target: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return a run from the zero-asymmetric start."""
    options = {"start": {"scheme": "zero_asymmetric"}, "backend": BALL, **options}
    return experiment(widths, target, **options)


def largest_product(depth: int, square: Fraction) -> Fraction:
    """Return a^2 (1 + a^2)^(L-1) for a^2, the square of a mode's value."""
    return square * (1 + square) ** (depth - 1)
