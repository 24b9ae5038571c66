r"""Gradient descent conserves the imbalance of neighbouring layers.

Statement
    $W_{j+1}^T W_{j+1} - W_j W_j^T$ is constant along descent.

Hypotheses
    linear_network: a deep linear network, of any widths
    plain_descent: gradient descent with a constant step, all layers at once

Standing
    false: it drifts by the square of the step size a step
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import balancedness_drift as true

source = true.source
observes = ("loss", "balancedness_change")
examples = []
hypotheses = true.hypotheses


def predict(run):
    change = run.observable("balancedness_change")
    return [
        Identity("conserved", "change of the imbalance", change, [Fraction(0)] * len(run.steps), Fraction(1, 10**6))
    ]
