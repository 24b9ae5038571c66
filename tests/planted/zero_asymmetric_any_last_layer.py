r"""With the identity below and any last layer the flow learns at a rate at least 2.

Statement
    $\ell(t) \le e^{-2t} \ell(0)$ from $W_1 = \dots = W_{L-1} = I$ and any $W_L$.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    gradient_flow: the dynamics is the gradient flow

Standing
    false: from zero in every layer nothing moves
"""

from workbench.theorems import Bound
from workbench.theorems import zero_asymmetric_flow as true

source = true.source
observes = true.observes
examples = []


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "zero_asymmetric_start"]


def predict(run):
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [run.number(run.loss[0]) * run.reals.exp(-2 * run.number(t)) for t in run.times],
            latex=r"\ell(t) \le e^{-2t} \ell(0)",
        )
    ]
