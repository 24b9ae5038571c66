r"""While steps are short of a root of two, every step of descent on two numbers flattens the minimum that the flow would find from there.

Statement
    Let two layers be numbers, $D = w_2^2 - w_1^2$, $r = w_2 w_1 - s$ with $s \ne 0$. The flow from $(w_1, w_2)$ ends at a minimum of sharpness $\phi = \sqrt{D^2 + 4 s^2}$ if it ends at one, and a step of gradient descent with $\eta |r_k| \le \sqrt{2}$ has
    $$\phi_{k+1}^2 = \phi_k^2 - D_k^2 \eta^2 r_k^2 (2 - \eta^2 r_k^2) , \qquad \phi_{k+1} \le \phi_k .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2, target not zero
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    short_steps: $\eta^2 r_k^2 \le 2$ at every step; the margin is $2 - \eta^2 \max_k r_k^2$

Perhaps unnecessary
    every_step: a run with steps left out of its record obeys the inequality too

Standing
    explicit (proof below); published for chains of numbers of any depth, recalled

Proof
    $D' = D (1 - \eta^2 r^2)$ exactly, the flow keeps $D$, and where $w_2 w_1 = s$ the Hessian is $(w_2, w_1)$ times its transpose, with $w_1^2 + w_2^2 = \sqrt{D^2 + 4 s^2}$: `derivations/two_layer_numbers.py`.

Notes
    The root of two is exact: beyond it the step sharpens, unless $D = 0$. A run with steps left out of its record obeys the inequality too, and no violation without `every_step` is known of it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Bound, Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._label_noise import every_step, two_numbers
from workbench.theorems._statement import Source

source = Source(
    authors="Itai Kreisler, Mor Shpigel Nacson, Daniel Soudry, Yair Carmon",
    year=2023,
    title="Gradient descent monotonically decreases the sharpness of gradient flow solutions in scalar networks and beyond",
    where="ICML 2023, PMLR 202; arXiv:2305.13064",
    locator="two layers, recalled; the identity is worked out for this project",
    url="https://arxiv.org/abs/2305.13064",
)
observes = ("loss", "imbalance_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers, every = two_numbers(run) and run.target.rows[0][0] != 0, every_step(run)
    room = None
    if run.step_size is not None:
        taken = run.loss[: max(1, len(run.steps) - 1)]
        # r^2 is twice the loss.
        largest = run.reals.maximum(*(2 * run.step_size**2 * run.number(loss) for loss in taken))
        room = run.reals.measured(2 - largest)
    return [
        Hypothesis.decided("two_numbers", numbers),
        run.plain_descent(),
        Hypothesis.decided("every_step", every),
        Hypothesis("short_steps", room),
    ]


def predict(run: Run) -> list[Identity | Bound]:
    """Return the squared sharpness after each step, and that it falls."""
    eta, target = run.step_size or Fraction(0), Fraction(run.target.rows[0][0])
    squares = [run.number(value) ** 2 for value in run.observable("imbalance_trace")]
    found = [square + 4 * target**2 for square in squares]
    law = found[:1]
    for loss, square, value in list(zip(run.loss, squares, found, strict=True))[:-1]:
        pull = 2 * eta**2 * run.number(loss)
        law.append(value - square * pull * (2 - pull))
    label = "squared sharpness of the flow's minimum"
    latex = r"\phi_{k+1}^2 = \phi_k^2 - D_k^2 \eta^2 r_k^2 (2 - \eta^2 r_k^2)"
    return [
        Identity("law_of_a_step", label, found, law, RESOLUTION, latex=latex, quantity=label),
        Bound("flattening", label, found, [found[0], *found[:-1]], latex=r"\phi_{k+1} \le \phi_k", quantity=label),
    ]


def _numbers(first: str, second: str, target: str = "1", **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"step_size": "1/4", "stop": {"steps": 12}, "backend": BALL, **options}
    start = {"scheme": "given", "weights": [[[first]], [[second]]]}
    return experiment([1, 1, 1], {"rows": [[target]]}, start=start, **given)


examples = [
    Example("beyond the edge of stability, enclosed", "consistent", _numbers("3", "1/4", step_size="9/40")),
    Example(
        "in exact rationals", "consistent", _numbers("1/2", "2", "3", backend={"name": "exact"}, stop={"steps": 4})
    ),
    Example(
        "a negative target in double precision",
        "consistent",
        _numbers("1/2", "2", "-1", backend=FLOAT, stop={"steps": 4}),
    ),
    Example("a step too long", "vacuous", _numbers("2", "-1", "2", step_size="1/2", stop={"steps": 1})),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        _numbers("2", "-1", "2", step_size="1/2", stop={"steps": 1}, without=["short_steps"]),
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _numbers("1/2", "2", "3", dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"]),
    ),
    Example(
        "three numbers, the hypothesis dropped",
        "violated",
        experiment(
            [1] * 4,
            {"rows": [["1"]]},
            step_size="1/8",
            stop={"steps": 4},
            start={"scheme": "given", "weights": [[["1/2"]], [["3/2"]], [["2"]]]},
            without=["two_numbers"],
        ),
    ),
]
