r"""With a margin the loss of the flow decays two percent faster than it does.

Statement
    $\ell(t) \le \ell(0) e^{-2.04 L c^{2 - 2/L} t}$, or without $L$ where the ends differ.

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    false: a number that grows starts at the rate of its margin
"""

from fractions import Fraction

from workbench.theorems import deficiency_margin_flow as true
from workbench.theorems._flow_envelope import envelope

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return envelope(run, Fraction(51, 50) * true.rate(run), r"\ell(t) \le \ell(0) e^{-2.04 L c^{2-2/L} t}")
