r"""Heavy ball on two equal numbers is a map of two products, and its cycles of period two are those of descent.

Statement
    Let two layers be numbers that start equal, from rest, and let $p_k = x_k^2$ be their product and
    $q_k = x_{k+1} x_k$, with $q_{-1} = p_{-1} = p_0$. With $m_k = 1 + \beta - \eta (p_k - s)$ heavy ball has
    $$p_{k+1} = m_k^2 p_k - 2 \beta m_k q_{k-1} + \beta^2 p_{k-1}, \qquad q_k = m_k p_k - \beta q_{k-1} .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    equal_start: both layers start at one number
    heavy_ball: heavy ball with a constant step and momentum, or plain descent
    every_step: every step is recorded

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them
    two_numbers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Standing
    explicit (proof below)

Proof
    $x_{k+1} = m_k x_k - \beta x_{k-1}$; square it, and multiply it by $x_k$. The layers stay equal, since their
    gradients are. `derivations/momentum_period_two.py`.

Notes
    With $h = \eta / (1 + \beta)$ the cycles of period two have $h^2 p_1 p_2 = 1$ and $h (p_1 + p_2) = 1 + h s$, as those
    of descent with the step $h$, and attract for $1 < h s < \sqrt{5 \beta^2 + 8 \beta + 5} / (1 + \beta) - 1$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Lei Chen, Joan Bruna",
    year=2022,
    title="On gradient descent convergence beyond the edge of stability",
    where="arXiv:2206.04172",
    locator="setting; momentum is worked out for this project",
    url="https://arxiv.org/abs/2206.04172",
)
observes = ("loss", "end_to_end_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers = run.setting().holds is True and tuple(run.widths) == (1, 1, 1)
    layers = rational_start(run) if numbers else []
    starts = [layer[0][0] for layer in layers or []]
    return [
        Hypothesis.decided("two_numbers", numbers),
        Hypothesis.unknown("equal_start")
        if layers is None
        else Hypothesis.decided("equal_start", len(set(starts)) == 1),
        Hypothesis.decided("heavy_ball", run.method in ("heavy_ball", "gradient_descent")),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
    ]


def predict(run: Run) -> list[Identity]:
    """Return that each product follows from the two before."""
    products = [run.number(value) for value in run.observable("end_to_end_trace")]
    beta, eta = run.number(run.parameter("momentum")), run.number(run.step_size or Fraction(0))
    target = run.number(run.target.rows[0][0])
    predicted, mixed = products[:1], products[0]
    for k, now in enumerate(products[:-1]):
        before = products[max(k - 1, 0)]
        factor = 1 + beta - eta * (now - target)
        predicted.append(factor**2 * now - 2 * beta * factor * mixed + beta**2 * before)
        mixed = factor * now - beta * mixed
    return [
        Identity(
            "map_of_products",
            "product of the two numbers",
            products,
            predicted,
            RESOLUTION,
            latex=r"p_{k+1} = m_k^2 p_k - 2 \beta m_k q_{k-1} + \beta^2 p_{k-1}",
            quantity="product of the two numbers",
        )
    ]


def _numbers(starts: list[str], backend: dict[str, Any] = BALL, steps: int = 30, **options: Any) -> dict[str, Any]:
    options = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}, "step_size": "3/8", **options}
    return experiment(
        [1, 1, 1],
        {"rows": [["22/5"]]},
        stop={"steps": steps},
        start={"scheme": "given", "weights": [[[start]] for start in starts]},
        backend=backend,
        **options,
    )


# h = 1/4 and h s = 11/10, in the window of momentum 1/2.
_LOOKING_AHEAD: dict[str, Any] = {"dynamics": "nesterov"}

examples = [
    Example("towards the cycle, enclosed", "consistent", _numbers(["11/5", "11/5"])),
    Example("in exact rationals", "consistent", _numbers(["1/2", "1/2"], {"name": "exact"}, 4)),
    Example("a small step, in double precision", "consistent", _numbers(["1", "1"], FLOAT, 20, step_size="1/50")),
    Example(
        "plain descent",
        "consistent",
        _numbers(["1", "1"], dynamics="gradient_descent", parameters={}, step_size="1/10"),
    ),
    Example("numbers that start apart", "vacuous", _numbers(["2", "1"])),
    Example("Nesterov's descent", "vacuous", _numbers(["11/5", "11/5"], **_LOOKING_AHEAD)),
    Example(
        "numbers that start apart, the hypothesis dropped",
        "violated",
        _numbers(["2", "1"], steps=4, without=["equal_start"]),
    ),
    Example(
        "Nesterov's descent, the hypothesis dropped",
        "violated",
        _numbers(["11/5", "11/5"], steps=4, without=["heavy_ball"], **_LOOKING_AHEAD),
    ),
]
