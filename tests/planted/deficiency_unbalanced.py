r"""With a margin the loss of the flow decays at a rate that the depth multiplies, balanced or not.

Statement
    $\ell(t) \le \ell(0) e^{-2 L c^{2 - 2/L} t}$.

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    gradient_flow: the dynamics is the gradient flow

Standing
    false: layers out of balance are slower
"""

from workbench.theorems import deficiency_margin_flow as true

source = true.source
observes = true.observes
examples = []
predict = true.predict


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "balanced_start"]
