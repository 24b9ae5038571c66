r"""Square layers whose imbalances are multiples of the identity converge at a rate of their offsets and the margin.

Statement
    Let $L \ge 2$ square layers start with $W_{j+1}^T W_{j+1} - W_j W_j^T = a_j I$, let $c_j = a_1 + \dots + a_{j-1}$,
    $\delta_j = c_j - \min_i c_i$, let $\Pi$ be the product of all $\delta_j$ but one that is zero, and
    $\nu = [s_{\min}(\Phi) - \|W(0) - \Phi\|_F]_+$. Along the gradient flow
    $$\ell(t) \le \ell(0) e^{-2 \gamma t}, \qquad \gamma = \sqrt{\Pi^2 + \left( L \nu^{2 - 2/L} \right)^2} .$$

Hypotheses
    setting: a linear network of at least two square layers, whitened inputs, loss with the factor 1/2
    homogeneous: $W_{j+1}^T W_{j+1} - W_j W_j^T$ is a multiple of $I$ for every $j$; the margin is the negated defect
    positive_rate: $\gamma > 0$
    gradient_flow: the dynamics is the gradient flow

Perhaps unnecessary
    positive_rate: with a rate of zero the bound says that the loss does not grow, which holds along every flow

Standing
    explicit (proof below); the published form is recalled

Proof
    The imbalances are conserved, so that neighbouring layers share singular vectors, and the layers' squared singular values of mode
    $r$ are $y_r + \delta_j$. The operator of $\dot \ell = -\langle E, T(E) \rangle$ has the eigenvalues
    $\sum_j \prod_{i > j} (y_r + \delta_i) \prod_{i < j} (y_s + \delta_i)$; the least has both modes at the smallest $y$ and is the symmetric
    polynomial $e_{L-1}$ of $y + \delta_1, \dots, y + \delta_L$, while $\sigma_{\min}(W)^2 = e_L$. Let $F(y) = e_{L-1}^2 - L^2 e_L^{2 - 2/L}$. $F(0) = \Pi^2$
    as $e_L = 0$ there, and $F' = 4 e_{L-1} (e_{L-2} - \binom{L}{2} e_L^{1 - 2/L}) \ge 0$ by Maclaurin's inequality. So
    $\lambda_{\min}(T)^2 \ge \Pi^2 + L^2 \sigma_{\min}^{4 - 4/L}$, and $\sigma_{\min}(W(t)) \ge \nu$ as the loss does not grow.

Notes
    Two layers have equality, $e_1^2 - 4 e_2 = \Pi^2$, and so have balanced ones. One layer is left out: $\gamma$ would be $\sqrt{2}$
    where the rate is 1. With $\gamma = 0$ the bound says that the loss does not grow: no control drops that hypothesis. Where
    homogeneity is dropped, $a_j$ is the mean eigenvalue.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.rotation import Rows
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, averaged
from workbench.theorems._flow_envelope import OVERSTEP, envelope, flow_from
from workbench.theorems._margin import imbalances, linear, remaining
from workbench.theorems._sources import MIN_2023
from workbench.theorems._statement import Erratum

source = MIN_2023.at("Theorem 3; the proof is worked out for this project")
observes = ("loss",)
tight = True


def _mean(matrix: Rows) -> Fraction:
    return sum((row[i] for i, row in enumerate(matrix)), Fraction(0)) / len(matrix)


def _defect(matrices: list[Rows]) -> Fraction:
    """Return the largest entry of D_j - a_j I."""
    return max(
        abs(x - (_mean(matrix) if i == j else 0))
        for matrix in matrices
        for i, row in enumerate(matrix)
        for j, x in enumerate(row)
    )


def gamma(run: Run, matrices: list[Rows]) -> Real:
    """Return the square root of Pi^2 + (L nu^(2-2/L))^2."""
    offsets = list(itertools.accumulate((_mean(matrix) for matrix in matrices), initial=Fraction(0)))
    least = min(offsets)
    offsets.remove(least)
    spread = Fraction(1)
    for offset in offsets:
        spread *= offset - least
    homogeneous = run.depth * run.reals.power(remaining(run, run.widths[0]), Fraction(2) - Fraction(2, run.depth))
    return run.reals.sqrt(homogeneous**2 + run.number(spread) ** 2)


def _wrong_at_one_layer(numbers: Mapping[str, str]) -> bool:
    """Say whether gamma^2 = Pi^2 + (L nu^(2-2/L))^2 with an empty product Pi = 1 exceeds the square of one layer's rate, 1."""
    depth = Fraction(numbers["L"])
    return depth == 1 and 1 + depth**2 > 1


errata = [
    Erratum(
        printed=r"the same rate $\gamma$ for every depth $L \ge 1$",
        where="the statement without its restriction to two layers or more",
        counterexample={"L": "1"},
        refutation="one layer has the empty product 1 and nu^0 = 1, so gamma = sqrt(2), where the loss decays like e^(-2t)",
        refutes=_wrong_at_one_layer,
    )
]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = Hypothesis.decided("setting", run.setting().holds is True and len(run.widths) > 2)
    found = imbalances(run) if linear(run) and len(set(run.widths)) == 1 and len(run.widths) > 2 else None
    defect, rate = None, None
    if found is not None:
        defect, rate = Measured(-_defect(found)), run.reals.measured(gamma(run, found))
    return [
        setting,
        Hypothesis("homogeneous", defect),
        Hypothesis("positive_rate", rate, strict=True),
        run.gradient_flow(),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    found = imbalances(run)
    return [] if found is None else envelope(run, 2 * gamma(run, found), r"\ell(t) \le \ell(0) e^{-2 \gamma t}")


_NUMBERS = [[["2"]], [["1/2"]]]
_THREE = [[["1/2"]], [["2"]], [["1"]]]
_TURN = [["3/5", "4/5"], ["-4/5", "3/5"]]
_SCALED: list[Any] = [[["1", "0"], ["0", "1"]], [["6/5", "8/5"], ["-8/5", "6/5"]], _TURN]
# Close to the product of the layers above, which is twice the square of the turn.
_NEAR = [["-14/25", "48/25"], ["-48/25", "-2/5"]]
_UNEVEN = [[["1/4", "0"], ["0", "4"]], [["4", "0"], ["0", "1/4"]]]
_SADDLE = [[["0"]], [["0"]], [["0"]]]

examples = [
    Example("two numbers that grow, enclosed", "consistent", flow_from(_NUMBERS, [["3/2"]])),
    Example("three numbers, a target of the other sign, enclosed", "consistent", flow_from(_THREE, [["-1"]])),
    Example(
        "three layers that turn, in double precision",
        "consistent",
        flow_from(_SCALED, _NEAR, backend=FLOAT),
    ),
    Example("the saddle at the origin", "vacuous", flow_from(_SADDLE, [["1"]])),
    Example(
        "imbalance that is no multiple of the identity, the hypothesis dropped",
        "violated",
        flow_from(_UNEVEN, [["1", "0"], ["1/16", "1"]], without=["homogeneous"]),
    ),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(flow_from(_SCALED, _NEAR)),
    ),
    Example(
        "descent that oversteps, the hypothesis dropped",
        "violated",
        flow_from(_NUMBERS, [["3/2"]], without=["gradient_flow"], **OVERSTEP),
    ),
]
