r"""Two balanced layers with one output: the flow's length and angle follow a closed form from any initial angle.

Statement
    Let two balanced layers have one output, $w = W_2 W_1 \ne 0$, $\rho = \|w\|$, $s = \|\Phi\|$, and let $0 < \theta < \pi$ be the
    angle between $w$ and $\Phi$. With $e^b = \cot(\theta_0 / 2)$ the gradient flow of $\frac{1}{2} \|w - \Phi\|^2$ has
    $$\cos \theta = \tanh(s t + b), \qquad
    \rho = \frac{\cosh^2(s t + b)}{\cosh^2(b) / \rho_0 + t + (\sinh(2 s t + 2 b) - \sinh 2 b) / (2 s)} .$$

Hypotheses
    one_output: two layers, one output, whitened inputs, loss with the factor 1/2
    turned_start: $W_2 W_1$ and $\Phi$ are not zero and not parallel
    balanced_start: $W_2^T W_2 = W_1 W_1^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Presupposed
    one_output: the angle is that of two vectors
    turned_start: parallel vectors turn by no angle

Standing
    explicit (proof below)

Proof
    $\dot \rho = 2 \rho (s \cos \theta - \rho)$, $\dot \theta = -s \sin \theta$; differentiate both forms:
    `derivations/vector_output.py`.

Notes
    The angle is read from the loss, $2 l = \rho^2 - 2 \rho s \cos \theta + s^2$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("Theorem 1; the solution is worked out for this project")
observes = ("loss", "end_to_end_squared_norm")
tight = True

RESOLUTION = Fraction(1, 10**6)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    setting = linear and run.setting(square=False).holds is True
    one = setting and len(run.widths) == 3 and run.widths[-1] == 1
    return [
        Hypothesis.decided("one_output", one),
        Hypothesis.unknown("turned_start")
        if one and rational_start(run) is None
        else Hypothesis.decided("turned_start", one and _turned(*_start(run))),
        balanced_start(run),
        run.gradient_flow(),
    ]


def _start(run: Run) -> tuple[Fraction, Fraction, Fraction]:
    """Return |w|^2, w Phi^T and |Phi|^2 at the start."""
    first, second = run.initial_weights()
    (vector,) = product(second, first)  # type: ignore[arg-type]
    target = run.target.rows[0]
    overlap = sum((x * y for x, y in zip(vector, target, strict=True)), Fraction(0))
    return sum((x * x for x in vector), Fraction(0)), overlap, sum((y * y for y in target), Fraction(0))


def _turned(length: Fraction, overlap: Fraction, target: Fraction) -> bool:
    return overlap**2 < length * target


def predict(run: Run) -> list[Identity]:
    """Return the squared length and the loss along the closed form."""
    squared, overlap, target = (run.number(value) for value in _start(run))
    size, length = run.reals.sqrt(target), run.reals.sqrt(squared)
    cosine = overlap / (size * length)
    # e^(2b) = cot^2(theta_0 / 2) = (1 + cos) / (1 - cos)
    initial = run.reals.sqrt((1 + cosine) / (1 - cosine))
    offset = _cosh(initial) ** 2 / length - _sinh_of_twice(initial) / (2 * size)
    squares, losses = [], []
    for time in run.times:
        growth = initial * run.reals.exp(size * run.number(time))
        norm = _cosh(growth) ** 2 / (offset + run.number(time) + _sinh_of_twice(growth) / (2 * size))
        aligned = (growth**2 - 1) / (growth**2 + 1)
        squares.append(norm**2)
        losses.append((norm**2 - 2 * norm * size * aligned + target) / 2)
    return [
        Identity(
            "length",
            "squared length of the end-to-end vector",
            run.observable("end_to_end_squared_norm"),
            squares,
            RESOLUTION,
            latex=r"\|W_2 W_1\|^2 = \rho(t)^2",
            quantity="squared length",
        ),
        Identity(
            "loss",
            "loss, which tells the angle",
            run.loss,
            losses,
            RESOLUTION,
            latex=r"2 l = \rho^2 - 2 \rho s \tanh(s t + b) + s^2",
            quantity="loss",
        ),
    ]


def _cosh(exponential: Real) -> Real:
    return (exponential + 1 / exponential) / 2


def _sinh_of_twice(exponential: Real) -> Real:
    return (exponential**2 - 1 / exponential**2) / 2


def _flow(first: list[list[str]], second: list[str], backend: dict[str, Any], **options: Any) -> dict[str, Any]:
    return experiment(
        [len(first[0]), len(first), 1],
        {"rows": [["1", "3/4", "0"][: len(first[0])]]},
        start={"scheme": "given", "weights": [first, [second]]},
        backend=backend,
        **{"dynamics": "gradient_flow", "stop": {"time": "1"}, **options},
    )


# Unit vectors (-3/5, 4/5) in and (4/5, 3/5) between, each layer of size 1/2: more than a right angle off the target.
_LAYER, _READOUT = [["-6/25", "8/25"], ["-9/50", "6/25"]], ["2/5", "3/10"]
_DOUBLED = ["4/5", "3/5"]

examples = [
    Example("from more than a right angle", "consistent", _flow(_LAYER, _READOUT, MULTIPRECISION)),
    Example("the same flow, enclosed", "consistent", _flow(_LAYER, _READOUT, BALL)),
    Example("one hidden number, three inputs", "consistent", _flow([["1/3", "2/3", "2/3"]], ["1"], FLOAT)),
    Example("an unbalanced start", "vacuous", _flow(_LAYER, _DOUBLED, FLOAT)),
    Example("along the target", "vacuous", _flow([["4/5", "3/5"]], ["1"], FLOAT)),
    Example(
        "an unbalanced start, the hypothesis dropped",
        "violated",
        _flow(_LAYER, _DOUBLED, FLOAT, without=["balanced_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _flow(
            _LAYER,
            _READOUT,
            BALL,
            dynamics="gradient_descent",
            step_size="1/8",
            stop={"steps": 8},
            without=["gradient_flow"],
        ),
    ),
]
