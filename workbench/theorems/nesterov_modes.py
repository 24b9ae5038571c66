r"""On every mode of a quadratic, Nesterov's momentum is classical momentum with a smaller coefficient.

Statement
    Let $L = 1$, $\ell = c \|W X - Y\|_F^2$ with $2 c X X^T$ diagonal and positive, $\lambda_i$ its entries, and momentum $\beta$ from rest. Column
    $i$ of the error $W - W^*$ is $c_i(k)$ times that of the start with
    $$c_i(k+1) = (1 + \beta_i - \eta \lambda_i)\, c_i(k) - \beta_i\, c_i(k-1), \qquad \beta_i = \beta\, (1 - \eta \lambda_i)$$
    for Nesterov's descent and $\beta_i = \beta$ for heavy ball, so that $\ell_k = \ell^* + \frac{1}{2} \sum_i \lambda_i c_i(k)^2 |e_i|^2$.

Hypotheses
    one_layer: a linear network with one layer
    diagonal_inputs: $X X^T$ is diagonal with a positive diagonal, as for every full rank in its eigenvectors
    momentum: heavy ball, Nesterov's descent or plain descent

Standing
    explicit (proof below)

Proof
    The gradient of column $i$ is $\lambda_i$ times its error. Heavy ball is the recursion at once. Nesterov's velocity has $v' = \beta v -
    \eta \lambda (\theta + \beta v) = \beta (1 - \eta \lambda) v - \eta \lambda \theta$, which is heavy ball's with $\beta_i$.

Notes
    The weights recorded of Nesterov's descent are the points $\theta + \beta v$ at which the gradient is taken: the same recursion, with
    $c_i(1) = 1 - (1 + \beta) \eta \lambda_i$ in place of $1 - \eta \lambda_i$. Modes with $\eta \lambda_i = 1$ have no momentum, faster ones a negative one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._inputs import moments, with_inputs
from workbench.theorems._singular import rational_start, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="Ilya Sutskever, James Martens, George Dahl, Geoffrey Hinton",
    year=2013,
    title="On the importance of initialization and momentum in deep learning",
    where="ICML 2013",
    locator="Theorem 2.1",
)
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 10**8)


def _curvatures(run: Run) -> list[Fraction] | None:
    """Return the lambda_i, None where X X^T is not diagonal and positive."""
    loss = run.trajectory.problem.loss
    if loss.inputs is None:
        return [2 * loss.factor] * loss.target.shape[1]
    gram = product([list(row) for row in loss.inputs.rows], transposed(loss.inputs.rows))
    if any(x != 0 for i, row in enumerate(gram) for j, x in enumerate(row) if i != j):
        return None
    found = [2 * loss.factor * gram[i][i] for i in range(len(gram))]
    return found if min(found) > 0 else None


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    one = isinstance(run.trajectory.problem.network, LinearNetwork) and run.depth == 1
    return [
        Hypothesis.decided("one_layer", one),
        Hypothesis.decided("diagonal_inputs", _curvatures(run) is not None),
        Hypothesis.decided("momentum", run.method in ("heavy_ball", "nesterov", "gradient_descent")),
    ]


def factors(run: Run, curvature: Fraction) -> list[Any]:
    """Return c_i(k) of a mode, for every step of the run."""
    eta, beta = run.step_size or Fraction(0), run.parameter("momentum")
    looking_ahead = run.method == "nesterov"
    own = beta * (1 - eta * curvature) if looking_ahead else beta
    second = 1 - (1 + beta) * eta * curvature if looking_ahead else 1 - eta * curvature
    found = [run.number(1), run.number(second)]
    for _ in range(run.steps[-1]):
        found.append(run.number(1 + own - eta * curvature) * found[-1] - run.number(own) * found[-2])
    return found


def predict(run: Run) -> list[Identity]:
    """Return the loss that the modes add up to."""
    known, layers = moments(run.trajectory.problem.loss), rational_start(run)
    if known.best is None or layers is None:
        return []
    error = [[w - b for w, b in zip(*rows, strict=True)] for rows in zip(layers[0], known.best, strict=True)]
    curvatures = _curvatures(run) or [Fraction(1)] * len(error[0])
    weights = [sum((row[i] ** 2 for row in error), Fraction(0)) * x / 2 for i, x in enumerate(curvatures)]
    series = [factors(run, x) for x in curvatures]
    losses = [
        sum((w * c[step] ** 2 for w, c in zip(weights, series, strict=True)), run.number(known.least or Fraction(0)))
        for step in run.steps
    ]
    latex = r"\ell_k = \ell^* + \frac{1}{2} \sum_i \lambda_i c_i(k)^2 |e_i|^2"
    return [Identity("loss_of_the_modes", "loss", run.loss, losses, RESOLUTION, latex=latex, quantity="loss")]


def _descent(dynamics: str, inputs: list[list[str]], momentum: str = "4/5", **options: Any) -> dict[str, Any]:
    chosen = {"dynamics": dynamics, "step_size": "1/8", "stop": {"steps": 30}, "backend": BALL, **options}
    if dynamics != "gradient_descent":
        chosen["parameters"] = {"momentum": momentum}
    start = {"scheme": "gaussian", "seed": 2, "scale": "1/2"}
    labels = {"rows": [["1", "0", "1/2"], ["2", "-1", "1"]]}
    return with_inputs(experiment([2, 2], labels, start=start, **chosen), inputs)


_SQUARE = [["2", "0", "0"], ["0", "1", "1"]]
_SKEW = [["1", "1/2", "0"], ["0", "1", "-1"]]
_DECAY: dict[str, Any] = {"parameters": {"decay": "1/10"}}

examples = [
    Example("Nesterov on two modes, enclosed", "consistent", _descent("nesterov", _SQUARE)),
    Example("heavy ball on two modes, enclosed", "consistent", _descent("heavy_ball", _SQUARE)),
    Example(
        "Nesterov with a negative momentum on a mode",
        "consistent",
        _descent("nesterov", _SQUARE, "1/10", step_size="3/8"),
    ),
    Example("plain descent, in double precision", "consistent", _descent("gradient_descent", _SQUARE, backend=FLOAT)),
    Example("inputs that are not diagonal", "vacuous", _descent("nesterov", _SKEW)),
    Example(
        "inputs that are not diagonal, the hypothesis dropped",
        "violated",
        _descent("nesterov", _SKEW, without=["diagonal_inputs"]),
    ),
    Example(
        "weight decay, the hypothesis dropped",
        "violated",
        {
            **_descent("gradient_descent", _SQUARE, without=["momentum"]),
            "dynamics": {"name": "weight_decay", "step_size": "1/8", "stop": {"steps": 30}, **_DECAY},
        },
    ),
]

examples += [
    altered(examples[0], "one_layer", "two layers", network={"widths": [2, 2, 2]}),
]
