r"""From a Gaussian start a network whose width grows with its depth learns at depth times the inputs' spectrum.

Statement
    Let the network be $(m^{L-1} d_y)^{-1/2} W_L \cdots W_1 X$ with hidden width $m$ and independent standard normal entries,
    $\ell = \frac{1}{2} \|\cdot - Y\|_F^2$, $\kappa$ and $r$ of the inputs, $\Phi$ the minimiser,
    $$m \ge C L \max \left( r \kappa^3 d_y (1 + \|\Phi\|_2^2),\; r \kappa^3 \ln \frac{r}{\delta},\; \ln L \right), \qquad
    0 < \eta \le \frac{d_y}{3 L \|X^T X\|_2} .$$
    Then with probability $1 - \delta$, for every $t$,
    $$\ell(t) - \ell^* \le \left( 1 - \frac{\eta L \lambda_{\min}(X X^T)}{4 d_y} \right)^t (\ell(0) - \ell^*) .$$

Hypotheses
    setting: a linear network, loss with the factor 1/2
    full_rank: $\lambda_{\min}(X X^T) > 0$; the margin is that eigenvalue
    equal_hidden: hidden layers, all of one width, no narrower than the ends
    plain_descent: gradient descent with a constant step, all layers at once
    gaussian_start: independent normal entries, drawn by a seed
    normalisation: $s^{2L} m^{L-1} d_y = 1$, exactly, of layers with entries of deviation $s$
    width: $m$ is at least what is stated, with the constants assumed for $C$ and $\delta$; the margin is the room left
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Presupposed
    equal_hidden: $m$ is the one width of the hidden layers
    gaussian_start: $s$ is the deviation of the draw

Perhaps unnecessary
    full_rank: with a zero eigenvalue the bound says no more than that the loss does not grow; on the range of the inputs it holds with the smallest positive one

Standing
    published constant for the rate and the step size; $C$ is left open in print and assumed here, as the verdict repeats

Proof
    In the paper (Theorem 4.1).

Notes
    The layers here carry the $L$-th root of the factor, so that a step of theirs is $s^2 \eta$. In the limit of great width the loss
    falls by $(1 - \eta L \lambda / d_y)^2$ a step: the exponent of the bound is 8 times too small for small $\eta$. The statement is about
    a draw's probability and $C$ is assumed: a violation refutes neither the theorem nor, alone, the pair of $C$ and $\delta$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import rational
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._inputs import with_inputs
from workbench.theorems._statement import Source
from workbench.theorems._wide import (
    condition,
    envelope,
    hidden_width,
    known_moments,
    room,
    shared_hypotheses,
    squared_norm_of_best,
)

source = Source(
    authors="Simon S. Du, Wei Hu",
    year=2019,
    title="Width provably matters in optimization for deep linear neural networks",
    where="ICML 2019; arXiv:1901.08572",
    locator="Theorem 4.1",
    url="https://arxiv.org/abs/1901.08572",
)
observes = ("loss",)
tight = False

# Left open in print: the factor of the width, and the probability to fail.
constants = {"C": Fraction(1), "delta": Fraction(1, 10)}
# Of eta L lambda_min / d_y.
FRACTION = Fraction(1, 4)


def _deviation(run: Run) -> Fraction | None:
    """Return s, None of a start that is not Gaussian."""
    start = run.trajectory.problem.start
    return rational(start.parameters.get("scale", "1"), "the scale") if start.scheme == "gaussian" else None


def _kernel_level(run: Run) -> Fraction:
    """Return L / (d_y s^2), the paper's L/d_y in steps of the scaled layers."""
    return Fraction(run.depth, run.widths[-1]) / (_deviation(run) or Fraction(1)) ** 2


def largest_step_size(run: Run) -> Real:
    """Return the paper's cap in steps of the scaled layers."""
    return 1 / (3 * _kernel_level(run) * run.number(known_moments(run).spectrum[-1]))


def _needed(run: Run) -> Real:
    """Return the width that is asked for."""
    rank = len(known_moments(run).spectrum)
    size = rank * condition(run) ** 3
    logarithm = run.reals.log(rank / run.constants["delta"])
    largest = run.reals.maximum(
        size * run.widths[-1] * (1 + squared_norm_of_best(run)), size * logarithm, run.reals.log(run.depth)
    )
    return run.constants["C"] * run.depth * largest


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    shared, deviation = shared_hypotheses(run), _deviation(run)
    width, depth = hidden_width(run), run.depth
    normalised = deviation is not None and deviation ** (2 * depth) * width ** (depth - 1) * run.widths[-1] == 1
    ranked = shared[1].holds is True
    room_left = run.reals.measured(largest_step_size(run) - run.number(run.step_size or Fraction(0)))
    return [
        *shared,
        Hypothesis.decided("gaussian_start", deviation is not None),
        Hypothesis.decided("normalisation", normalised),
        Hypothesis("width", room(run, _needed(run)) if ranked else None),
        Hypothesis("step_size", room_left if run.step_size is not None else None),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope of the loss."""
    slowness = FRACTION * _kernel_level(run) * run.number(known_moments(run).spectrum[0])
    return envelope(run, slowness, r"\ell(t) - \ell^* \le (1 - \eta L \lambda_{\min} / (4 d_y))^t (\ell(0) - \ell^*)")


def _wide(width: int, depth: int, labels: list[list[str]], scale: str, seed: int = 1, **options: Any) -> dict[str, Any]:
    options = {"step_size": "largest", "stop": {"steps": 12}, "backend": BALL, **options}
    start = {"scheme": "gaussian", "scale": scale, "seed": seed}
    widths = [len(labels[0]), *[width] * (depth - 1), len(labels)]
    return experiment(widths, {"rows": labels}, **{"start": start, **options})


_ONE = [["1"]]
_FAR = [["-40"]]
_NARROW: dict[str, Any] = {"stop": {"steps": 60}}

examples = [
    Example("two layers of width 16, enclosed", "consistent", _wide(16, 2, [["1", "1/2"]], "1/2")),
    Example("one sample", "consistent", with_inputs(_wide(16, 2, _ONE, "1/2", 2), [["3/2"]])),
    Example("two layers of width 256 in double precision", "consistent", _wide(256, 2, _ONE, "1/4", backend=FLOAT)),
    Example("three layers of width 8", "consistent", _wide(8, 3, _ONE, "1/2", 5)),
    Example("two layers of width 1", "vacuous", _wide(1, 2, _FAR, "1")),
    Example("two layers of width 1, the hypothesis dropped", "violated", _wide(1, 2, _FAR, "1", without=["width"])),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        _wide(16, 2, _ONE, "1/2", without=["step_size"], step_size="3/8"),
    ),
    Example(
        "a small start, the hypothesis dropped",
        "violated",
        _wide(16, 2, _ONE, "1/64", without=["normalisation"], step_size="1/65536", **_NARROW),
    ),
]

examples += [
    altered(
        examples[0],
        "plain_descent",
        "weight decay",
        dynamics={"name": "weight_decay", "parameters": {"decay": "1"}, "stop": {"steps": 12}},
    ),
    altered(
        examples[0], "normalisation", "layers too small", start={"scheme": "gaussian", "seed": 3, "scale": "1/1000"}
    ),
    altered(
        examples[1],
        "setting",
        "the mean over 16 samples",
        loss={"target": {"rows": [["1/4"] * 16]}, "inputs": {"rows": [["1/4"] * 16]}, "normalisation": "mean"},
    ),
]
