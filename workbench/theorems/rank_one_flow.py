r"""A symmetric network of rank one follows the flow of a matrix exponential, in Oja's direction, with a norm in closed form.

Statement
    Let two layers be $W_1(0) = u_0^T$ and $W_2(0) = u_0$ and let the target be symmetric, $A$. Along the gradient flow of
    $\frac{1}{2} \|W_2 W_1 - A\|_F^2$ they stay $u^T$ and $u$, $\dot{u} = (A - u u^T) u$, with
    $$u(t) = \frac{e^{At} u_0}{\sqrt{1 + 2 \int_0^t |e^{As} u_0|^2 ds}} ,$$
    so that the direction of $u$ is that of Oja's flow, and the angle to a leading eigenvector falls like $e^{-(\lambda_1 - \lambda_2) t}$.

Hypotheses
    two_layers: a linear network of widths $d$, 1, $d$, whitened inputs, loss with the factor 1/2
    symmetric_start: $W_1(0) = W_2(0)^T$, exactly
    diagonal_target: the target is diagonal, as every symmetric one is in its eigenvectors
    gradient_flow: the dynamics is the gradient flow

Presupposed
    two_layers: $u$ is the one column of the upper layer

Standing
    explicit (proof below); recalled of Oja's flow

Proof
    $\dot{W}_2 = (A - W_2 W_1) W_1^T$ and $\dot{W}_1 = W_2^T (A - W_2 W_1)$ are transposes of each other. Let $v = e^{At} u_0$,
    $n = 1 + 2 \int |v|^2$ and $u = v n^{-1/2}$: $\dot{u} = A u - \frac{1}{2} u\, \dot{n}/n = A u - u\, |v|^2/n = A u - u\, |u|^2$.
    For $A = \mathrm{diag}(a_i)$ the integral is $\sum_i u_{0,i}^2 (e^{2 a_i t} - 1)/(2 a_i)$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="Erkki Oja",
    year=1982,
    title="Simplified neuron model as a principal component analyzer",
    where="Journal of Mathematical Biology 15, 267-273",
    locator="the flow; the network of rank one is worked out for this project",
)
observes = ("loss", "end_to_end_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    two = run.setting(square=False).holds is True and run.depth == 2 and run.widths[1] == 1
    two = two and run.widths[0] == run.widths[2]
    layers = rational_start(run) if two else None
    mirrored = layers is not None and layers[0] == transposed(layers[1])
    diagonal = all(x == 0 for i, row in enumerate(run.target.rows) for j, x in enumerate(row) if i != j)
    return [
        Hypothesis.decided("two_layers", two),
        Hypothesis.decided("symmetric_start", mirrored),
        Hypothesis.decided("diagonal_target", diagonal),
        run.gradient_flow(),
    ]


def _squares(run: Run, time: Fraction) -> list[Real]:
    """Return the squares of the entries of u at a time."""
    layers = rational_start(run) or [[[Fraction(0)] * run.widths[0]]]
    rates = [run.target.rows[i][i] for i in range(run.widths[0])]
    norm, grown = run.number(1), []
    for rate, entry in zip(rates, layers[0][0], strict=True):
        growth = run.reals.exp(run.number(2 * rate * time))
        grown.append(entry**2 * growth)
        norm = norm + entry**2 * ((growth - 1) / run.number(rate) if rate else run.number(2 * time))
    return [value / norm for value in grown]


def predict(run: Run) -> list[Identity]:
    """Return the trace of u u^T and the loss."""
    traces, losses = [], []
    rates = [run.target.rows[i][i] for i in range(run.widths[0])]
    for time in run.times:
        squares = _squares(run, time)
        trace = sum(squares, run.number(0))
        mixed = sum((rate * value for rate, value in zip(rates, squares, strict=True)), run.number(0))
        traces.append(trace)
        losses.append((trace**2 + sum((rate**2 for rate in rates), Fraction(0))) / 2 - mixed)
    return [
        Identity(name, label, observed, predicted, RESOLUTION, latex=latex, quantity=label)
        for name, label, observed, predicted, latex in (
            ("squared_norm", "squared norm of u", run.observable("end_to_end_trace"), traces, r"|u|^2 = |v|^2 / n"),
            ("loss", "loss", run.loss, losses, r"\ell = \frac{1}{2} \|v v^T / n - A\|_F^2"),
        )
    ]


def _flow(entries: list[str], target: list[list[str]], **options: Any) -> dict[str, Any]:
    options = {"dynamics": "gradient_flow", "stop": {"time": "1"}, "backend": BALL, **options}
    weights = [[entries], [[x] for x in entries]]
    given = {"start": {"scheme": "given", "weights": weights}, **options}
    return experiment([len(entries), 1, len(entries)], {"rows": target}, **given)


def _diagonal(*values: str) -> list[list[str]]:
    return [[x if i == j else "0" for j in range(len(values))] for i, x in enumerate(values)]


_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/8", "stop": {"steps": 8}}
_UNEQUAL: dict[str, Any] = {"start": {"scheme": "given", "weights": [[["1/2", "1/4"]], [["1/2"], ["1/2"]]]}}

examples = [
    Example("two eigenvalues, enclosed", "consistent", _flow(["1/2", "1/4"], _diagonal("1/2", "2"))),
    Example("a zero and a negative eigenvalue", "consistent", _flow(["1/2", "1/4", "-1"], _diagonal("0", "2", "-1"))),
    Example("in double precision", "consistent", _flow(["1", "1/3"], _diagonal("1", "3/2"), backend=FLOAT)),
    Example("a number", "consistent", _flow(["1/5"], _diagonal("2"))),
    Example("layers that differ", "vacuous", _flow(["1/2", "1/4"], _diagonal("1/2", "2"), **_UNEQUAL)),
    Example(
        "layers that differ, the hypothesis dropped",
        "violated",
        _flow(["1/2", "1/4"], _diagonal("1/2", "2"), without=["symmetric_start"], **_UNEQUAL),
    ),
    Example(
        "a target off the diagonal, the hypothesis dropped",
        "violated",
        _flow(["1/2", "1/4"], [["1/2", "1"], ["1", "2"]], without=["diagonal_target"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _flow(["1/2", "1/4"], _diagonal("1/2", "2"), without=["gradient_flow"], **_DESCENT),
    ),
]
