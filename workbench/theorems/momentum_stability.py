r"""On one layer, heavy ball and Nesterov's descent obey a recursion and stay bounded up to an exact step size.

Statement
    Let $L = 1$, whitened inputs and $l = \frac{1}{2} \|W - \Phi\|_F^2$, with momentum $0 \le \beta < 1$ from rest. With
    $\tau = 1 + \beta - \eta$, $\delta = \beta$, $c_1 = 1 - \eta$ for heavy ball, and $\tau = (1 + \beta)(1 - \eta)$,
    $\delta = \beta (1 - \eta)$, $c_1 = 1 - (1 + \beta) \eta$ for Nesterov's descent,
    $$l_k = c_k^2\, l_0, \qquad c_{k+1} = \tau c_k - \delta c_{k-1}, \quad c_0 = 1 .$$
    If $\eta < 2 (1 + \beta)$ for heavy ball, $\eta < 2 (1 + \beta) / (1 + 2 \beta)$ for Nesterov's descent, then for all
    $k$, with $p = 1 - \tau + \delta$ and $q = 1 + \tau + \delta$,
    $$l_k \le \frac{1}{4} \left( \frac{1}{p} + \frac{1}{q} \right) \left( p (1 + c_1)^2 + q (1 - c_1)^2 \right) l_0 .$$

Hypotheses
    one_layer: a linear network with one layer, whitened inputs, loss with the factor 1/2
    momentum: heavy ball or Nesterov's descent with momentum below 1, or plain descent ($\beta = 0$)
    below_edge: the step size is below the edge

Standing
    explicit (proof below)

Proof
    The error obeys the recursion, entry by entry. The form $2 Q(u, v) = p (u + v)^2 + q (u - v)^2$ falls by
    $(1 - \delta)(c_{k+2} - c_k)^2$ in a step, and $2 p q v^2 \le (p + q) Q(u, v)$ when $p$ and $q$ are positive:
    `derivations/momentum_stability.py`.

Notes
    The weights recorded of Nesterov's descent are the points at which the gradient is taken. Where the hypothesis is
    dropped the bound is read with the absolute values of $p$ and $q$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment
from workbench.theorems._statement import Source

source = Source(
    authors="Jeremy M. Cohen, Simran Kaur, Yuanzhi Li, J. Zico Kolter, Ameet Talwalkar",
    year=2021,
    title="Gradient descent on neural networks typically occurs at the edge of stability",
    where="ICLR 2021; arXiv:2103.00065",
    locator="stability with momentum; the bound is worked out for this project",
    url="https://arxiv.org/abs/2103.00065",
)
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 10**8)
MOMENTUM = ("heavy_ball", "nesterov", "gradient_descent")


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    one_layer = run.setting(square=False).holds is True and run.depth == 1
    known = run.method in MOMENTUM and run.parameter("momentum") < 1
    margin = edge(run) - (run.step_size or Fraction(0))
    return [
        Hypothesis.decided("one_layer", one_layer),
        Hypothesis.decided("momentum", known),
        Hypothesis("below_edge", Measured(margin), strict=True),
    ]


def edge(run: Run) -> Fraction:
    """Return the step size below which a mode of curvature 1 is stable."""
    beta = run.parameter("momentum")
    return 2 * (1 + beta) / (1 + 2 * beta) if run.method == "nesterov" else 2 * (1 + beta)


def recursion(run: Run) -> tuple[Fraction, Fraction, Fraction]:
    """Return tau, delta and c_1."""
    eta, beta = run.step_size or Fraction(0), run.parameter("momentum")
    if run.method == "nesterov":
        return (1 + beta) * (1 - eta), beta * (1 - eta), 1 - (1 + beta) * eta
    return 1 + beta - eta, beta, 1 - eta


def predict(run: Run) -> list[Bound | Identity]:
    """Return the loss by the recursion, and its bound."""
    tau, delta, second = recursion(run)
    factors = [run.number(1), run.number(second)]
    for _ in range(run.steps[-1]):
        factors.append(run.number(tau) * factors[-1] - run.number(delta) * factors[-2])
    start = run.number(run.loss[0])
    p, q = abs(1 - tau + delta), abs(1 + tau + delta)
    ceiling = (1 / p + 1 / q) * (p * (1 + second) ** 2 + q * (1 - second) ** 2) / 4 if p and q else None
    predictions: list[Bound | Identity] = [
        Identity(
            "two_step_recursion",
            "loss against its recursion",
            run.loss,
            [start * factors[step] ** 2 for step in run.steps],
            RESOLUTION,
            latex=r"l_k = c_k^2 l_0",
            quantity="loss",
        )
    ]
    if ceiling is not None:
        bound = start * run.number(ceiling)
        predictions.append(
            Bound(
                "ceiling",
                "loss against its bound for all steps",
                run.loss,
                [bound] * len(run.steps),
                latex=r"l_k \le \frac{1}{4} (1/p + 1/q) (p (1 + c_1)^2 + q (1 - c_1)^2)\, l_0",
            )
        )
    return predictions


def _one_layer(step_size: str, dynamics: str, momentum: str | None, **options: Any) -> dict[str, Any]:
    return experiment(
        [2, 3],
        {"family": "uniform", "shape": [3, 2], "seed": 1},
        step_size=step_size,
        stop={"steps": 60},
        start={"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        dynamics=dynamics,
        parameters=None if momentum is None else {"momentum": momentum},
        **options,
    )


examples = [
    Example("heavy ball near its edge, enclosed", "consistent", _one_layer("149/50", "heavy_ball", "1/2")),
    Example("Nesterov near its edge, enclosed", "consistent", _one_layer("37/25", "nesterov", "1/2")),
    Example("Nesterov with a small step", "consistent", _one_layer("1/10", "nesterov", "9/10")),
    Example(
        "plain descent, in double precision", "consistent", _one_layer("1/4", "gradient_descent", None, backend=FLOAT)
    ),
    Example("Nesterov at the edge of heavy ball", "vacuous", _one_layer("149/50", "nesterov", "1/2")),
    Example(
        "Nesterov above its edge, the hypothesis dropped",
        "violated",
        _one_layer("38/25", "nesterov", "1/2", without=["below_edge"]),
    ),
    Example(
        "heavy ball above its edge, the hypothesis dropped",
        "violated",
        _one_layer("76/25", "heavy_ball", "1/2", without=["below_edge"]),
    ),
]

examples += [
    altered(examples[0], "one_layer", "another factor of the loss", loss={"normalisation": "none"}),
    altered(examples[0], "momentum", "momentum above one", dynamics={"parameters": {"momentum": "2"}}),
]
