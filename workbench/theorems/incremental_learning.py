r"""From a small start the singular values of a target are learned one after the other, each at a time of its own.

Statement
    Let $L \ge 2$ layers start at $x_0 I$, $x_0 > 0$, the target be symmetric with distinct positive eigenvalues $s_1 > s_2 > \dots$ (each of any multiplicity), and let $H_r$ be the sum of $\frac{1}{2} \lambda^2$ over all eigenvalues $\lambda < s_r$,
    the plateaux of the loss. The flow first reaches a level $H_r < \alpha < H_{r-1}$ at a time $T$ with, as $x_0 \to 0$,
    $$\frac{T s_r}{\ln (1 / x_0)} \to 1 \quad (L = 2), \qquad T (L - 2) s_r x_0^{L-2} \to 1 \quad (L \ge 3).$$
    So at $L = 2$ the plateau $H_r$ lasts $\left( \frac{1}{s_{r+1}} - \frac{1}{s_r} \right) \ln \frac{1}{x_0}$ up to a bounded time.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    two_layers_or_more: $L \ge 2$
    equal_start: every layer is $x_0 I$ with $x_0 > 0$
    symmetric_target: $\Phi$ is symmetric
    gradient_flow: the dynamics is the gradient flow
    level_reached: the run reached a level $\alpha$ strictly between two plateaux

Presupposed
    two_layers_or_more: one layer has no plateau
    equal_start: $x_0$ is the common number
    symmetric_target: $s_r$ is an eigenvalue
    level_reached: there is no time without it

Standing
    explicit (proof below); incremental learning at $L = 2$ is published, and recalled; the other depths are worked out for this project

Proof
    In the eigenbasis every layer is $\mathrm{diag}(x)$ with $\dot x = x^{L-1} (s - x^L)$. For a positive $s$ the time from $x_0$ to $x$ is $F(x) - F(x_0)$ (`mode_closed_forms`): at $L = 2$ it is $\frac{1}{s} \ln \frac{1}{x_0}$, at $L \ge 3$
    $x_0^{2-L} / ((L-2) s)$, up to a bounded term for $x$ in a compact set of $(0, s^{1/L})$. Hence at the time $\tau = (1 + o(1))$ times that of $s_r$ the larger modes are at $s_i$ and the smaller ones at 0 up to $o(1)$, and those of eigenvalues
    $\lambda \le 0$ have only fallen. The loss then is $H_r + \frac{m}{2} (s_r - x^L)^2 + o(1)$, $m$ the multiplicity, which equals $\alpha$ at some $x$ inside a compact set of $(0, s_r^{1/L})$.

Notes
    The plateaux are the losses of the saddles. A family is judged by slopes between neighbours in $\ln(1/x_0)$ or $x_0^{2-L}$, which do not see the bounded part.
    `level_reached`, `equal_start` and `symmetric_target` say what $T$, $x_0$ and $s_r$ are, and have no control, nor has `two_layers_or_more`: one layer has no plateau, and $T$ tends to a constant.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import averaged, family, symmetric
from workbench.theorems._statement import Source
from workbench.trajectory import Status

source = Source(
    authors="Gauthier Gidel, Francis Bach, Simon Lacoste-Julien",
    year=2019,
    title="Implicit regularization of discrete gradient dynamics in linear neural networks",
    where="NeurIPS 2019; arXiv:1904.13262",
    locator="two layers, recalled; other depths worked out for this project",
    url="https://arxiv.org/abs/1904.13262",
)
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 200)


def _scale(run: Run) -> Fraction | None:
    """Return x_0 where every layer is x_0 I with a rational x_0."""
    layers = run.initial_weights()
    first = layers[0][0][0]
    for layer in layers:
        if len(layer) != len(layer[0]):
            return None
        if any(x != (first if i == j else 0) for i, row in enumerate(layer) for j, x in enumerate(row)):
            return None
    return first if isinstance(first, Fraction) and first > 0 else None


def learned_last(run: Run) -> Measured | None:
    """Return the eigenvalue s_r that is being learned at the level, None where the level is on no slope for certain."""
    level = run.until_loss
    if level is None or not run.target.is_symmetric():
        return None
    height = run.number(0)
    for value in run.exact_eigenvalues():
        bounds, below = value.bounds(), run.reals.measured(height).bounds()
        if bounds is None or below is None or below[1] >= level:
            return None
        height = height + run.number(value) ** 2 / 2
        above = run.reals.measured(height).bounds()
        if above is not None and above[0] > level:
            return value if bounds[0] > 0 else None
    return None


def _between(run: Run) -> bool:
    """Say whether the level is off every plateau also where an eigenvalue is multiple: above the sum of all smaller ones."""
    value, level = learned_last(run), run.until_loss
    if value is None or level is None:
        return False
    ends = value.bounds()
    smaller = [x for x in run.exact_eigenvalues() if (x.bounds() or (0, 0))[1] < (ends or (0, 0))[0]]
    height = run.reals.measured(sum((run.number(x) ** 2 for x in smaller), run.number(0)) / 2).bounds()
    return height is not None and height[1] < level


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    reached = run.trajectory.status is Status.CONVERGED and _between(run)
    return [
        run.setting(),
        Hypothesis.decided("two_layers_or_more", run.depth >= 2),
        Hypothesis.decided("equal_start", _scale(run) is not None),
        run.symmetric_target(),
        run.gradient_flow(),
        Hypothesis.decided("level_reached", reached),
    ]


def _time(run: Run) -> Measured:
    """Return T, between the last record above the level and the first at it."""
    return Measured.between(run.times[-2], run.times[-1]) if len(run.times) > 1 else Measured(None, None)


def _scaled(run: Run, x: Fraction) -> Real:
    """Return ln(1/x_0), or x_0^(2 - L) over L - 2."""
    if run.depth == 2:
        return -run.reals.log(run.number(x))
    return run.number(1 / x ** (run.depth - 2)) / max(1, run.depth - 2)


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return the slope of the times, times the eigenvalue."""
    values: list[Real | None] = []
    for one, two in itertools.pairwise(runs):
        first, second, value = _scale(one), _scale(two), learned_last(two)
        if first is None or second is None or value is None or first == second:
            values.append(None)
            continue
        run = runs[-1]
        waited = run.number(_time(two)) - run.number(_time(one))
        values.append(waited * run.number(value) / (_scaled(run, second) - _scaled(run, first)))
    latex = r"T s_r / \ln (1 / x_0) \to 1, \quad T (L - 2) s_r x_0^{L-2} \to 1"
    return [Limit("waiting", "slope of the time to the level, over its limit", values, Fraction(1), RESOLUTION, latex)]


