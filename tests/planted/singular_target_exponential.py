r"""At distance one from the identity descent converges at an exponential rate.

Statement
    $\ell(t) \le \ell(0) (1 - \eta/4)^t$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 2$
    identity_start: $W_i(0) = I$ for every layer
    projection_target: $\Phi = \Phi^T = \Phi^2$ and $\Phi \ne I$, exactly
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta < 1$

Standing
    false: the decay is a power of the time
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import singular_target as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    start = run.number(run.loss[0])
    rate = run.number(1 - (run.step_size or Fraction(0)) / 4)
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [start * rate**k for k in run.steps],
            latex=r"\ell(t) \le \ell(0) (1 - \eta/4)^t",
        )
    ]
