r"""From an orthogonal start a wide deep network with momentum learns at the square root of the condition number of the inputs.

Statement
    Let the network be $(m^{L-1} d_y)^{-1/2} W_L \cdots W_1 X$ with hidden width $m$, $W_j^T W_j = m I$ ($j < L$) and $W_L W_L^T = m I$ at the start, $\ell = \frac{1}{2} \|\cdot - Y\|_F^2$, linearly independent
    samples, $\kappa = \|X\|_2^2 / \lambda_{\min}(X X^T)$, $r$ the rank, $W^*$ the minimiser,
    $$m \ge C \frac{\kappa^5}{\|X\|_2^2} \left( d_y (1 + \|W^*\|_2^2) + \ln \frac{r}{\delta} \right), \qquad \eta = \frac{d_y}{L \|X\|_2^2}, \qquad \beta = \left( 1 - \frac{1}{2 \sqrt{\kappa}} \right)^2 .$$
    Then with probability $1 - \delta$ heavy ball has, for every $t$, of the error $\sqrt{2 \ell}$ $$\sqrt{2 \ell(t)} \le 8 \sqrt{\kappa} \left( 1 - \frac{1}{4 \sqrt{\kappa}} \right)^t \sqrt{2 \ell(0)} .$$

Hypotheses
    setting: a linear network, loss with the factor 1/2, as many samples as inputs, or whitened
    full_rank: $\lambda_{\min}(X X^T) > 0$; the margin is that eigenvalue
    equal_hidden: hidden layers, all of one width, no narrower than the ends
    heavy_ball: heavy ball from rest, all layers at once
    isometric_start: $W_j^T W_j$ and $W_L W_L^T$ are one multiple $g$ of the identity, exactly
    normalisation: $g^L d_y = m$, exactly, of layers that are each scaled by the $L$-th root of the network's factor
    width: $m$ is at least what is stated, with the constants assumed for $C$ and $\delta$; the margin is the room left
    step_size: $\eta$ is what is stated, to a relative $2^{-16}$
    momentum: $\beta$ is what is stated, to $2^{-16}$

Presupposed
    setting: the minimiser is read off the whole of the inputs
    equal_hidden: $m$ is the one width of the hidden layers
    isometric_start: $g$ is the gain of the isometries
    normalisation: the step and the momentum are stated for the layers as they are scaled

Perhaps unnecessary
    full_rank: with a zero eigenvalue there is no finite condition number; nothing was tried on the range of the inputs

Standing
    recalled, with $C$ left open in print and assumed here, as the verdict repeats; not proved here but for the kernel of the start, on which the rate is better

Proof
    At the start the tangent kernel is $(L / d_y) X^T X$ (`orthogonal_kernel`). If it stayed so, every mode would obey heavy ball on a quadratic with $\eta \lambda \in [1/\kappa, 1]$, and `momentum_rate` would give $\ell(t) \le A \beta^t \ell(0)$, $A < 4/3$:
    the factor $1 - 1/(2 \sqrt{\kappa})$ a step for the error, which is faster than stated, as $1 - 1/(4 \sqrt{\kappa})$ leaves half of it to the kernel's change. That the kernel changes by so little is the paper's part.

Notes
    The layers here carry the $L$-th root of the factor, as in `orthogonal_start`. With an assumed $C$ a violation refutes that $C$, not the theorem. Where the condition number is one the error of the frozen kernel halves at every step, against a stated factor of $\frac{3}{4}$; the constant $8 \sqrt{\kappa}$ is far from sharp.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import with_inputs
from workbench.theorems._isometric import equal_hidden, gain, power
from workbench.theorems._wide import condition, hidden_width, known_moments, room, squared_norm_of_best
from workbench.theorems.momentum_rate import source as momentum_source

source = momentum_source.at("theorem on deep linear networks, recalled")
observes = ("loss",)
tight = False

# Left open in print: the factor of the width, and the probability to fail.
constants = {"C": Fraction(1), "delta": Fraction(1, 10)}

_ROUNDED = Fraction(1, 2**16)


def largest_step_size(run: Run) -> Real | None:
    """Return 1/(L g^(L-1) ||X||^2), the paper's step in steps of the scaled layers."""
    level = gain(run)[1]
    if level is None:
        return None
    return 1 / (run.depth * run.number(level) ** (run.depth - 1) * run.number(known_moments(run).spectrum[-1]))


def _root(run: Run) -> Real:
    """Return the square root of the condition number."""
    return run.reals.sqrt(condition(run))


def _needed(run: Run) -> Real:
    spectrum = known_moments(run).spectrum
    size = run.widths[-1] * (1 + squared_norm_of_best(run)) + run.reals.log(len(spectrum) / run.constants["delta"])
    return run.constants["C"] * condition(run) ** 5 / run.number(spectrum[-1]) * size


