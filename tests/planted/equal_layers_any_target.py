r"""From the identity all layers stay equal, for every target.

Statement
    $W_1(t) = \dots = W_L(t)$ for every $\Phi$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    plain_descent: gradient descent with a constant step, all layers at once

Standing
    false: a target that is not symmetric turns the layers apart
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import equal_layers as true

source = true.source
observes = true.observes
examples = []


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "symmetric_target"]


def predict(run):
    spread = run.observable("layer_spread")
    return [Identity("equal", "spread of the layers", spread, [Fraction(0)] * len(run.steps), Fraction(1, 10**6))]
