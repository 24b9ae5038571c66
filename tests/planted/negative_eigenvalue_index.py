r"""From the identity the loss stays above half the square of the largest eigenvalue in size.

Statement
    $\ell(t) \ge \frac{1}{2} \max_j \lambda_j^2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum
    step_size: $L$ is even; or $L \ge 3$ is odd, $0 \le \eta (1 + \lambda) \le 1$ and $0 \le \eta \kappa \le 1$; or $F$ is the projection with $r \le 1$

Standing
    false: a positive eigenvalue is learned
"""

from workbench.theorems import Bound
from workbench.theorems import negative_eigenvalue as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    values = run.eigenvalues()
    level = run.reals.maximum(*values, *(-v for v in values))
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [level * level / 2] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \max_j \lambda_j^2",
        )
    ]
