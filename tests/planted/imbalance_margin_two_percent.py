r"""Two layers converge two percent faster than their imbalance and margins tell.

Statement
    $\ell(t) \le \ell(0) e^{-2.04 \alpha t}$.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    positive_rate: $\alpha > 0$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: numbers attain the rate
"""

from fractions import Fraction

from workbench.theorems import imbalance_margin as true
from workbench.theorems._flow_envelope import envelope

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    alpha = true.alpha(run)
    return [] if alpha is None else envelope(run, Fraction(51, 25) * alpha, r"\ell(t) \le \ell(0) e^{-2.04 \alpha t}")
