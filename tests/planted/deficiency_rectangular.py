r"""With a margin the rate of the flow has the factor of the depth for all widths.

Statement
    $\ell(t) \le \ell(0) e^{-2 L c^{2 - 2/L} t}$ for any widths.

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    false: where the ends differ a pair with a zero leaves one term of the sum
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
    rate = 2 * run.depth * run.reals.power(deficiency_margin(run), Fraction(2) - Fraction(2, run.depth))
    return envelope(run, rate, r"\ell(t) \le \ell(0) e^{-2 L c^{2-2/L} t}")
