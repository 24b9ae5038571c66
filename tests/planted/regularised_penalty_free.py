r"""Regularising toward the identity leaves the loss five percent above the new floor.

Statement
    $\ell(t) \ge \frac{1.05}{2} \sum_j (x_j^L + \lambda_j)^2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    regularised_descent: descent, plain, with a penalty, or projected
    step_size: $\eta (\kappa + 2L - 1 + (L-1)\lambda) \le 1$; under the projection $r \le 1$ and any $\eta$

Standing
    false: the floor is attained in the limit
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import regularised_floor as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("105/100") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
