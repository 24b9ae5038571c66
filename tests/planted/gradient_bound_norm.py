r"""Near the identity the squared gradient is at least four times the depth times the loss.

Statement
    $\sum_i \|G_i\|_F^2 \ge 4 L (1 - a)^{2L-2} \ell$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    near_identity: $\|W_i - I\|_2 \le 1$ for every layer, at every record

Standing
    false: that is the bound of the loss without its half
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import gradient_bound as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("2") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
