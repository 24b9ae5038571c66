r"""Along the flow no layer strays from the identity further than 0.97 of the root's distance.

Statement
    $\max_j \|W_j(t) - I\|_2 \le 0.97 \max_i |\lambda_i^{1/L} - 1|$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the distance is approached
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import layers_near_identity as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("97/100") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
