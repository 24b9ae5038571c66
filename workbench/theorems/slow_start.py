r"""From a small equal start a chain of numbers needs a time that grows like a power of its depth minus two.

Statement
    Let all $L \ge 2$ layers be one number $0 < x_0 < s^{1/L}$ and $0 < \eta \le 1/(L s^{2-2/L})$. Under gradient descent on
    $\frac{1}{2} (x^L - s)^2$, for every step $k$,
    $$\eta k \ge \frac{x_0^{-(L-2)} - x_k^{-(L-2)}}{(L-2)\, s} \quad (L \ge 3), \qquad
    \eta k \ge \frac{1}{s} \ln \frac{x_k}{x_0} \quad (L = 2) .$$

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, at least two layers, loss with the factor 1/2
    equal_start: all layers start at one number
    below_target: $x_0 > 0$ and $x_0^L < s$; the margin is the smaller of $x_0$ and $s - x_0^L$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta \le 1/(L s^{2-2/L})$; the margin is $1 - (\eta L)^L s^{2L-2}$

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Perhaps unnecessary
    below_target: the proof takes from it only that the numbers stay positive

Standing
    explicit (proof below); the paper's lower bounds hide constants, and its targets lie on the far side: see `far_side`

Proof
    The layers stay equal, and $x_k$ grows towards $s^{1/L}$ without passing it, by the step size. $\varphi(x) = x^{-(L-2)}/(L-2)$,
    or $-\ln x$, is convex with $\varphi' = -x^{-(L-1)}$, so $\varphi(x_k) - \varphi(x_{k+1}) \le x_k^{-(L-1)} (x_{k+1} - x_k) =
    \eta (s - x_k^L) \le \eta s$; sum over the steps.

Notes
    Sharp for small $x_0$ and $x_k$, up to the growth within a step. Of `below_target` and `step_size` no violation is known:
    the proof takes from them only that $x_k$ stays positive.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Ohad Shamir",
    year=2019,
    title="Exponential convergence time of gradient descent for one-dimensional deep linear neural networks",
    where="COLT 2019; arXiv:1809.08587",
    locator="setting; the explicit bound is worked out for this project",
    url="https://arxiv.org/abs/1809.08587",
)
observes = ("loss", "end_to_end_trace")
tight = True


def largest_step_size(run: Run) -> Real | None:
    """Return 1/(L s^(2 - 2/L)), of a positive target."""
    target = Fraction(run.target.rows[0][0])
    if target <= 0:
        return None
    return 1 / (run.depth * run.reals.power(run.number(target), Fraction(2) - Fraction(2, run.depth)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2
    layers = rational_start(run) if scalar else None
    starts = [] if layers is None else [layer[0][0] for layer in layers]
    room = None
    if starts:
        room = min(starts[0], Fraction(run.target.rows[0][0]) - starts[0] ** run.depth)
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", len(set(starts)) == 1)
        if starts or not scalar
        else Hypothesis.unknown("equal_start"),
        Hypothesis("below_target", None if room is None else Measured(room), strict=True),
        run.plain_descent(),
        Hypothesis("step_size", _room(run) if scalar else None),
    ]


def _room(run: Run) -> Measured | None:
    """Return 1 - (eta L)^L s^(2L-2), which is rational: a ball would not decide a step at the cap."""
    target = Fraction(run.target.rows[0][0])
    if target <= 0 or run.step_size is None:
        return None
    return Measured(1 - (run.step_size * run.depth) ** run.depth * target ** (2 * run.depth - 2))


def predict(run: Run) -> list[Bound]:
    """Return the least time to every value."""
    return [
        Bound(
            "least_time",
            "flow time against the least that the growth takes",
            list(run.times),
            [_least(run, run.number(value)) for value in run.observable("end_to_end_trace")],
            ">=",
            latex=r"\eta k \ge (x_0^{-(L-2)} - x_k^{-(L-2)}) / ((L-2) s)",
            quantity="flow time",
        )
    ]


def _least(run: Run, product: Real) -> Real:
    """Return the least time to a product x^L."""
    target = run.number(Fraction(run.target.rows[0][0]))
    start = run.number(run.observable("end_to_end_trace")[0])
    if run.depth == 2:
        return run.reals.log(product / start) / (2 * target)
    power = -Fraction(run.depth - 2, run.depth)
    return (run.reals.power(start, power) - run.reals.power(product, power)) / ((run.depth - 2) * target)


def _chain(starts: list[str], target: str = "1", **options: Any) -> dict[str, Any]:
    options = {"step_size": "1/50", "stop": {"steps": 60}, "backend": BALL, **options}
    weights = [[[start]] for start in starts]
    return experiment(
        [1] * (len(starts) + 1),
        {"rows": [[target]]},
        **{"start": {"scheme": "given", "weights": weights}, **options},
    )


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("twelve layers, enclosed", "consistent", _chain(["4/5"] * 12)),
    Example("three layers far below the target, nearly an equality", "consistent", _chain(["1/10"] * 3, "2")),
    Example("two layers in double precision", "consistent", _chain(["1/4"] * 2, backend=FLOAT)),
    Example("a start above the target", "vacuous", _chain(["3/2"] * 3)),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _chain(["1/10"] * 3, "2", without=["plain_descent"], **_MOMENTUM),
    ),
    Example(
        "one larger layer, the hypothesis dropped",
        "violated",
        _chain(["1/10", "1/10", "2"], without=["equal_start"]),
    ),
]

examples += [
    altered(examples[2], "step_size", "a step above the cap", dynamics={"step_size": "4"}),
]
