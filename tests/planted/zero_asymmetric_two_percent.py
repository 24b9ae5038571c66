r"""From the zero-asymmetric start the flow learns every target at a rate of 2.04.

Statement
    $\ell(t) \le e^{-2.04 t} \ell(0)$.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    gradient_flow: the dynamics is the gradient flow

Standing
    false: one layer has the rate 2
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import zero_asymmetric_flow as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [run.number(run.loss[0]) * run.reals.exp(Fraction("-51/25") * run.number(t)) for t in run.times],
            latex=r"\ell(t) \le e^{-2.04 t} \ell(0)",
        )
    ]
