r"""With one shared matrix the rate is the smallest eigenvalue itself.

Statement
    $\ell(t) \le \exp(-2 L \min(1, \lambda_{\min}) t) \ell(0)$.

Hypotheses
    setting: whitened inputs, square layers, loss with the factor 1/2
    identity_start: all layers start at the identity
    symmetric_target: the target is symmetric
    positive_definite: the target's smallest eigenvalue is positive
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the exponent is 2 - 2/L, more than 1 from three layers on
"""

from workbench.theorems import Bound
from workbench.theorems import weight_sharing as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    rate = -run.reals.maximum(-1, -run.eigenvalues()[0]) * run.depth
    bound = [run.number(run.loss[0]) * run.reals.exp(-2 * rate * run.number(t)) for t in run.times]
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            bound,
            latex=r"\ell \le e^{-2 L \min(1, \lambda) t} \ell(0)",
        )
    ]
