"""What the statements on wide networks share: widths, the spectrum of the inputs, and the envelope of the excess loss."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems._inputs import Moments, moments
from workbench.theorems._isometric import equal_hidden
from workbench.theorems._run import Run
from workbench.theorems._singular import squared_singular_values
from workbench.theorems._statement import Bound, Hypothesis, Rate


def known_moments(run: Run) -> Moments:
    """Return the moments of the run's inputs and labels."""
    return moments(run.trajectory.problem.loss, run.reals.bits)


def shared_hypotheses(run: Run) -> list[Hypothesis]:
    """Return setting, rank, hidden widths and plain descent."""
    problem = run.trajectory.problem
    halved = isinstance(problem.network, LinearNetwork) and problem.loss.factor == Fraction(1, 2)
    return [
        Hypothesis.decided("setting", halved),
        Hypothesis("full_rank", known_moments(run).spectrum[0], strict=True),
        Hypothesis.decided("equal_hidden", equal_hidden(run.widths)),
        run.plain_descent(),
    ]


def hidden_width(run: Run) -> int:
    """Return m."""
    return run.widths[1]


def condition(run: Run) -> Real:
    """Return kappa, the largest over the smallest eigenvalue of X X^T."""
    spectrum = known_moments(run).spectrum
    return run.number(spectrum[-1]) / run.number(spectrum[0])


def squared_norm_of_best(run: Run) -> Real:
    """Return ||W*||_2^2."""
    best = known_moments(run).best or [[Fraction(0)]]
    return run.number(squared_singular_values(best, run.reals.bits)[-1])


def room(run: Run, needed: Real) -> Measured:
    """Return how far the width exceeds what is needed."""
    return run.reals.measured(hidden_width(run) - needed)


def envelope(run: Run, slowness: Real, latex: str) -> list[Bound | Rate]:
    """Return the envelope l* + (1 - eta slowness)^t (l(0) - l*), and its rate."""
    eta = run.number(run.step_size or Fraction(0))
    least = run.number(known_moments(run).least or Fraction(0))
    excess, factor = run.number(run.loss[0]) - least, 1 - eta * slowness
    series: Sequence[Any] = [least + excess * factor**step for step in run.steps]
    bound = Bound("envelope", "loss against its envelope", run.loss, series, latex=latex)
    return [bound, Rate(-run.reals.log(factor) / eta)] if run.step_size else [bound]
