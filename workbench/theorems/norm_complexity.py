r"""Along a balanced gradient flow the norms that measure a network's complexity are those of its end-to-end matrix.

Statement
    Let layers of any widths start balanced, $W_{j+1}^T W_{j+1} = W_j W_j^T$. Along the gradient flow
    $$\prod_j \|W_j\|_2 = \|W\|_2, \qquad \prod_j \|W_j\|_F = \left( \sum_r \sigma_r(W)^{2/L} \right)^{L/2} ,$$
    the Schatten quasi-norm of order $2/L$, and the path norm $\phi = \left( \sum_{\text{paths}} \prod w^2 \right)^{1/2}$ lies between two norms of $W$:
    $$\frac{\|W\|_F}{\sqrt{d_1 \cdots d_{L-1}}} \le \phi \le \prod_j \|W_j\|_F .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect

Presupposed
    linear_network: a residual network has no end-to-end matrix and no path norm of this form

Standing
    explicit (proof below); the measures are those of the paper

Proof
    Balance is conserved, and makes $(W_1^T W_1)^L = W^T W$ and the nonzero spectra of all $W_j^T W_j$ equal (`derivations/schatten_norm.py`): every layer has the singular values
    $\sigma_r(W)^{1/L}$. Both bounds of $\phi$ hold for all layers: an entry of $W$ is a sum over $d_1 \cdots d_{L-1}$ paths (Cauchy and Schwarz), and with $V_j$ the
    squared entries of $W_j$, $\phi^2 = 1^T V_L \cdots V_1 1$ is at most the product of the sums of entries.

Notes
    The lower bound is attained where all paths between two ends are equal, the upper one where one neuron a layer is in use.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Example, Hypothesis, Identity, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._statement import Source

source = Source(
    authors="Behnam Neyshabur, Ryota Tomioka, Nathan Srebro",
    year=2015,
    title="Norm-based capacity control in neural networks",
    where="COLT 2015; arXiv:1503.00036",
    locator="the measures; along a balanced flow worked out for this project",
    url="https://arxiv.org/abs/1503.00036",
)
observes = (
    "loss",
    "spectral_norm_product",
    "frobenius_norm_product",
    "path_norm",
    "schatten_quasi_norm",
    "end_to_end_norm",
    "end_to_end_squared_norm",
)
tight = True

RESOLUTION = Fraction(1, 10**6)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    balanced = balanced_start(run) if linear else Hypothesis.unknown("balanced_start")
    return [Hypothesis.decided("linear_network", linear), run.gradient_flow(), balanced]


def predict(run: Run) -> list[Identity | Bound]:
    """Return the two products of norms, and what the path norm lies between."""
    paths = prod(run.widths[1:-1])
    frobenius = [run.reals.sqrt(run.number(x) / paths) for x in run.observable("end_to_end_squared_norm")]
    products, path = run.observable("frobenius_norm_product"), run.observable("path_norm")
    return [
        Identity(
            "spectral",
            "product of the spectral norms",
            run.observable("spectral_norm_product"),
            run.observable("end_to_end_norm"),
            RESOLUTION,
            latex=r"\prod_j \|W_j\|_2 = \|W\|_2",
            quantity="product of the spectral norms",
        ),
        Identity(
            "frobenius",
            "product of the Frobenius norms",
            products,
            run.observable("schatten_quasi_norm"),
            RESOLUTION,
            latex=r"\prod_j \|W_j\|_F = (\sum_r \sigma_r(W)^{2/L})^{L/2}",
            quantity="product of the Frobenius norms",
        ),
        Bound(
            "path_above",
            "path norm from above",
            path,
            products,
            latex=r"\phi \le \prod_j \|W_j\|_F",
            quantity="path norm",
        ),
        Bound(
            "path_below",
            "path norm from below",
            path,
            frobenius,
            relation=">=",
            latex=r"\phi \ge \|W\|_F / \sqrt{d_1 \cdots d_{L-1}}",
            quantity="path norm",
        ),
    ]


def _flow(widths: list[int], target: list[list[str]], **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"dynamics": "gradient_flow", "stop": {"time": "1/2"}, "backend": BALL}
    return experiment(widths, {"rows": target}, **{**given, **options})


_SKEW = [["1", "1/2"], ["-1/4", "1"]]
_TILTED = {"scheme": "given", "weights": [[["1", "1/2"], ["0", "1"]], [["1", "0"], ["1/4", "1"]]]}
_WIDE = {"scheme": "given", "weights": [[["1", "0"], ["0", "1"], ["0", "0"]], [["1", "0", "0"], ["0", "1", "0"]]]}
_BY_NAME = {"scheme": "balanced", "matrix": [["2", "1/3"], ["-1/2", "1"]]}
_ONE_MODE = {"scheme": "balanced", "matrix": [["1", "0"], ["0", "1/1000"]]}
_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/5", "stop": {"steps": 10}}

examples = [
    Example("three layers, enclosed", "consistent", _flow([2] * 4, _SKEW)),
    Example("a hidden layer of three", "consistent", _flow([2, 3, 2], _SKEW, start=_WIDE)),
    Example("from a balanced factorisation", "consistent", _flow([2] * 4, _SKEW, start=_BY_NAME)),
    Example("nearly one mode", "consistent", _flow([2] * 3, [["2", "0"], ["0", "1/1000"]], start=_ONE_MODE)),
    Example("in double precision", "consistent", _flow([2] * 4, _SKEW, backend=FLOAT)),
    Example("an unbalanced start", "vacuous", _flow([2] * 3, _SKEW, start=_TILTED, backend=FLOAT)),
    Example(
        "an unbalanced start, the hypothesis dropped",
        "violated",
        _flow([2] * 3, _SKEW, start=_TILTED, backend=FLOAT, without=["balanced_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _flow([2] * 3, _SKEW, without=["gradient_flow"], **_DESCENT),
    ),
]
