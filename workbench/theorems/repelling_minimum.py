r"""With a step above twice the inverse of the least sharpness of a minimum, descent is thrown off every minimum that it nears.

Statement
    Let $L$ layers be equal positive numbers, $\rho = s^{1/L}$, and $a = \eta L s^{2-2/L} > 2$. Whenever descent on $\frac{1}{2} (x^L - s)^2$ stands at
    $x_k > \rho$,
    $$|x_{k+1} - \rho| \ge (a - 1)\, (x_k - \rho) > x_k - \rho .$$
    So it converges to $\rho$ only if some step lands there exactly, for countably many starts.

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, loss with the factor 1/2, positive target
    equal_start: all layers start at one positive number
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    beyond_edge: $a > 2$; the margin is $(\eta L)^L s^{2L-2} - 2^L$

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Perhaps unnecessary
    equal_start: $\ln(1 - c e^{-u})$ is concave in $u = \ln w^2$, so that unequal numbers step further past the minimum (Jensen), as long as none changes its sign

Standing
    explicit (proof below)

Proof
    $g(x) = x^{L-1} (x^L - s)$ has $g'' \ge 0$ for $x \ge \rho$, as $(2L-1)(2L-2) \ge (L-1)(L-2)$, so that $g(x) \ge g'(\rho)(x - \rho) = L s^{2-2/L}
    (x - \rho)$ and $\rho - x_{k+1} = \eta g(x_k) - (x_k - \rho) \ge (a - 1)(x_k - \rho)$. Below $\rho$ the derivative of a step tends to $1 - a$
    too, so that near $\rho$ the distance grows at every step.

Notes
    Matrices: every global minimiser has a sharpness of at least $L s_1^{2-2/L}$ (`flattest_minima`), so that with $\eta$ above
    $2 / (L s_1^{2-2/L})$ the linearised step expands at each of them. The critical step does not depend on the start.
    Unequal numbers make the minimum sharper, and no violation is known without `equal_start`.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._statement import Source

source = Source(
    authors="Rotem Mulayoff, Tomer Michaeli",
    year=2020,
    title="Unique properties of flat minima in deep networks",
    where="ICML 2020; arXiv:2002.04710",
    locator="stability of minima; the bound is worked out for this project",
    url="https://arxiv.org/abs/2002.04710",
)
observes = ("loss", "end_to_end_trace")
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    target = Fraction(run.target.rows[0][0])
    scalar = run.setting().holds is True and set(run.widths) == {1} and target > 0
    layers = rational_start(run) if scalar else None
    equal = layers is not None and len({layer[0][0] for layer in layers}) == 1 and layers[0][0][0] > 0
    power = ((run.step_size or Fraction(0)) * run.depth) ** run.depth * target ** (2 * run.depth - 2)
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", equal),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("beyond_edge", Measured(power - 2**run.depth) if scalar else None, strict=True),
    ]


def _gap(run: Run, trace: Measured, root: Real) -> Real | None:
    """Return x - rho, None where x is not known to be positive."""
    bounds = trace.bounds()
    if bounds is None or bounds[0] <= 0:
        return None
    return run.reals.power(run.number(trace), Fraction(1, run.depth)) - root


def _stays_positive(run: Run, trace: Measured) -> bool:
    """Return whether a step leads from a positive number to a positive one, for certain."""
    if run.depth % 2:
        return True
    product, eta = run.number(trace), run.number(run.step_size or Fraction(0))
    target = run.number(Fraction(run.target.rows[0][0]))
    factor = 1 - eta * run.reals.power(run.reals.maximum(product, 0), 1 - Fraction(2, run.depth)) * (product - target)
    bounds = run.reals.measured(factor).bounds()
    return bounds is not None and bounds[0] > 0


def predict(run: Run) -> list[Bound]:
    """Return the distance to the minimum against that of the step before, where that was above it."""
    target = run.number(Fraction(run.target.rows[0][0]))
    root = run.reals.power(target, Fraction(1, run.depth))
    growth = run.number((run.step_size or Fraction(0)) * run.depth) * root ** (2 * run.depth - 2) - 1
    gaps = [_gap(run, trace, root) for trace in run.observable("end_to_end_trace")]
    found: list[Any] = [Fraction(0)]
    old: list[Any] = [Fraction(0)]
    positive = True
    for (before, now), trace in zip(pairwise(gaps), run.observable("end_to_end_trace"), strict=False):
        lower = None if before is None else run.reals.measured(before).bounds()
        above = positive and before is not None and now is not None and lower is not None and lower[0] > 0
        # At even depth the product does not tell the sign of the numbers: beyond zero nothing is claimed.
        positive = positive and _stays_positive(run, trace)
        above = above and positive
        found.append(run.reals.maximum(now, -now) if above and now is not None else Fraction(0))
        old.append(before if above and before is not None else Fraction(0))
    label = "distance to the minimum after a step from above it"
    return [
        Bound(name, label, found, needed, ">=", latex=rf"|x_{{k+1}} - \rho| \ge {formula}", quantity=label)
        for name, needed, formula in (
            ("expansion", [growth * gap for gap in old], r"(a - 1)(x_k - \rho)"),
            ("growth", old, r"x_k - \rho"),
        )
    ]


def _chain(depth: int, number: str, step_size: str, **options: Any) -> dict[str, Any]:
    options = {"stop": {"steps": 12}, "backend": BALL, "step_size": step_size, **options}
    return experiment(
        [1] * (depth + 1),
        {"rows": [["1"]]},
        **{"start": {"scheme": "given", "weights": [[[number]]] * depth}, **options},
    )


_FIRST: dict[str, Any] = {"stop": {"steps": 2}}
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("three layers, enclosed", "consistent", _chain(3, "1001/1000", "7/10")),
    Example("two layers, nearly an equality", "consistent", _chain(2, "100001/100000", "11/10", **_FIRST)),
    Example("six layers in double precision", "consistent", _chain(6, "21/20", "7/20", backend=FLOAT)),
    Example("a step below the edge", "vacuous", _chain(3, "1001/1000", "1/2")),
    Example(
        "a step below the edge, the hypothesis dropped", "violated", _chain(3, "3/2", "1/10", without=["beyond_edge"])
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _chain(3, "11/10", "7/10", without=["plain_descent"], **_MOMENTUM),
    ),
]
