r"""Descent near the identity contracts the excess loss at depth times the smallest eigenvalue of the inputs, over e.

Statement
    Let $\ell = c \|W_L \cdots W_1 X - Y\|_F^2$ with square layers, $\sigma = \lambda_{\min}(2 c X X^T) > 0$
    and $\ell^*$ the least loss. While every $\|W_i - I\|_2 \le 1/(2L)$ and every step decreases the loss by at least
    $\frac{\eta}{2} \|\nabla \ell\|^2$,
    $$\ell_k - \ell^* \le \left( 1 - \eta L \sigma \left( 1 - \tfrac{1}{2L} \right)^{2L-2} \right)^k (\ell_0 - \ell^*)
    \le \left( 1 - \frac{\eta L \sigma}{e} \right)^k (\ell_0 - \ell^*) .$$

Hypotheses
    square_layers: a linear network with square layers
    full_rank: $\lambda_{\min}(X X^T) > 0$; the margin is that eigenvalue
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    near_identity: $\|W_i - I\|_2 \le 1/(2L)$ at every record; the margin is the room left
    sufficient_decrease: $\ell_k - \ell_{k+1} \ge \frac{\eta}{2} \|\nabla \ell_k\|^2$ at every step of the run

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them
    square_layers: a layer that is not square has no distance to the identity

Perhaps unnecessary
    full_rank: with a zero eigenvalue the bound says no more than the decrease
    plain_descent: the proof uses it through `sufficient_decrease` alone; penalties, projection and momentum that decrease the loss enough obeyed the bound

Standing
    explicit (proof below); the factor over $e$ is recalled from the paper, where width and step size take the place of the last
    two hypotheses, and fixed matrices stand before the first layer (here a part of $X$) and behind the last (here $I$: any other would be a loss of other outputs than the network's)

Proof
    With $A_i$ and $B_i$ the layers above and below layer $i$, $\sigma_{\min}(A_i) \sigma_{\min}(B_i) \ge (1 - 1/(2L))^{L-1}$, so that
    $\|\nabla \ell\|^2 \ge 2 L \sigma (1 - 1/(2L))^{2L-2} (\ell - \ell^*)$, as in `correlated_gradient_bound`; put it into the
    decrease. And $(2L-2) \ln(1 - 1/(2L)) \ge -(2L-2)/(2L-1) \ge -1$, by $\ln(1-x) \ge -x/(1-x)$.

Notes
    The paper starts every layer at the identity; the proof asks only that the layers be near it. It uses `plain_descent` and
    `every_step` through the decrease alone, so that no violation is known with only one of these dropped; with $\sigma = 0$ the bound says no more than the decrease.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import moments, with_inputs
from workbench.theorems._statement import Source

source = Source(
    authors="Difan Zou, Philip M. Long, Quanquan Gu",
    year=2020,
    title="On the global convergence of training deep linear ResNets",
    where="ICLR 2020; arXiv:2003.01094",
    locator="zero initialisation of the blocks; hypotheses audited on the run in place of widths",
    url="https://arxiv.org/abs/2003.01094",
)
observes = ("loss", "gradient_squared_norm", "distance_to_identity")
tight = False


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    square = isinstance(run.trajectory.problem.network, LinearNetwork) and len(set(run.widths)) == 1
    farthest = Measured.largest(run.observable("distance_to_identity"))
    return [
        Hypothesis.decided("square_layers", square),
        Hypothesis("full_rank", moments(run.trajectory.problem.loss, run.reals.bits).spectrum[0], strict=True),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("near_identity", Measured(Fraction(1, 2 * run.depth)).minus(farthest)),
        Hypothesis("sufficient_decrease", _least_surplus(run)),
    ]


def _least_surplus(run: Run) -> Measured | None:
    """Return the least of l_k - l_{k+1} - eta/2 |grad|^2 over the steps."""
    half = run.number((run.step_size or Fraction(0)) / 2)
    losses = [run.number(loss) for loss in run.loss]
    slopes = [run.number(value) for value in run.observable("gradient_squared_norm")]
    missing = [after - before + half * g for (before, after), g in zip(pairwise(losses), slopes, strict=False)]
    return run.reals.measured(-run.reals.maximum(*missing)) if missing else None


def predict(run: Run) -> list[Bound | Rate]:
    """Return both envelopes of the loss, and the rate of the sharper one."""
    loss, eta = run.trajectory.problem.loss, run.number(run.step_size or Fraction(0))
    known = moments(loss)
    smallest, least = (
        run.number(known.spectrum[0]) * run.number(2 * loss.factor),
        run.number(known.least or Fraction(0)),
    )
    room = Fraction(2 * run.depth - 1, 2 * run.depth) ** (2 * run.depth - 2)
    factors = [1 - eta * run.depth * smallest * part for part in (run.number(room), run.reals.exp(-1))]
    excess = run.number(run.loss[0]) - least
    names = (("envelope", "the envelope"), ("envelope_over_e", "the envelope with the factor over e"))
    bounds: list[Bound | Rate] = [
        Bound(
            name,
            f"loss against {label}",
            run.loss,
            [least + excess * factor**step for step in run.steps],
            latex=r"\ell_k \le \ell^* + (1 - \eta L \sigma / e)^k (\ell_0 - \ell^*)",
        )
        for (name, label), factor in zip(names, factors, strict=True)
    ]
    return [*bounds, Rate(-run.reals.log(factors[0]) / eta)] if run.step_size else bounds


def _descent(
    depth: int, labels: list[list[str]], inputs: list[list[str]], normalisation: str = "half", **options: Any
) -> dict[str, Any]:
    options = {"step_size": "1/64", "stop": {"steps": 40}, "backend": BALL, **options}
    return with_inputs(experiment([2] * (depth + 1), {"rows": labels}, **options), inputs, normalisation)


_NEAR = [["11/10", "0"], ["1/16", "19/20"]]
_PLAIN = [["1", "0"], ["0", "1"]]
_INPUTS = [["1", "1/2", "0"], ["0", "1", "-1"]]
_LABELS = [["1", "5/8", "0"], ["1/10", "1", "-9/10"]]
_FAR = [["1/10", "0"], ["0", "1/10"]]

examples = [
    Example("three samples with noise, enclosed", "consistent", _descent(4, _LABELS, _INPUTS, "mean")),
    Example("a target near the identity", "consistent", _descent(3, _NEAR, _PLAIN)),
    Example("in double precision", "consistent", _descent(2, _LABELS, _INPUTS, backend=FLOAT)),
    Example("a target far away", "vacuous", _descent(4, _FAR, _PLAIN)),
    Example(
        "a target far away, the hypothesis dropped",
        "violated",
        _descent(8, _FAR, _PLAIN, without=["near_identity"], stop={"steps": 120}),
    ),
    Example(
        "a long step, the hypothesis dropped",
        "violated",
        _descent(3, _NEAR, _PLAIN, step_size="7/10", without=["sufficient_decrease"], stop={"steps": 4}),
    ),
]
