r"""From an orthogonal start a network of a width that does not grow with depth learns at depth times the inputs' spectrum.

Statement
    Let the network be $(m^{L-1} d_y)^{-1/2} W_L \cdots W_1 X$ with hidden width $m$, $W_j^T W_j = m I$ ($j < L$) and $W_L W_L^T = m I$ at the
    start, $\ell = \frac{1}{2} \|\cdot - Y\|_F^2$, $\kappa$, $\tilde{r} = \|X\|_F^2 / \|X\|_2^2$ and $r$ of the inputs, $W^*$ the minimiser,
    $$m \ge C\, \tilde{r} \kappa^2 \left( d_y (1 + \|W^*\|_2^2) + \ln \frac{r}{\delta} \right), \qquad 0 < \eta \le \frac{d_y}{2 L \|X\|_2^2} .$$
    Then with probability $1 - \delta$, for every $t$,
    $$\ell(t) - \ell^* \le \left( 1 - \frac{\eta L \lambda_{\min}(X X^T)}{2 d_y} \right)^t (\ell(0) - \ell^*) .$$

Hypotheses
    setting: a linear network, loss with the factor 1/2
    full_rank: $\lambda_{\min}(X X^T) > 0$; the margin is that eigenvalue
    equal_hidden: hidden layers, all of one width, no narrower than the ends
    plain_descent: gradient descent with a constant step, all layers at once
    isometric_start: $W_j^T W_j$ and $W_L W_L^T$ are one multiple $g$ of the identity, exactly
    typical_start: $\|W(0) X\|_F^2 \le C_0 (1 + \ln(r/\delta)/d_y) \|X\|_F^2$, what the draw is needed for; the margin is the room left
    normalisation: $g^L d_y = m$, exactly, of layers that are each scaled by the $L$-th root of the network's factor
    width: $m$ is at least what is stated, with the constants assumed for $C$ and $\delta$; the margin is the room left
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Presupposed
    equal_hidden: $m$ is the one width of the hidden layers

Perhaps unnecessary
    full_rank: with a zero eigenvalue the bound says no more than that the loss does not grow; on the range of the inputs it holds with the smallest positive one

Standing
    published constant for the rate and the step size; $C$ and $C_0$ are left open in print and assumed here, as the verdict repeats

Proof
    In the paper (Theorem 4.1). The kernel at the start is `orthogonal_kernel`.

Notes
    The layers here carry the $L$-th root of the factor, $s = (m^{L-1} d_y)^{-1/(2L)}$, so that a step of theirs is $s^2 \eta$ and
    $\eta L / d_y$ is their step times $L g^{L-1}$. While the kernel stays what it is the loss falls by $(1 - \eta L \lambda / d_y)^2$ a step:
    the exponent of the bound is 4 times too small for small $\eta$. With an assumed $C$ a violation refutes that $C$, not the theorem.
    The paper's probability is over uniform orthogonal layers, and bounds the output of the start; a start by hand may be large: with
    $W_2 = W_1^T = 2 e_1^T$ two layers never reach a negative target, whatever the width.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._inputs import with_inputs
from workbench.theorems._isometric import gain, power
from workbench.theorems._sources import HU_2020
from workbench.theorems._wide import (
    condition,
    envelope,
    hidden_width,
    known_moments,
    room,
    shared_hypotheses,
    squared_norm_of_best,
)

source = HU_2020.at("Theorem 4.1")
observes = ("loss",)
tight = False

# Left open in print: the factors of the width and of the output at the start, and the probability to fail.
constants = {"C": Fraction(1), "C_0": Fraction(1), "delta": Fraction(1, 10)}
# Of eta L lambda_min / d_y.
FRACTION = Fraction(1, 2)


def _kernel_level(run: Run) -> Real:
    """Return L g^(L-1), which is L/d_y over the square of a layer's scale."""
    return run.depth * run.number(gain(run)[1] or Fraction(1)) ** (run.depth - 1)


def largest_step_size(run: Run) -> Real:
    """Return 1/(2 L g^(L-1) ||X||^2), the paper's cap in steps of the scaled layers."""
    return 1 / (2 * _kernel_level(run) * run.number(known_moments(run).spectrum[-1]))


def _needed(run: Run) -> Real:
    """Return the width that is asked for."""
    spectrum = [run.number(x) for x in known_moments(run).spectrum]
    stable_rank = sum(spectrum, run.number(0)) / spectrum[-1]
    logarithm = run.reals.log(len(spectrum) / run.constants["delta"])
    size = run.widths[-1] * (1 + squared_norm_of_best(run)) + logarithm
    return run.constants["C"] * stable_rank * condition(run) ** 2 * size


