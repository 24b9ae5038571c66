r"""From the identity the loss stays above half of 1.03 times the squared negative eigenvalues.

Statement
    $\ell(t) \ge \frac{1.03}{2} \sum_{\lambda_j < 0} \lambda_j^2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum
    step_size: $L$ is even; or $L \ge 3$ is odd, $0 \le \eta (1 + \lambda) \le 1$ and $0 \le \eta \kappa \le 1$; or $F$ is the projection with $r \le 1$

Standing
    false: the floor is approached
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import negative_eigenvalue as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("103/100") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
