r"""Two layers out of balance converge at 2.1 times the gap.

Statement
    $\ell(t) \le \ell(0) e^{-2.1 g t}$.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    positive_gap: $g > 0$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the rate is attained at a small target
"""

from fractions import Fraction

from workbench.theorems import support_gap as true
from workbench.theorems._flow_envelope import envelope

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    gap = true.support_gap(run)
    return [] if gap is None else envelope(run, Fraction(21, 10) * gap, r"\ell(t) \le \ell(0) e^{-2.1 g t}")
