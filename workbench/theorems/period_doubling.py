r"""Descent on a product of two equal numbers has exact cycles of period two beyond the edge of stability.

Statement
    Let two layers be numbers that start equal at $x$, and let $y = x - \eta x (x^2 - s)$. If $\eta x y = 1$ and
    $\eta (x^2 + y^2) = 1 + \eta s$ then gradient descent on $\frac{1}{2} (w_2 w_1 - s)^2$ alternates:
    $l_{k+2} = l_k$ for all $k$.

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    equal_start: both layers start at one number
    on_cycle: $\eta x y = 1$ and $\eta (x^2 + y^2) = 1 + \eta s$, exactly
    plain_descent: gradient descent with a constant step, all layers at once

Presupposed
    two_numbers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Standing
    explicit (proof below)

Proof
    With $z = \sqrt{\eta} x$ a step is $z \mapsto (1 + \eta s) z - z^3$, which takes $z$ to $1/z$ and back when
    $z^2 + 1/z^2 = 1 + \eta s$. `derivations/period_doubling.py`.

Notes
    The cycle has the multiplier $9 - 2 (1 + \eta s)^2$ and attracts for $1 < \eta s < \sqrt{5} - 1$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Lei Chen, Joan Bruna",
    year=2022,
    title="On gradient descent convergence beyond the edge of stability",
    where="arXiv:2206.04172",
    locator="setting; the constants are worked out for this project",
    url="https://arxiv.org/abs/2206.04172",
)
observes = ("loss",)
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
        Hypothesis("on_cycle", Measured(-_defect(run, starts[0])) if starts and run.step_size else None),
        run.plain_descent(),
    ]


def _defect(run: Run, x: Fraction) -> Fraction:
    """Return how far a start is from a cycle: the larger defect of its two equations."""
    eta, target = run.step_size or Fraction(0), Fraction(run.target.rows[0][0])
    y = x - eta * x * (x**2 - target)
    return max(abs(eta * x * y - 1), abs(eta * (x**2 + y**2) - 1 - eta * target))


def predict(run: Run) -> list[Identity]:
    """Return that the loss alternates between its first two values, computed exactly."""
    x, eta = Fraction(run.initial_weights()[0][0][0]), run.step_size or Fraction(0)  # type: ignore[arg-type]
    target = Fraction(run.target.rows[0][0])
    y = x - eta * x * (x**2 - target)
    halves = [Measured((value**2 - target) ** 2 / 2) for value in (x, y)]
    return [
        Identity(
            "alternating_loss",
            "loss",
            run.loss,
            [halves[step % 2] for step in run.steps],
            RESOLUTION,
            latex=r"l_{k+2} = l_k",
            quantity="loss",
        )
    ]


def _cycle(start: str, target: str, backend: dict[str, Any] = BALL, steps: int = 20, **options: Any) -> dict[str, Any]:
    options = {"step_size": "1/4", **options}
    return experiment(
        [1, 1, 1],
        {"rows": [[target]]},
        stop={"steps": steps},
        start={"scheme": "given", "weights": [[[start]], [[start]]]},
        backend=backend,
        **options,
    )


# z = 4/5 and 5/4 at eta s = 481/400, with sqrt(eta) = 1/2; and z = 2/3, 3/2 at eta s = 61/36, which repels.
examples = [
    Example("an attracting cycle, enclosed", "consistent", _cycle("8/5", "481/100")),
    Example("a repelling cycle in exact rationals", "consistent", _cycle("4/3", "61/9", {"name": "exact"}, 4)),
    Example("in double precision, whose error estimate grows", "undecided", _cycle("8/5", "481/100", FLOAT)),
    Example("the other point of the cycle", "consistent", _cycle("5/2", "481/100")),
    Example("beside the cycle", "vacuous", _cycle("3/2", "481/100")),
    Example("beside the cycle, the hypothesis dropped", "violated", _cycle("3/2", "481/100", without=["on_cycle"])),
]

examples += [
    altered(
        examples[0], "plain_descent", "momentum", dynamics={"name": "heavy_ball", "parameters": {"momentum": "9/10"}}
    ),
    altered(
        examples[0],
        "equal_start",
        "numbers of opposite signs",
        start={"scheme": "given", "weights": [[["-8/5"]], [["8/5"]]]},
    ),
]