def _typical(run: Run) -> Measured | None:
    """Return how far the squared output of the start is below what a draw has with probability 1 - delta."""
    whole, inputs = run.initial_product(), run.trajectory.problem.loss.inputs
    if whole is None:
        return None
    output = whole if inputs is None else product(whole, inputs.rows)
    size = sum((x**2 for row in output for x in row), Fraction(0))
    spectrum = [run.number(x) for x in known_moments(run).spectrum]
    logarithm = run.reals.log(len(spectrum) / run.constants["delta"])
    allowed = run.constants["C_0"] * (1 + logarithm / run.widths[-1]) * sum(spectrum, run.number(0))
    return run.reals.measured(allowed - run.number(size))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    shared = shared_hypotheses(run)
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    holds, level = gain(run) if linear else (False, None)
    whole = None if level is None else power(level, run.depth)
    normalised = whole is not None and whole * run.widths[-1] == hidden_width(run)
    ranked = shared[1].holds is True
    room_left = run.reals.measured(largest_step_size(run) - run.number(run.step_size or Fraction(0)))
    return [
        *shared,
        Hypothesis("isometric_start", None if holds is None else Measured(Fraction(1 if holds else -1))),
        Hypothesis("typical_start", _typical(run) if linear else None),
        Hypothesis.decided("normalisation", normalised),
        Hypothesis("width", room(run, _needed(run)) if ranked else None),
        Hypothesis("step_size", room_left if run.step_size is not None else None),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope of the loss."""
    slowness = FRACTION * _kernel_level(run) * run.number(known_moments(run).spectrum[0])
    return envelope(run, slowness, r"\ell(t) - \ell^* \le (1 - \eta L \lambda_{\min} / (2 d_y))^t (\ell(0) - \ell^*)")


def _wide(
    first: list[list[str]], middle: list[Any], last: list[str], labels: list[str], **options: Any
) -> dict[str, Any]:
    options = {"step_size": "largest", "stop": {"steps": 12}, "backend": BALL, **options}
    weights = [first, *middle, [last]]
    widths = [len(first[0]), *(len(layer) for layer in weights)]
    return experiment(widths, {"rows": [labels]}, start={"scheme": "given", "weights": weights}, **options)


def _column(entries: str, width: int) -> list[list[str]]:
    """Return a column of integers, padded with zeros."""
    return [[x] for x in _row(entries, width)]


def _row(entries: str, width: int) -> list[str]:
    found = entries.split()
    return [*found, *["0"] * (width - len(found))]


def _pairs(width: int) -> list[list[str]]:
    """Return the matrix with blocks (1, 1; 1, -1) on its diagonal, sqrt(2) times an orthogonal one."""
    rows = [[0] * width for _ in range(width)]
    for k in range(0, width, 2):
        rows[k][k] = rows[k][k + 1] = rows[k + 1][k] = 1
        rows[k + 1][k + 1] = -1
    return [[str(x) for x in row] for row in rows]


_TWO = [[a, b] for a, b in zip(_row("1 1 1 1", 16), _row("1 -1 1 -1", 16), strict=True)]
_SIXTEEN: tuple[Any, Any, Any] = (_column("1 1 1 1", 16), [], _row("1 0 0 0 1 1 1", 16))
_EIGHT: tuple[Any, Any, Any] = (_column("1 0 1", 8), [_pairs(8)], _row("1 0 0 0 1", 8))
_ALIGNED: tuple[Any, Any, Any] = (_column("2", 16), [], _row("2", 16))
_NARROW: tuple[Any, Any, Any] = (_column("1", 1), [], _row("1", 1))
_INPUTS = [["1", "0"], ["0", "21/20"]]
_HALF: dict[str, Any] = {"step_size": "1/64", "stop": {"steps": 200}}

examples = [
    Example("two layers of width 16, enclosed", "consistent", _wide(*_SIXTEEN, ["-1"])),
    Example(
        "two samples that are not white, in double precision",
        "consistent",
        with_inputs(_wide(_TWO, [], _row("1 0 0 0 1 1 1", 16), ["1", "1/2"], backend=FLOAT), _INPUTS),
    ),
    Example("three layers of width 8", "consistent", _wide(*_EIGHT, ["1/2"])),
    Example("two layers of width 1", "vacuous", _wide(*_NARROW, ["-40"])),
    Example("width 1, the hypothesis dropped", "violated", _wide(*_NARROW, ["-40"], without=["width"], **_HALF)),
    Example(
        "aligned layers, the hypothesis dropped",
        "violated",
        _wide(*_ALIGNED, ["-1"], without=["typical_start"], **_HALF),
    ),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        _wide(*_SIXTEEN, ["-1"], without=["step_size"], step_size="3/8"),
    ),
]

examples += [
    altered(examples[0], "normalisation", "layers too small", start={"scheme": "identity", "scale": "1/10"}),
    altered(
        examples[0],
        "plain_descent",
        "weight decay",
        dynamics={"name": "weight_decay", "parameters": {"decay": "1"}, "stop": {"steps": 12}},
    ),
    altered(
        examples[0],
        "setting",
        "the mean over 16 samples",
        loss={"target": {"rows": [["-1/4"] * 16]}, "inputs": {"rows": [["1/4"] * 16]}, "normalisation": "mean"},
    ),
    altered(
        examples[2],
        "isometric_start",
        "zero layers below the last",
        start={
            "scheme": "given",
            "weights": [[["0"]] * 8, [["0"] * 8] * 8, [["1", "0", "0", "0", "1", "0", "0", "0"]]],
        },
    ),
]
