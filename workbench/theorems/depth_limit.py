r"""From the identity a mode's time of growth is its limit in great depth up to a correction in one over the depth.

Statement
    Let all widths be 1, all layers start at 1 and $s > 1$. Along the gradient flow of $\frac{1}{2} (\sigma - s)^2$,
    $\sigma = w_L \cdots w_1$, the time $t$ at which $\sigma$ is reached obeys
    $$0 \le L t - t_0 - \frac{2}{L} t_1 \le \frac{2}{L^2} (\ln \sigma)^2 \sigma^{2/L} t_0 ,$$
    $$t_0 = \frac{1}{s} \left( 1 - \frac{1}{\sigma} \right) + \frac{1}{s^2} \ln \frac{\sigma (s - 1)}{s - \sigma}, \qquad
    t_1 = F(\sigma) - F(1),$$
    $$F(v) = - \frac{\ln v + 1}{s v} + \frac{(\ln v)^2}{2 s^2}
    - \frac{1}{s^2} \left( \ln v \ln \left( 1 - \frac{v}{s} \right) + \sum_{n \ge 1} \frac{(v / s)^n}{n^2} \right) .$$

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, loss with the factor 1/2
    identity_start: all layers start at 1
    above_one: $s > 1$; the margin is $s - 1$
    gradient_flow: the dynamics is the gradient flow

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Perhaps unnecessary
    above_one: below one the limit has the same form; nothing is enclosed there, so that nothing is judged

Standing
    explicit (proof below)

Proof
    $L \, dt / d\sigma = \sigma^{2/L} / (\sigma^2 (s - \sigma))$, and for $y = \frac{2}{L} \ln \sigma \ge 0$,
    $1 + y \le e^y \le 1 + y + \frac{1}{2} y^2 e^y$. The primitives $t_0$, $t_1$ of $1 / (\sigma^2 (s - \sigma))$ and
    $\ln \sigma / (\sigma^2 (s - \sigma))$: `derivations/depth_limit.py`.

Notes
    Read from the loss: $\sigma = s - \sqrt{2 l}$. The sum's tail is enclosed by a geometric series.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import UNKNOWN, Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("setting; the limit is worked out for this project")
observes = ("loss",)
tight = False

# The sum is cut where its tail is below this.
_TAIL = Fraction(1, 2**80)
# Nearer to the target the sum takes too long, and the time there is left unknown.
_NEAREST = Fraction(98, 100)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1}
    above = Measured(_target(run) - 1) if scalar else None
    return [
        Hypothesis.decided("scalar_layers", scalar),
        run.identity_start(),
        Hypothesis("above_one", above, strict=True),
        run.gradient_flow(),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the two bounds of the time."""
    target, depth = run.number(_target(run)), run.depth
    start = _correction(run, run.number(1), target)
    times, lower, upper = [], [], []
    for time, loss in zip(run.times, run.loss, strict=True):
        value = target - run.reals.sqrt(2 * run.number(loss))
        limit, grown = _limit(run, value, target), run.reals.log(value)
        first = limit + (_correction(run, value, target) - start) * 2 / depth
        rest = grown**2 * run.reals.power(value, Fraction(2, depth)) * limit * 2 / depth**2
        times.append(run.number(depth * time))
        lower.append(first)
        upper.append(first + rest)
    latex = r"0 \le L t - t_0 - \frac{2}{L} t_1 \le \frac{2}{L^2} (\ln \sigma)^2 \sigma^{2/L} t_0"
    return [
        Bound("lower", "time against limit and correction", times, lower, ">=", latex=latex, quantity="L t"),
        Bound("upper", "time against limit, correction and rest", times, upper, "<=", latex=latex, quantity="L t"),
    ]


def _target(run: Run) -> Fraction:
    return Fraction(run.target.rows[0][0])


def _limit(run: Run, value: Real, target: Real) -> Real:
    """Return t_0."""
    return (1 - 1 / value) / target + run.reals.log(value * (target - 1) / (target - value)) / target**2


def _correction(run: Run, value: Real, target: Real) -> Real:
    """Return F."""
    grown, ratio = run.reals.log(value), value / target
    dilogarithm = _dilogarithm(run, ratio)
    inner = grown * run.reals.log(1 - ratio) + dilogarithm
    return -(grown + 1) / (target * value) + grown**2 / (2 * target**2) - inner / target**2


def _dilogarithm(run: Run, ratio: Real) -> Real:
    """Return the sum of ratio^n / n^2, its tail enclosed."""
    bounds = run.reals.measured(ratio).bounds()
    if bounds is None or bounds[0] <= 0 or bounds[1] >= _NEAREST:
        return run.number(UNKNOWN)
    upper = Fraction(-((-bounds[1] * 2**64) // 1), 2**64)
    total, power, largest, n = run.number(0), ratio, upper, 1
    while largest / (1 - upper) > _TAIL:
        total = total + power / n**2
        power, n = power * ratio, n + 1
        largest = Fraction(-((-largest * upper * 2**128) // 1), 2**128)
    # The terms left out are below those of the geometric series.
    return total + run.number(Measured(Fraction(0), largest / (1 - upper)))


def _numbers(weights: list[str], backend: dict[str, Any], target: str = "3", **options: Any) -> dict[str, Any]:
    return experiment(
        [1] * (len(weights) + 1),
        {"rows": [[target]]},
        start={"scheme": "given", "weights": [[[w]] for w in weights]},
        backend=backend,
        **{"dynamics": "gradient_flow", "stop": {"time": f"1/{8 * len(weights)}"}, **options},
    )


_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/32", "stop": {"steps": 3}}

examples = [
    Example("eight layers, enclosed", "consistent", _numbers(["1"] * 8, BALL)),
    Example("two layers at 30 digits", "consistent", _numbers(["1"] * 2, MULTIPRECISION, "2")),
    Example("sixteen layers in double precision", "consistent", _numbers(["1"] * 16, FLOAT)),
    Example("a smaller start", "vacuous", _numbers(["9/10"] * 4, FLOAT)),
    Example(
        "a smaller start, the hypothesis dropped",
        "violated",
        _numbers(["9/10"] * 4, BALL, without=["identity_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _numbers(["1"] * 4, BALL, without=["gradient_flow"], **_DESCENT),
    ),
]
