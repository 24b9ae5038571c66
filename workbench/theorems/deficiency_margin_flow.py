r"""With a deficiency margin and balanced layers, the loss of the gradient flow decays at a rate that the depth multiplies.

Statement
    Let $c = s_{\min}(\Phi) - \|W(0) - \Phi\|_F > 0$ and $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start. Along the gradient flow
    $$\ell(t) \le \ell(0) e^{-2 L c^{2 - 2/L} t} \quad \text{if } d_0 = d_L, \qquad
    \ell(t) \le \ell(0) e^{-2 c^{2 - 2/L} t} \quad \text{if } d_0 \ne d_L .$$

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    explicit (proof below); the published bound, for descent, has a rate without $2 L$

Proof
    $\dot \ell = -\sum_j \|G_j\|_F^2 = -\langle E, T(E) \rangle$, $T(X) = \sum_j A_j A_j^T X B_j^T B_j$, with $A_j = W_L \cdots W_{j+1}$ and
    $B_j = W_{j-1} \cdots W_1$. Balanced layers stay balanced, $A_j A_j^T = (W W^T)^{(L-j)/L}$ and $B_j^T B_j = (W^T W)^{(j-1)/L}$, so that
    $T$ has the eigenvalues $\sum_j \sigma_r^{2(L-j)/L} \sigma_s^{2(j-1)/L}$ over pairs of singular values of $W$, where of two unequal ends
    the wider one adds zeros, and $0^0 = 1$. The least is $L \sigma_{\min}^{2-2/L}$ for equal ends, and $\sigma_{\min}^{2-2/L}$, from a
    pair with such a zero, for others. The loss does not grow, so $\sigma_{\min}(W(t)) \ge s_{\min}(\Phi) - \|E(t)\|_F \ge c$ by Weyl, and
    $\dot \ell \le -2 L c^{2-2/L} \ell$, or without $L$.

Notes
    The rate is attained at the start by a number that grows, $W(0) = c < \Phi$, and throughout by one layer, whose loss is the
    envelope. Where the margin is dropped, $|c|$ stands for
    $c$; two numbers $w_1 = -w_2$ are balanced and go to the saddle 0, so that some margin is needed.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import FLOAT, MULTIPRECISION, averaged
from workbench.theorems._flow_envelope import OVERSTEP, envelope, flow_from
from workbench.theorems._margin import deficiency_margin, linear, size
from workbench.theorems._sources import ARORA_GOLOWICH_2019

source = ARORA_GOLOWICH_2019.at("Theorem 1, setting; the rate of the flow is worked out for this project")
observes = ("loss",)
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = run.setting(square=False)
    margin = run.reals.measured(deficiency_margin(run)) if linear(run) else None
    balanced = balanced_start(run) if linear(run) else Hypothesis.unknown("balanced_start")
    return [setting, Hypothesis("deficiency_margin", margin, strict=True), balanced, run.gradient_flow()]


def rate(run: Run) -> Real:
    """Return 2 L c^(2-2/L), without L where the two ends differ."""
    factor = run.depth if run.widths[0] == run.widths[-1] else 1
    margin = size(run, deficiency_margin(run))
    return 2 * factor * run.reals.power(margin, Fraction(2) - Fraction(2, run.depth))


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    return envelope(run, rate(run), r"\ell(t) \le \ell(0) e^{-2 L c^{2-2/L} t}")


_ONE = [["1", "0"], ["0", "1"]]
_TURN = [["3/5", "4/5"], ["-4/5", "3/5"]]
_WIDE = [[["1", "0", "0"], ["0", "1", "0"]], _TURN]
_UNEVEN = [[["1/4", "0"], ["0", "4"]], [["4", "0"], ["0", "1/4"]]]
_NUMBER = [[["1/2"]], [["1/2"]]]
_TURNED_TARGET = [["3/5", "3/4"], ["-4/5", "1/2"]]

examples = [
    Example("a number that grows, enclosed", "consistent", flow_from(_NUMBER, [["1"]])),
    Example(
        "three layers that turn, at 30 digits",
        "consistent",
        flow_from([_ONE, _TURN, _ONE], _TURNED_TARGET, backend=MULTIPRECISION),
    ),
    Example(
        "three inputs, two outputs, enclosed", "consistent", flow_from(_WIDE, [["3/5", "4/5", "1/8"], _TURN[1] + ["0"]])
    ),
    Example(
        "two layers in double precision",
        "consistent",
        flow_from([_ONE] * 2, [["3/2", "0"], ["0", "6/5"]], backend=FLOAT),
    ),
    Example("two numbers of unlike sign", "vacuous", flow_from([[["1/2"]], [["-1/2"]]], [["1"]])),
    Example(
        "two numbers of unlike sign go to the saddle, the hypothesis dropped",
        "violated",
        flow_from([[["1/2"]], [["-1/2"]]], [["1"]], without=["deficiency_margin"]),
    ),
    Example(
        "layers out of balance, the hypothesis dropped",
        "violated",
        flow_from(_UNEVEN, [["1", "0"], ["1/16", "1"]], without=["balanced_start"]),
    ),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(flow_from([_ONE] * 2, [["3/2", "0"], ["0", "6/5"]])),
    ),
    Example(
        "descent that oversteps, the hypothesis dropped",
        "violated",
        flow_from(_NUMBER, [["1"]], without=["gradient_flow"], **OVERSTEP | {"step_size": "3"}),
    ),
]
