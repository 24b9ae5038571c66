r"""From the zero-asymmetric start gradient descent halves away the loss at half the step size a step.

Statement
    Let $W_1(0) = \dots = W_{L-1}(0) = I$, $W_L(0) = 0$, $\xi = \max(2 \|\Phi\|_F, 3/\sqrt{L}, 1)$ and
    $$0 < \eta \le \min \left( \frac{1}{4 L^3 \xi^6}, \frac{1}{144 L^2 \xi^4} \right) .$$
    Then for every $t$
    $$\ell(t) \le \left( 1 - \frac{\eta}{2} \right)^t \ell(0), \qquad \ell = \frac{1}{2} \|W_L \cdots W_1 - \Phi\|_F^2 .$$

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Presupposed
    square_below: the start is the identity in the layers below

Standing
    published constant, read as quoted in another text

Proof
    In the paper; the flow's rate is proved in `zero_asymmetric_flow`, where it is 2: four times as fast.

Notes
    The step size is far below what the curvature asks for. The first step multiplies the loss by $(1 - \eta)^2$, as only the
    last layer has a gradient.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, averaged, spectrum
from workbench.theorems._zero_asymmetric import from_zero_asymmetric, wu_2019
from workbench.theorems._zero_asymmetric import hypotheses as _start_hypotheses

source = wu_2019("discrete-time theorem")
observes = ("loss",)
tight = False


def largest_step_size(run: Run) -> Real:
    """Return the cap; powers of xi^2, which is rational."""
    norm = sum((x**2 for row in run.target.rows for x in row), Fraction(0))
    square, depth = max(4 * norm, Fraction(9, run.depth), Fraction(1)), run.depth
    return run.number(min(1 / (4 * depth**3 * square**3), 1 / (144 * depth**2 * square**2)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    room = None if run.step_size is None else run.reals.measured(largest_step_size(run) - run.number(run.step_size))
    return [*_start_hypotheses(run), run.plain_descent(), Hypothesis("step_size", room)]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    eta, start = run.step_size or Fraction(0), run.number(run.loss[0])
    factor = run.number(1 - eta / 2)
    found: list[Bound | Rate] = [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            [start * factor**step for step in run.steps],
            latex=r"\ell(t) \le (1 - \eta/2)^t \ell(0)",
        )
    ]
    if 0 < eta < 2:
        found.append(Rate(-run.reals.log(factor) / run.number(eta)))
    return found


def _descent(widths: list[int], target: dict[str, Any], **options: Any) -> dict[str, Any]:
    return from_zero_asymmetric(widths, target, **{"step_size": "largest", "stop": {"steps": 60}, **options})


_SMALL = spectrum(["1/20", "-1/20"])
_RESTING: dict[str, Any] = {"start": {"scheme": "identity", "scale": "1/100"}}
_STEPS: dict[str, Any] = {"stop": {"steps": 20}}

examples = [
    Example("an indefinite target, enclosed", "consistent", _descent([2] * 4, spectrum(["-1/4", "1/3"], 1))),
    Example("fewer outputs than inputs", "consistent", _descent([2, 2, 2, 1], {"rows": [["1/2", "-1/4"]]})),
    Example("in double precision", "consistent", _descent([2] * 3, spectrum(["1/2", "1"], 2), backend=FLOAT)),
    Example("a step above the cap", "vacuous", _descent([2] * 3, _SMALL, step_size="1/100", **_STEPS)),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        _descent([2] * 3, _SMALL, step_size="19/10", without=["step_size"], **_STEPS),
    ),
    Example(
        "all layers near zero, the hypothesis dropped",
        "violated",
        _descent([2] * 4, _SMALL, without=["zero_asymmetric_start"], **_STEPS, **_RESTING),
    ),
    Example(
        "a penalty, the hypothesis dropped",
        "violated",
        _descent(
            [2] * 3,
            spectrum(["1/20", "1/10"]),
            dynamics="weight_decay",
            parameters={"decay": "100"},
            without=["plain_descent"],
            stop={"steps": 800},
        ),
    ),
    Example(
        "a mean over eight samples, the hypothesis dropped",
        "violated",
        averaged(_descent([8] * 3, spectrum(["1/20"] * 8), step_size="largest", **_STEPS)),
    ),
]
