r"""To a target on the far side of zero a deep chain of nearly equal numbers takes a time exponential in its depth.

Statement
    Let $L \ge 2$ layers be numbers $w_i(0) > 0$ with the smallest $m$, the product $p_0$, and $D = \max_i w_i(0)^2 - m^2 \le m^2$, and
    let the target be $-\lambda < 0$. Along the gradient flow of $\ell = \frac{1}{2} (w_L \cdots w_1 + \lambda)^2$
    $$\ell(t) \ge \frac{\lambda^2}{2} \quad \text{for all} \quad t \le T = \frac{1}{\sqrt{2}\, (p_0 + \lambda)} \left( \frac{1}{2 D} \right)^{(L-2)/2} .$$

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, at least two layers, loss with the factor 1/2
    positive_start: every layer starts positive; the margin is the smallest
    nearly_equal: $D \le m^2$; the margin is $m^2 - D$
    far_side: the target is negative; the margin is $\lambda$
    gradient_flow: the dynamics is the gradient flow

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Standing
    explicit (proof below); the paper has $e^{\Omega(L)}$ steps of descent near the identity (Theorem 3) with constants left open

Proof
    While the product $p$ is positive, every $w_i$ falls, $p \le p_0$, and $w_i^2 - w_j^2$ is conserved. The smallest layer $w$ has
    $-\dot{w} = (p + \lambda) \prod_{i} \sqrt{w^2 + D_i} \le (p_0 + \lambda) (w^2 + D)^{(L-1)/2}$, a product over the others, so that it
    takes at least $(p_0 + \lambda)^{-1} \int_0^{\sqrt{D}} (w^2 + D)^{-(L-1)/2} dw \ge (p_0 + \lambda)^{-1} \sqrt{D}\, (2D)^{-(L-1)/2} = T$ to reach 0.
    Till then $p > 0$ and $\ell > \lambda^2/2$.

Notes
    With $D < 1/2$, as near the identity, $T$ is exponential in $L$; with $D = 0$ and $L \ge 3$ zero is never reached.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Ohad Shamir",
    year=2019,
    title="Exponential convergence time of gradient descent for one-dimensional deep linear neural networks",
    where="COLT 2019; arXiv:1809.08587",
    locator="Theorem 3, an explicit form for the flow",
    url="https://arxiv.org/abs/1809.08587",
)
observes = ("loss",)
tight = True


def _numbers(run: Run) -> list[Fraction] | None:
    layers = rational_start(run)
    return None if layers is None else [layer[0][0] for layer in layers]


def _spread(numbers: list[Fraction]) -> Fraction:
    """Return D."""
    squares = [x**2 for x in numbers]
    return max(squares) - min(squares)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2
    numbers = _numbers(run) if scalar else None
    smallest, room = None, None
    if numbers:
        smallest = Measured(min(numbers))
        room = Measured(min(x**2 for x in numbers) - _spread(numbers))
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis("positive_start", smallest, strict=True),
        Hypothesis("nearly_equal", room),
        Hypothesis("far_side", Measured(-Fraction(run.target.rows[0][0])) if scalar else None, strict=True),
        run.gradient_flow(),
    ]


def waiting_time(run: Run) -> Real | None:
    """Return T, None where it is infinite."""
    numbers = _numbers(run) or [Fraction(1)]
    start, spread = Fraction(1), _spread(numbers)
    for number in numbers:
        start *= number
    if spread == 0 and run.depth > 2:
        return None
    power = (
        run.number(1) if run.depth == 2 else run.reals.power(run.number(1 / (2 * spread)), Fraction(run.depth - 2, 2))
    )
    return power / (run.reals.sqrt(2) * run.number(start + abs(Fraction(run.target.rows[0][0]))))


def predict(run: Run) -> list[Bound]:
    """Return the floor of the loss up to the time T."""
    limit = waiting_time(run)
    end = None if limit is None else (run.reals.measured(limit).bounds() or (Fraction(0),))[0]
    floor = Fraction(run.target.rows[0][0]) ** 2 / 2
    return [
        Bound(
            "floor",
            "loss against the floor that it has up to the time T",
            run.loss,
            [floor if end is None or time <= end else Fraction(0) for time in run.times],
            ">=",
            latex=r"\ell(t) \ge \frac{\lambda^2}{2}, \quad t \le T",
        )
    ]


def _chain(starts: list[str], time: str, target: str = "-1", **options: Any) -> dict[str, Any]:
    options = {"dynamics": "gradient_flow", "stop": {"time": time}, "backend": BALL, **options}
    return experiment(
        [1] * (len(starts) + 1),
        {"rows": [[target]]},
        start={"scheme": "given", "weights": [[[start]] for start in starts]},
        **options,
    )


_LONG_STEPS: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1", "stop": {"steps": 3}}

examples = [
    Example(
        "six layers near the identity, enclosed",
        "consistent",
        _chain(["1", "9/8", "9/8", "21/20", "1", "17/16"], "5/2"),
    ),
    Example("three layers", "consistent", _chain(["3/4", "4/5", "7/9"], "5/2", "-1/2")),
    Example("two layers, past the time", "consistent", _chain(["1/2", "5/9"], "1")),
    Example("four equal layers in double precision", "consistent", _chain(["1/2"] * 4, "3", backend=FLOAT)),
    Example("a target on the near side", "vacuous", _chain(["3/4", "4/5", "7/9"], "1", "1/2")),
    Example(
        "a target on the near side, the hypothesis dropped",
        "violated",
        _chain(["3/4", "4/5", "7/9"], "1", "1/2", without=["far_side"]),
    ),
    Example(
        "a negative layer, the hypothesis dropped",
        "violated",
        _chain(["-3/4", "4/5", "7/9"], "2", without=["positive_start"]),
    ),
    Example(
        "one layer far smaller, the hypothesis dropped",
        "violated",
        _chain(["1/100", "1"], "1/2", without=["nearly_equal"]),
    ),
    Example(
        "descent with long steps, the hypothesis dropped",
        "violated",
        _chain(["3/4", "4/5", "7/9"], "3", without=["gradient_flow"], **_LONG_STEPS),
    ),
]
