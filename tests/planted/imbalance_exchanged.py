r"""Two layers converge at a rate in which the two excesses of the imbalance are exchanged.

Statement
    The rate $\alpha$ with $D_+$ and $D_-$ exchanged.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    positive_rate: $\alpha > 0$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: from W_1 = 1, W_2 = (2, 0)^T and (2, 1/8)^T the loss decays at the rate 2, not 15/4
"""

from workbench.theorems import imbalance_margin as true
from workbench.theorems._flow_envelope import envelope
from workbench.theorems._margin import descending_eigenvalues, imbalances, negated, positive_part, remaining

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    found = imbalances(run)
    if found is None:
        return []
    values = descending_eigenvalues(run, found[0])
    opposite, (inputs, _, outputs) = negated(values), run.widths
    p, q = positive_part(run, values, outputs), positive_part(run, opposite, inputs)
    plus, minus = positive_part(run, values, 1) - p, positive_part(run, opposite, 1) - q
    outer = run.reals.sqrt((p + q + plus) ** 2 + 4 * remaining(run, outputs) ** 2) - plus
    inner = run.reals.sqrt((p + q + minus) ** 2 + 4 * remaining(run, inputs) ** 2) - minus
    return envelope(run, outer + inner, r"\ell(t) \le \ell(0) e^{-2 \alpha t}")
