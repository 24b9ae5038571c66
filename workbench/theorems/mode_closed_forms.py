r"""A mode grows along the flow in the time that a closed form tells, at any depth.

Statement
    Let all widths be 1, $w_1(0) = \dots = w_L(0) = x_0 > 0$ and $\sigma = w_L \cdots w_1$ with $x_0^L < s$. Along the
    gradient flow of $\frac{1}{2} (\sigma - s)^2$ the value $\sigma$ is reached at $t = F(\sigma^{1/L}) - F(x_0)$, where
    $F(x) = -\ln(s - x)$ for $L = 1$, $F(x) = \frac{1}{2s} \ln \frac{x^2}{s - x^2}$ for $L = 2$, and
    $$F(x) = \frac{x^{2-L}}{s} \sum_{n \ge 0} \frac{1}{L n + 2 - L} \left( \frac{x^L}{s} \right)^n \qquad (L \ge 3).$$

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, loss with the factor 1/2
    equal_start: all layers start at one positive number
    below_target: $0 < w_L(0) \cdots w_1(0) < s$
    gradient_flow: the dynamics is the gradient flow

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Perhaps unnecessary
    below_target: above the target the same integral tells the time; it is not enclosed there, so that nothing is judged

Standing
    explicit (proof below)

Proof
    $\dot x = x^{L-1}(s - x^L)$, and $F' = 1 / \dot x$: `derivations/mode_closed_forms.py`; for $L \ge 3$ expand
    $1 / (s - x^L)$ in powers of $x^L / s$ and integrate term by term. The sum is the hypergeometric function
    with the parameters $1, c, c+1$, $c = (2-L)/L$, divided by $2 - L$.

Notes
    Read from the loss: $\sigma = s - \sqrt{2 l}$. The sum's tail is enclosed by a geometric series.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import UNKNOWN, Measured
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import SAXE_2014

source = SAXE_2014.at("two layers; other depths worked out for this project")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 10**6)

# The sum is cut where its tail is below this: a power of two on the safe side of every resolution asked for.
_TAIL = Fraction(1, 2**80)
# A mode so near its target would take a sum too long; the time there is left unknown.
_NEAREST = 0.98


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1}
    known = not scalar or rational_start(run) is not None
    starts = _starts(run) if scalar else []
    below = bool(starts) and 0 < prod(starts) < _target(run)
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", bool(starts) and min(starts) > 0 and len(set(starts)) == 1)
        if known
        else Hypothesis.unknown("equal_start"),
        Hypothesis.decided("below_target", below) if known else Hypothesis.unknown("below_target"),
        run.gradient_flow(),
    ]


def predict(run: Run) -> list[Identity]:
    """Return the time at which the value observed is reached."""
    target = run.number(_target(run))
    start = _primitive(run, run.number(prod(_starts(run))), target)
    times = []
    for loss in run.loss:
        value = target - run.reals.sqrt(2 * run.number(loss))
        times.append(_primitive(run, value, target) - start)
    return [
        Identity(
            "time_of_growth",
            "time that the closed form tells",
            times,
            [run.number(time) for time in run.times],
            RESOLUTION,
            latex=r"F(\sigma^{1/L}) - F(x_0) = t",
            quantity="flow time",
        )
    ]


def _primitive(run: Run, value: Real, target: Real) -> Real:
    """Return F at the L-th root of a value."""
    if run.depth == 1:
        return -run.reals.log(target - value)
    ratio = value / target
    if run.depth == 2:
        return run.reals.log(ratio / (1 - ratio)) / (2 * target)
    power = run.reals.power(value, Fraction(2 - run.depth, run.depth))
    return power / target * _sum(run, ratio)


def _sum(run: Run, ratio: Real) -> Real:
    """Return the sum of ratio^n / (L n + 2 - L), its tail enclosed."""
    bounds = run.reals.measured(ratio).bounds()
    if bounds is None or bounds[0] <= 0 or bounds[1] >= _NEAREST:
        return run.number(UNKNOWN)
    total, power, largest, n = run.number(0), run.number(1), Fraction(1), 0
    upper = Fraction(-((-bounds[1] * 2**64) // 1), 2**64)
    while largest / (1 - upper) > _TAIL:
        total = total + power / (run.depth * n + 2 - run.depth)
        power, n = power * ratio, n + 1
        largest = Fraction(-((-largest * upper * 2**128) // 1), 2**128)
    # The terms left out have denominators of at least 1 and numerators below the geometric series.
    return total + run.number(Measured(Fraction(0), largest / (1 - upper)))


def _starts(run: Run) -> list[Fraction]:
    return [entry for layer in rational_start(run) or [] for row in layer for entry in row]


def _target(run: Run) -> Fraction:
    return Fraction(run.target.rows[0][0])


def _numbers(weights: list[str], backend: dict[str, Any], **options: Any) -> dict[str, Any]:
    return experiment(
        [1] * (len(weights) + 1),
        {"rows": [["1"]]},
        start={"scheme": "given", "weights": [[[w]] for w in weights]},
        backend=backend,
        **{"dynamics": "gradient_flow", "stop": {"time": "1/2"}, **options},
    )


examples = [
    Example("two layers", "consistent", _numbers(["1/2"] * 2, MULTIPRECISION)),
    Example("five layers in balls", "consistent", _numbers(["3/4"] * 5, BALL)),
    Example("three layers in double precision", "consistent", _numbers(["1/2"] * 3, FLOAT)),
    Example("one layer", "consistent", _numbers(["1/2"], FLOAT)),
    Example("unequal layers", "vacuous", _numbers(["1/4", "1"], FLOAT)),
    Example(
        "unequal layers, the hypothesis dropped",
        "violated",
        _numbers(["1/4", "1", "1/2"], FLOAT, without=["equal_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _numbers(
            ["1/2"] * 2,
            BALL,
            dynamics="gradient_descent",
            step_size="1/4",
            stop={"steps": 4},
            without=["gradient_flow"],
        ),
    ),
]