def _near(run: Run, ratio: Real) -> Measured:
    """Return how much nearer to one a ratio is than it has to be."""
    return run.reals.measured(_ROUNDED - run.reals.maximum(ratio - 1, 1 - ratio))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    problem, spectrum = run.trajectory.problem, known_moments(run).spectrum
    samples = problem.loss.target.shape[1]
    linear = isinstance(problem.network, LinearNetwork) and problem.loss.factor == Fraction(1, 2)
    hidden, ranked = equal_hidden(run.widths), (spectrum[0].bounds() or (0, 0))[0] > 0
    holds, level = gain(run) if linear and hidden else (False, None)
    whole = None if level is None else power(level, run.depth)
    step = largest_step_size(run) if holds and run.step_size else None
    best = (1 - 1 / (2 * _root(run))) ** 2 if ranked else None
    return [
        Hypothesis.decided("setting", linear and samples == run.widths[0]),
        Hypothesis("full_rank", spectrum[0], strict=True),
        Hypothesis.decided("equal_hidden", hidden),
        Hypothesis.decided("heavy_ball", run.method == "heavy_ball"),
        Hypothesis("isometric_start", None if holds is None else Measured(Fraction(1 if holds else -1))),
        Hypothesis.decided("normalisation", whole is not None and whole * run.widths[-1] == hidden_width(run)),
        Hypothesis("width", room(run, _needed(run)) if ranked else None),
        Hypothesis("step_size", None if step is None else _near(run, (run.step_size or Fraction(0)) / step)),
        Hypothesis("momentum", None if best is None else _near(run, 1 + run.parameter("momentum") - best)),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope of the loss, and its rate."""
    root, errors = _root(run), [run.reals.sqrt(2 * run.number(loss)) for loss in run.loss]
    factor = 1 - 1 / (4 * root)
    series = [8 * root * factor**step * errors[0] for step in run.steps]
    latex = r"\sqrt{2 \ell(t)} \le 8 \sqrt{\kappa} (1 - 1/(4 \sqrt{\kappa}))^t \sqrt{2 \ell(0)}"
    found: list[Bound | Rate] = [
        Bound("envelope", "error against its envelope", errors, series, latex=latex, quantity="norm of the error")
    ]
    return [*found, Rate(-2 * run.reals.log(factor) / run.step_size)] if run.step_size else found


def _wide(first: str, last: str, label: str, width: int = 16, **options: Any) -> dict[str, Any]:
    """Return two layers of a width from a column and a row of integers, padded with zeros."""
    column, row = ([*text.split(), *["0"] * (width - len(text.split()))] for text in (first, last))
    given: dict[str, Any] = {
        "dynamics": "heavy_ball",
        "parameters": {"momentum": "1/4"},
        "step_size": "largest",
        "stop": {"steps": 20},
        "backend": BALL,
    }
    start = {"scheme": "given", "weights": [[[x] for x in column], [row]]}
    return experiment([1, width, 1], {"rows": [[label]]}, start=start, **{**given, **options})


_SPREAD = ("1 1 1 1", "1 0 0 0 1 1 1")
# kappa = 121/100 and beta = (6/11)^2.
_INPUTS = [["1", "0"], ["0", "11/10"]]
_TWO: list[Any] = [[["1", "1"], ["1", "-1"], ["1", "1"], ["1", "-1"], *[["0", "0"]] * 12]]


def _pair(**options: Any) -> dict[str, Any]:
    """Return two inputs that are not white."""
    run = _wide(*_SPREAD, "0", parameters={"momentum": "36/121"}, **options)
    last = ["1", "0", "0", "0", "1", "1", "1", *["0"] * 9]
    problem = run["problem"]
    loss = {**problem["loss"], "target": {"rows": [["1", "1/2"]]}}
    start = {"scheme": "given", "weights": [*_TWO, [last]]}
    network = {"kind": "linear", "widths": [2, 16, 1]}
    return with_inputs({**run, "problem": {**problem, "network": network, "loss": loss, "start": start}}, _INPUTS)


examples = [
    Example("two layers of width 16, enclosed", "consistent", _wide(*_SPREAD, "-1")),
    Example("two inputs that are not white", "consistent", _pair()),
    Example("another label, in double precision", "consistent", _wide(*_SPREAD, "1/2", backend=FLOAT)),
    Example("two layers of width 1", "vacuous", _wide("1", "1", "-40", 1)),
    Example("width 1, the hypothesis dropped", "violated", _wide("1", "1", "-40", 1, without=["width"])),
    Example(
        "a step eight times as long, the hypothesis dropped",
        "violated",
        _wide(*_SPREAD, "-1", step_size="1", without=["step_size"]),
    ),
    Example(
        "nearly all momentum, the hypothesis dropped",
        "violated",
        _wide(*_SPREAD, "-1", parameters={"momentum": "49/50"}, without=["momentum"]),
    ),
    Example(
        "weight decay, the hypotheses dropped",
        "violated",
        _wide(
            *_SPREAD,
            "-1",
            dynamics="weight_decay",
            parameters={"decay": "4"},
            without=["heavy_ball", "momentum"],
        ),
    ),
]
