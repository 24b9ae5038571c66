r"""On two equal numbers descent stays bounded up to twice the step size of the edge of stability, and not beyond.

Statement
    Let two layers be numbers that start equal at $x_0$ with $\eta x_0^2 \le 2 + \eta s$ and $\eta |s| \le 2$, that is $\eta \le 4 / S$ with $S = 2 |s|$, for $s > 0$ the sharpness of the balanced minimum. Then gradient descent on
    $\frac{1}{2} (w_2 w_1 - s)^2$ has, for all $k$,
    $$\eta x_k^2 \le 2 + \eta s , \qquad \ell_k \le \frac{2}{\eta^2} .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    equal_start: both layers start at one number
    inside: $\eta x_0^2 \le 2 + \eta s$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta |s| \le 2$; the margin is $2 - \eta |s|$

Standing
    explicit (proof below), worked out for this project; a catapult up to about four over the sharpness is recalled of wide networks

Proof
    $z = \sqrt{\eta} x$ moves by $f(z) = (1 + a) z - z^3$, $a = \eta s$. On $z^2 \le 2 + a$ the extremes of $|f|$ are $\sqrt{2 + a}$, at the ends, where $f(z) = -z$, and the critical value, whose square exceeds $2 + a$ by
    $\frac{1}{27} (a - 2)(2 a + 5)^2 \le 0$ (`derivations/period_doubling.py`). So $f$ maps the interval into itself, and $x^2 - s$ lies between $-s$ and $2/\eta$.

Notes
    Both are attained at the ends, for ever, and at $a = 2$ by the critical orbit, from $z = 1$. At $a > 2$ the critical orbit leaves the interval, and then grows at every step.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Aitor Lewkowycz, Yasaman Bahri, Ethan Dyer, Jascha Sohl-Dickstein, Guy Gur-Ari",
    year=2020,
    title="The large learning rate phase of deep learning: the catapult mechanism",
    where="arXiv:2003.02218",
    locator="two-layer model, recalled; the bound is worked out for this project",
    url="https://arxiv.org/abs/2003.02218",
)
observes = ("loss", "end_to_end_trace")
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    target, eta = Fraction(run.target.rows[0][0]), run.step_size or Fraction(0)
    numbers = run.setting().holds is True and tuple(run.widths) == (1, 1, 1)
    layers = rational_start(run)
    starts = [layer[0][0] for layer in layers or []]
    inside = Measured(2 + eta * target - eta * max(x**2 for x in starts)) if starts else None
    return [
        Hypothesis.decided("two_numbers", numbers),
        Hypothesis.decided("equal_start", len(set(starts)) == 1),
        Hypothesis("inside", inside),
        run.plain_descent(),
        Hypothesis("step_size", Measured(2 - eta * abs(target))),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the bounds of the numbers and of the loss."""
    eta, target = run.step_size or Fraction(1), Fraction(run.target.rows[0][0])
    products, count = [eta * run.number(value) for value in run.observable("end_to_end_trace")], len(run.steps)
    label = "step size times the squared number"
    return [
        Bound(
            "trapped", label, products, [2 + eta * target] * count, latex=r"\eta x_k^2 \le 2 + \eta s", quantity=label
        ),
        Bound("loss_bound", "loss", run.loss, [2 / eta**2] * count, latex=r"\ell_k \le 2 / \eta^2"),
    ]


def _equal(number: str, target: str, backend: dict[str, Any] = BALL, depth: int = 2, **options: Any) -> dict[str, Any]:
    weights = [[[number]]] * depth
    return experiment(
        [1] * (depth + 1),
        {"rows": [[target]]},
        backend=backend,
        **{
            "step_size": "1",
            "stop": {"steps": 40},
            "start": {"scheme": "given", "weights": weights},
            **options,
        },
    )


examples = [
    Example("a chaotic orbit at the largest step but one in a hundred, enclosed", "consistent", _equal("1", "199/100")),
    Example("from near the end, below the edge", "consistent", _equal("8/5", "3/5")),
    Example("below the edge in double precision", "consistent", _equal("3/2", "4/5", FLOAT)),
    Example("in exact rationals", "consistent", _equal("1/2", "2", {"name": "exact"}, stop={"steps": 4})),
    Example("a longer step", "vacuous", _equal("1", "5/2")),
    Example("a longer step, the hypothesis dropped", "violated", _equal("1", "5/2", without=["step_size"])),
    Example(
        "a start outside, the hypothesis dropped", "violated", _equal("2", "1", stop={"steps": 4}, without=["inside"])
    ),
    Example("a negative target", "consistent", _equal("1/2", "-3/2")),
    Example(
        "three equal numbers, the hypothesis dropped", "violated", _equal("3/2", "2", depth=3, without=["two_numbers"])
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _equal("1", "199/100", dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"]),
    ),
    Example(
        "unequal numbers, the hypothesis dropped",
        "violated",
        _equal(
            "1",
            "3/2",
            start={"scheme": "given", "weights": [[["7/4"]], [["-1"]]]},
            without=["equal_start"],
        ),
    ),
]
