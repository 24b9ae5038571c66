r"""From the zero-asymmetric start the gradient flow learns every target at a rate at least 2, whatever the depth.

Statement
    Let $W_1(0) = \dots = W_{L-1}(0) = I$ and $W_L(0) = 0$. Along the gradient flow of
    $\ell = \frac{1}{2} \|W_L \cdots W_1 - \Phi\|_F^2$, for every $\Phi$ with singular values $s_i$,
    $$\frac{1}{2} \sum_i s_i^2 e^{-2 \rho_i t} \le \ell(t) \le e^{-2t}\, \ell(0), \qquad
    \rho_i = (1 + a_i^2)^{L-1} + (L-1)\, a_i^2 (1 + a_i^2)^{L-2},$$
    where $a_i \ge 0$ solves $a_i (1 + a_i^2)^{(L-1)/2} = s_i$. The loss decays in the end at $2 \rho(s_{\min})$.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    gradient_flow: the dynamics is the gradient flow

Standing
    explicit (proof below); the upper bound is that of the paper, read as quoted elsewhere; the lower one is of this project

Proof
    The imbalances $W_{j+1}^T W_{j+1} - W_j W_j^T$ are conserved: 0 for $j < L-1$ and $-I$ for $j = L-1$. So
    $W_{L-1} W_{L-1}^T = I + W_L^T W_L \succeq I$, and with $B = W_{L-1} \cdots W_1$ the balanced lower layers have
    $B B^T = (W_{L-1} W_{L-1}^T)^{L-1} \succeq I$. Hence $\dot{\ell} \le -\|E B^T\|_F^2 \le -2 \ell$. For the lower bound:
    with $\Phi = U S V^T$ the layers stay $W_L = U A V^T$, $W_j = V (1 + A^2)^{1/2} V^T$, and an error
    $e = s - a (1 + a^2)^{(L-1)/2}$ has $\dot{e} = -\rho(a)\, e$, where $a$ grows from 0 to $a_i$ and $\rho$ with it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, averaged, spectrum
from workbench.theorems._singular import squared_singular_values
from workbench.theorems._zero_asymmetric import from_zero_asymmetric, largest_product, wu_2019
from workbench.theorems._zero_asymmetric import hypotheses as _start_hypotheses

source = wu_2019("continuous-time theorem; the lower bound is worked out for this project")
observes = ("loss",)
tight = True

RATE = Fraction(2)
# Halvings of an interval around the square of a mode's value.
_HALVINGS = 80


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [*_start_hypotheses(run), run.gradient_flow()]


def _mode_square(depth: int, square: Fraction, *, above: bool) -> Fraction:
    """Return a rational just above or just below the a^2 that solves a^2 (1 + a^2)^(L-1) = s^2."""
    lower, upper = Fraction(0), max(square, Fraction(0))
    for _ in range(_HALVINGS):
        middle = (lower + upper) / 2
        if largest_product(depth, middle) < square:
            lower = middle
        else:
            upper = middle
    return upper if above else lower


def local_rate(run: Run, square: Measured) -> Real:
    """Return rho of a mode, of the square of its singular value."""
    ends = square.bounds() or (Fraction(0), Fraction(0))
    a = run.number(
        Measured.between(_mode_square(run.depth, ends[0], above=False), _mode_square(run.depth, ends[1], above=True))
    )
    if run.depth == 1:
        return run.number(1)
    return (1 + a) ** (run.depth - 1) + (run.depth - 1) * a * (1 + a) ** (run.depth - 2)


def predict(run: Run) -> list[Bound | Rate]:
    """Return both bounds of the loss, and the rate in the end."""
    squares = [
        square for square in squared_singular_values(run.target.rows, run.reals.bits) if square != Measured(Fraction(0))
    ]
    rates = [local_rate(run, square) for square in squares]
    start, lower = run.number(run.loss[0]), []
    for time in run.times:
        terms = [
            run.number(square) * run.reals.exp(-2 * rate * run.number(time))
            for square, rate in zip(squares, rates, strict=True)
        ]
        lower.append(sum(terms, run.number(0)) / 2)
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            [start * run.reals.exp(-RATE * run.number(time)) for time in run.times],
            latex=r"\ell(t) \le e^{-2t} \ell(0)",
        ),
        Bound(
            "floor",
            "loss against its fastest decay",
            run.loss,
            lower,
            ">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sum_i s_i^2 e^{-2 \rho_i t}",
        ),
        *([Rate(2 * rates[0], "rate in the end")] if rates else []),
    ]


def _flow(widths: list[int], target: dict[str, Any], time: str, **options: Any) -> dict[str, Any]:
    return from_zero_asymmetric(widths, target, **{"dynamics": "gradient_flow", "stop": {"time": time}, **options})


_FAR = {"rows": [["3", "0"], ["0", "2"]]}
_RESTING: dict[str, Any] = {"start": {"scheme": "identity", "scale": "0"}}
_LONG_STEPS: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "5/2", "stop": {"steps": 4}}

examples = [
    Example("an indefinite target, enclosed", "consistent", _flow([2] * 4, spectrum(["-1", "3/2"], 1), "1")),
    Example("a small target, where the rate is nearly 2", "consistent", _flow([2] * 3, spectrum(["1/20"] * 2), "2")),
    Example(
        "eight layers, for a long time, in double precision",
        "consistent",
        _flow([1] * 9, {"rows": [["1/2"]]}, "2", backend=FLOAT),
    ),
    Example("fewer outputs than inputs", "consistent", _flow([2, 2, 1], {"rows": [["1", "-1/2"]]}, "1")),
    # One layer has equality everywhere, which no arithmetic with errors can tell from a violation.
    Example("one layer", "undecided", _flow([2] * 2, spectrum(["1/2", "3/2"]), "1")),
    Example("from the identity", "vacuous", _flow([2] * 4, _FAR, "1/4", start={"scheme": "identity"})),
    Example(
        "all layers zero, the hypothesis dropped",
        "violated",
        _flow([2] * 4, _FAR, "1/4", without=["zero_asymmetric_start"], **_RESTING),
    ),
    Example("a bottleneck, the hypothesis dropped", "violated", _flow([2, 1, 2], _FAR, "2", without=["square_below"])),
    Example(
        "descent with long steps, the hypothesis dropped",
        "violated",
        _flow([2] * 4, spectrum(["1/20"] * 2), "1", without=["gradient_flow"], **_LONG_STEPS),
    ),
    Example(
        "the mean over the samples, the hypothesis dropped",
        "violated",
        averaged(_flow([2] * 3, spectrum(["1/20"] * 2), "2")),
    ),
]
