r"""Two layers far out of balance converge along the flow at a rate that their imbalance alone tells, for every target.

Statement
    Let $D = W_2^T W_2 - W_1 W_1^T$ at the start, with $\lambda_k$ the $k$-th largest eigenvalue and $[x]_+ = \max(x, 0)$, zero where
    $k$ exceeds the hidden width, and let $g = [\lambda_{d_2}(D)]_+ + [\lambda_{d_0}(-D)]_+ > 0$. Along the gradient flow
    $$\ell(t) \le \ell(0) e^{-2 g t} .$$

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    positive_gap: $g > 0$
    gradient_flow: the dynamics is the gradient flow

Perhaps unnecessary
    positive_gap: with a rate of zero the bound says that the loss does not grow, which holds along every flow

Standing
    explicit (proof below); the published rate, as recalled, has also the smallest eigenvalue of the inputs' covariance, here 1

Proof
    $D$ is conserved. $W_2^T W_2 = D + W_1 W_1^T \ge D$, so $\lambda_{\min}(W_2 W_2^T) = \lambda_{d_2}(W_2^T W_2) \ge [\lambda_{d_2}(D)]_+$ by
    Weyl, and $\lambda_{\min}(W_1^T W_1) \ge [\lambda_{d_0}(-D)]_+$ likewise. So $\dot \ell = -\|W_2^T E\|_F^2 - \|E W_1^T\|_F^2 \le
    -g \|E\|_F^2 = -2 g \ell$.

Notes
    $g$ equals the support gap of Zhang and Peyre, between the eigenvalues $d_2$ and $d_2 + 1$ of $\Sigma^{1/2} J \Sigma^{1/2}$ for
    $\Sigma = Q Q^T$, $Q = (W_1^T; W_2)$, $J = \mathrm{diag}(I, -I)$, which has the nonzero eigenvalues of $-D$. From a white start
    $W_1^T W_1 = W_2 W_2^T = c I$, $W_2 W_1 = 0$ the rate $4 c$ is attained at the start, and late the loss decays at
    $4 \sqrt{s_{\min}^2 + c^2}$. With $g = 0$ the bound says that the loss does not grow, which every flow obeys: no control drops
    that hypothesis. Descent: `support_gap_descent`. An earlier theorem on descent, of Xu and others (2023), takes its step from the least positive root of two cubic equations
    whose coefficients are not known here; it is left out, as nothing could be judged by it.
"""

from __future__ import annotations

from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, MULTIPRECISION, averaged
from workbench.theorems._flow_envelope import OVERSTEP, envelope, flow_from, two_layers, two_linear_layers
from workbench.theorems._margin import descending_eigenvalues, imbalances, negated, positive_part
from workbench.theorems._statement import Source

source = Source(
    authors="Hancheng Min, Salma Tarmoun, Rene Vidal, Enrique Mallada",
    year=2021,
    title="On the explicit role of initialization on the convergence and implicit bias of overparametrized linear networks",
    where="ICML 2021; arXiv:2105.06351",
    locator="Theorem 1",
    url="https://arxiv.org/abs/2105.06351",
)
observes = ("loss",)
tight = True


def support_gap(run: Run) -> Real | None:
    """Return g, None where the start is not rational."""
    found = imbalances(run)
    if found is None:
        return None
    values = descending_eigenvalues(run, found[0])
    inputs, _, outputs = run.widths
    return positive_part(run, values, outputs) + positive_part(run, negated(values), inputs)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    gap = support_gap(run) if two_linear_layers(run) else None
    margin = None if gap is None else run.reals.measured(gap)
    return [two_layers(run), Hypothesis("positive_gap", margin, strict=True), run.gradient_flow()]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    gap = support_gap(run)
    return [] if gap is None else envelope(run, 2 * gap, r"\ell(t) \le \ell(0) e^{-2 g t}")


_WHITE = [[["1/2", "0"], ["0", "1/2"], ["0", "0"]], [["0", "0", "1/2"]]]
_ONE_SIDED = [[["0", "0"], ["0", "0"]], [["1", "0"], ["0", "1"]]]
_NUMBERS = [[["2"]], [["1/2"]]]
_BALANCED = [[["1/2"]], [["1/2"]]]
_UNEVEN: list[Any] = [[["2", "1"], ["0", "1"], ["1/4", "0"]], [["1/2", "0", "1/3"], ["0", "1/4", "0"]]]

examples = [
    Example("a white start, enclosed", "consistent", flow_from(_WHITE, [["1/8", "-1/16"]])),
    Example("one layer zero", "consistent", flow_from(_ONE_SIDED, [["1", "2"], ["-1", "1/2"]], backend=MULTIPRECISION)),
    Example("two numbers, a target of the other sign, enclosed", "consistent", flow_from(_NUMBERS, [["-2"]])),
    Example(
        "three hidden numbers in double precision",
        "consistent",
        flow_from(_UNEVEN, [["1", "0"], ["0", "1"]], backend=FLOAT),
    ),
    Example("balanced numbers", "vacuous", flow_from(_BALANCED, [["1"]])),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(flow_from(_ONE_SIDED, [["1", "2"], ["-1", "1/2"]])),
    ),
    Example(
        "descent that oversteps, the hypothesis dropped",
        "violated",
        flow_from(_NUMBERS, [["-2"]], without=["gradient_flow"], **OVERSTEP),
    ),
]
