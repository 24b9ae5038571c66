r"""With a margin the rate of the flow is the margin to the power one less one over the depth.

Statement
    $\ell(t) \le \ell(0) e^{-2 c^{1 - 1/L} t}$.

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    false: of a small margin the power 2 - 2/L is smaller
"""

from fractions import Fraction

from workbench.theorems import deficiency_margin_flow as true
from workbench.theorems._flow_envelope import envelope
from workbench.theorems._margin import deficiency_margin

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    rate = 2 * run.reals.power(deficiency_margin(run), 1 - Fraction(1, run.depth))
    return envelope(run, rate, r"\ell(t) \le \ell(0) e^{-2 c^{1-1/L} t}")
