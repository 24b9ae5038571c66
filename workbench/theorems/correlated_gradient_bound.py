r"""Near the identity the squared gradient is at least a multiple of the excess loss, also for inputs that are correlated.

Statement
    Let $\ell = c \|W_L \cdots W_1 X - Y\|_F^2$ with square layers, $\tau = \max_i \|W_i - I\|_2 \le 1$, $\Sigma = c X X^T$
    invertible and $\ell^*$ the least loss of a matrix. Then
    $$\sum_{i=1}^{L} \left\| \frac{\partial \ell}{\partial W_i} \right\|_F^2 \ge
    4 L (1 - \tau)^{2L-2}\, \sigma_{\min}(\Sigma)\, (\ell - \ell^*) .$$

Hypotheses
    square_layers: a linear network with square layers
    full_rank: $\sigma_{\min}(X X^T) > 0$; the margin is that eigenvalue
    near_identity: $\|W_i - I\|_2 \le 1$ for every layer, at every record

Presupposed
    square_layers: a layer that is not square has no distance to the identity

Perhaps unnecessary
    full_rank: with a zero eigenvalue the bound is zero, and holds

Standing
    explicit (proof below); recalled in print with $\sigma_{\min}(\Sigma)^2$, which is false for $\sigma_{\min}(\Sigma) > 1$

Proof
    $\ell - \ell^* = c \|(W - W^*) X\|_F^2$ and $\partial \ell / \partial W_i = 2 A_i^T (W - W^*) \Sigma B_i^T$ with $A_i = W_L
    \cdots W_{i+1}$, $B_i = W_{i-1} \cdots W_1$, whose product of smallest singular values is at least $(1-\tau)^{L-1}$. And
    $\|(W - W^*) \Sigma\|_F^2 \ge \sigma_{\min}(\Sigma) \|(W - W^*) \Sigma^{1/2}\|_F^2 = \sigma_{\min}(\Sigma) (\ell - \ell^*)$. Add over $i$.

Notes
    With $c = 1/N$ and $N$ samples $\ell$ is the mean squared error and $\Sigma$ the covariance. Equality where every layer is
    $(1 - \tau) I$ and $\Sigma$ a multiple of the identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Erratum, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import moments, with_inputs
from workbench.theorems._statement import Source

source = Source(
    authors="Moritz Hardt, Tengyu Ma",
    year=2016,
    title="Identity matters in deep learning",
    where="ICLR 2017; arXiv:1611.04231",
    locator="Theorem 2.2, corrected",
    url="https://arxiv.org/abs/1611.04231",
)
observes = ("loss", "gradient_squared_norm", "distance_to_identity")
tight = True

FACTOR = 4
# The power of the covariance's smallest eigenvalue; 2 is the one recalled from print.
POWER = 1


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    square = isinstance(run.trajectory.problem.network, LinearNetwork) and len(set(run.widths)) == 1
    farthest = Measured.largest(run.observable("distance_to_identity"))
    return [
        Hypothesis.decided("square_layers", square),
        Hypothesis("full_rank", moments(run.trajectory.problem.loss, run.reals.bits).spectrum[0], strict=True),
        Hypothesis("near_identity", Measured(Fraction(1)).minus(farthest)),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the lower bound of the squared gradient."""
    loss = run.trajectory.problem.loss
    known = moments(loss, run.reals.bits)
    smallest, least = run.number(loss.factor) * run.number(known.spectrum[0]), run.number(known.least or Fraction(0))
    factor = FACTOR * run.depth * smallest**POWER
    distances = [run.number(value) for value in run.observable("distance_to_identity")]
    return [
        Bound(
            "squared_gradient",
            "squared norm of the gradient",
            run.observable("gradient_squared_norm"),
            [
                factor * (1 - tau) ** (2 * run.depth - 2) * (run.number(value) - least)
                for tau, value in zip(distances, run.loss, strict=True)
            ],
            relation=">=",
            latex=r"\sum_i \|G_i\|_F^2 \ge 4 L (1 - \tau)^{2L-2} \sigma_{\min}(\Sigma) (\ell - \ell^*)",
            quantity="squared norm of the gradient",
        )
    ]


def _below_printed(numbers: Mapping[str, str]) -> bool:
    """Say whether (2 c x (w x - y))^2 < 4 (c x^2)^2 c (w x - y)^2, of one layer with one sample."""
    c, w, x, y = (Fraction(numbers[name]) for name in ("c", "w", "x", "y"))
    gap = w * x - y
    return (2 * c * x * gap) ** 2 < 4 * (c * x**2) ** 2 * c * gap**2


errata = [
    Erratum(
        printed=r"the squared gradient is at least $4 L (1 - \tau)^{2L-2} \sigma_{\min}(\Sigma)^2 (\ell - \ell^*)$",
        where="Hardt, Ma (2016), Theorem 2.2 (recalled, to be checked in print)",
        counterexample={"c": "1", "w": "1", "x": "2", "y": "0"},
        refutation="one layer, one sample: the squared gradient is 64, the bound with the square 256",
        refutes=_below_printed,
    )
]


def _descent(
    depth: int, labels: list[list[str]], inputs: list[list[str]], normalisation: str = "none", **options: Any
) -> dict[str, Any]:
    options = {"step_size": "1/256", "stop": {"steps": 20}, "backend": BALL, **options}
    return with_inputs(experiment([2] * (depth + 1), {"rows": labels}, **options), inputs, normalisation)


_SKEW = [["1", "1/2"], ["1/3", "2"]]
_INPUTS = [["1", "1/2", "0"], ["0", "1", "-1"]]
_LABELS = [["1", "0", "1/2"], ["1/4", "1", "-1"]]
_TWICE = [["2", "0"], ["0", "2"]]
_FAR: dict[str, Any] = {
    "scheme": "given",
    "weights": [[["4", "0"], ["0", "4"]], [["1/10", "0"], ["0", "1/10"]], [["1/10", "0"], ["0", "1/10"]]],
}
_SCALED: dict[str, Any] = {"scheme": "identity", "scale": "3/4"}
_SMALL_STEP: dict[str, Any] = {"step_size": "1/4096"}

examples = [
    Example("three samples with noise, enclosed", "consistent", _descent(3, _LABELS, _INPUTS, "mean")),
    # Here the square of the smallest eigenvalue, 4, would be violated: the bound is nearly an equality.
    Example(
        "inputs twice the identity, nearly an equality",
        "consistent",
        _descent(3, [["2", "0"], ["0", "2001/1000"]], _TWICE, start=_SCALED, **_SMALL_STEP),
    ),
    Example("in double precision", "consistent", _descent(2, _LABELS, _INPUTS, "half", backend=FLOAT)),
    Example("far from the identity", "vacuous", _descent(3, _SKEW, _TWICE, start=_FAR, **_SMALL_STEP)),
    Example(
        "far from the identity, the hypothesis dropped",
        "violated",
        _descent(3, _SKEW, _TWICE, start=_FAR, without=["near_identity"], **_SMALL_STEP),
    ),
]
