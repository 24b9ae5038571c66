r"""From the identity no step size fits a negative eigenvalue, whatever the depth.

Statement
    For every $L$ and $\eta$, $\ell(t) \ge \frac{1}{2} \sum_{\lambda_j < 0} \lambda_j^2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum

Standing
    false: at odd depth a long step crosses zero
"""

from workbench.theorems import negative_eigenvalue as true

source = true.source
observes = true.observes
examples = []
predict = true.predict


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "step_size"]
