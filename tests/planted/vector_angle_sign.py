r"""Two balanced layers with one output: the flow turns away from its target.

Statement
    $2 \ell = \rho^2 + 2 \rho s \tanh(s t + b) + s^2$.

Hypotheses
    one_output: two layers, one output, whitened inputs, loss with the factor 1/2
    turned_start: $W_2 W_1$ and $\Phi$ are not zero and not parallel
    balanced_start: $W_2^T W_2 = W_1 W_1^T$ at the start, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the sign of the angle was lost
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import vector_output as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    exact = true.predict(run)
    squared, loss = exact[0].rhs, exact[1].rhs
    start = true._start(run)[2]
    mirrored = [2 * (norm + start) / 2 - value for norm, value in zip(squared, loss, strict=True)]
    return [Identity("loss", "loss, which tells the angle", run.loss, mirrored, Fraction(1, 10**6))]
