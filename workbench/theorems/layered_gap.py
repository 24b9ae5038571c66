r"""Layers out of balance converge along the flow at a rate that their imbalances alone tell, at any depth and for every target.

Statement
    Let $D_j = W_{j+1}^T W_{j+1} - W_j W_j^T$ at the start, $\lambda_k$ the $k$-th largest eigenvalue, $-\infty$ where there is none, $[x]_+ = \max(x, 0)$. For each layer $i$ let $b_i = c_i = 0$ and
    $$b_j = [b_{j-1} + \lambda_{d_j}(D_{j-1})]_+ \ (j > i), \qquad c_j = [c_{j+1} + \lambda_{d_{j-1}}(-D_j)]_+ \ (j < i), \qquad g = \sum_i \prod_{j > i} b_j \prod_{j < i} c_j .$$
    Along the gradient flow $\ell(t) \le \ell(0) e^{-2 g t}$.

Hypotheses
    setting: a linear network of any depth and widths, whitened inputs, loss with the factor 1/2
    positive_gap: $g > 0$
    gradient_flow: the dynamics is the gradient flow

Perhaps unnecessary
    positive_gap: with a rate of zero the bound says that the loss does not grow, which holds along every flow

Standing
    explicit (proof below), worked out for this project. At two layers it is `support_gap`; the published forms for three layers and for imbalances of one sign along the depth, recalled, are of this kind.

Proof
    All $D_j$ are conserved, so the following holds at every time. With $B_j = \lambda_{\min}(W_j W_j^T)$, which is $\lambda_{d_j}(W_j^T W_j)$ where $d_j \le d_{j-1}$ and 0 elsewhere, $W_j^T W_j = D_{j-1} + W_{j-1} W_{j-1}^T$ gives
    $B_j \ge \lambda_{d_j}(D_{j-1}) + B_{j-1}$ by Weyl, and $B_j \ge 0$: by induction from $B_i \ge 0$, $B_j \ge b_j$ for $j > i$; likewise $\lambda_{\min}(W_j^T W_j) \ge c_j$ for $j < i$. In
    $\dot \ell = -\sum_i \|A_i^T E B_i^T\|_F^2$, $A_i = W_L \cdots W_{i+1}$, $B_i = W_{i-1} \cdots W_1$, the $i$-th term is at least $\prod_{j > i} b_j \prod_{j < i} c_j \|E\|_F^2$. So $\dot \ell \le -2 g \ell$.

Notes
    The offsets that are multiples of the identity give the product $\Pi$ of `homogeneous_imbalance`, which needs square layers. Attained at the start where the layer $i$ of one positive term is zero.
    With $g = 0$ the bound says that the loss does not grow, which every flow obeys: no control drops that hypothesis. One layer has $g = 1$, and equality.
"""

from __future__ import annotations

from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, averaged
from workbench.theorems._flow_envelope import OVERSTEP, envelope, flow_from
from workbench.theorems._margin import descending_eigenvalues, imbalances, linear, negated
from workbench.theorems._sources import MIN_2023

source = MIN_2023.at(
    "Theorem 2 and its generalisation, recalled; the form and its proof are worked out for this project"
)
observes = ("loss",)
tight = True

Spectra = list[list[Measured]]


def _grown(run: Run, bound: Real, values: list[Measured], index: int) -> Real:
    """Return [b + lambda_k]_+, zero where there is no such eigenvalue."""
    if index > len(values):
        return run.number(0)
    return run.reals.maximum(0, bound + run.number(values[index - 1]))


def term(run: Run, spectra: Spectra, layer: int) -> Real:
    """Return the product of the bounds of all layers but one, counted from 1."""
    found, bound = run.number(1), run.number(0)
    for j in range(layer + 1, run.depth + 1):
        bound = _grown(run, bound, spectra[j - 2], run.widths[j])
        found = found * bound
    bound = run.number(0)
    for j in range(layer - 1, 0, -1):
        bound = _grown(run, bound, negated(spectra[j - 1]), run.widths[j - 1])
        found = found * bound
    return found


def gap(run: Run) -> Real | None:
    """Return g, None where the start is not rational."""
    found = imbalances(run)
    if found is None:
        return None
    spectra = [descending_eigenvalues(run, matrix) for matrix in found]
    return sum((term(run, spectra, layer) for layer in range(1, run.depth + 1)), run.number(0))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    found = gap(run) if linear(run) else None
    margin = None if found is None else run.reals.measured(found)
    return [run.setting(square=False), Hypothesis("positive_gap", margin, strict=True), run.gradient_flow()]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    found = gap(run)
    return [] if found is None else envelope(run, 2 * found, r"\ell(t) \le \ell(0) e^{-2 g t}")


_VALLEY = [[["2"]], [["0"]], [["1"]]]
_RISING = [[["0"]], [["1"]], [["3/2"]]]
_MATRICES: list[Any] = [
    [["2", "1/4"], ["0", "2"], ["1/4", "0"]],
    [["1/8", "0", "1/8"], ["0", "1/8", "0"], ["0", "0", "1/8"]],
    [["3/2", "0", "1"]],
]
_BALANCED = [[["1/2"]]] * 3
_ONE_SIDED: list[Any] = [[["1", "0"], ["0", "1"]], [["0", "0"], ["0", "0"]], [["1", "0"], ["0", "1"]]]
_TWO: list[list[str]] = [["1", "2"], ["-1", "1/2"]]
_FOUR = [[["2"]], [["1"]], [["0"]], [["1"]]]

examples = [
    Example("three numbers with a valley, enclosed", "consistent", flow_from(_VALLEY, [["1"]])),
    Example("three numbers that rise, a negative target, enclosed", "consistent", flow_from(_RISING, [["-1"]])),
    Example("four numbers with a valley, enclosed", "consistent", flow_from(_FOUR, [["1/2"]])),
    Example(
        "rectangular layers",
        "consistent",
        flow_from(_MATRICES, [["1", "-1"]], stop={"time": "1/8"}),
    ),
    Example("a zero layer between, in double precision", "consistent", flow_from(_ONE_SIDED, _TWO, backend=FLOAT)),
    Example("balanced numbers", "vacuous", flow_from(_BALANCED, [["1"]])),
    Example("the mean over two samples, the hypothesis dropped", "violated", averaged(flow_from(_ONE_SIDED, _TWO))),
    Example(
        "descent that oversteps, the hypothesis dropped",
        "violated",
        flow_from(_VALLEY, [["1"]], without=["gradient_flow"], **OVERSTEP),
    ),
]