def _flow(depth: int, eigenvalues: list[str], level: str, rotate: int | None = None, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "dynamics": "gradient_flow",
        "stop": {"until_loss": level},
        "start": {"scheme": "identity", "scale": "{start}"},
        "backend": {"name": "ball", "digits": 15},
    }
    return symmetric(depth, eigenvalues, rotate, **{**given, **options})


_STARTS = ["1/10", "1/1000", "1/100000"]
_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/4"}

families = [
    FamilyExample(
        "the second of three modes, enclosed",
        "consistent",
        family(_flow(2, ["1/2", "1", "2"], "1/4"), "start", _STARTS),
    ),
    FamilyExample(
        "the last mode beside a negative eigenvalue, rotated",
        "consistent",
        family(_flow(2, ["-1/2", "1/2", "3/2"], "3/16", 3), "start", _STARTS),
    ),
    FamilyExample(
        "three layers",
        "consistent",
        family(_flow(3, ["1/2", "2"], "1/16"), "start", ["1/5", "1/10", "1/20"]),
    ),
    FamilyExample("above every plateau", "vacuous", family(_flow(2, ["1"], "3/5"), "start", _STARTS[:2])),
    FamilyExample(
        "descent with a long step, the hypothesis dropped",
        "violated",
        family(_flow(2, ["1/2", "1"], "1/16", **_DESCENT, without=["gradient_flow"]), "start", [*_STARTS, "1e-7"]),
    ),
    FamilyExample(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        family(averaged(_flow(2, ["1/2", "1"], "1/32")), "start", ["1/4", "1/8", "1/32", "1/256"]),
    ),
]
