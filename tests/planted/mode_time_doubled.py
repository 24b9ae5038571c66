r"""A mode grows along the flow in half the time that its closed form tells.

Statement
    $F(\sigma^{1/L}) - F(x_0) = 2 t$.

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, loss with the factor 1/2
    equal_start: all layers start at one positive number
    below_target: $0 < w_L(0) \cdots w_1(0) < s$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: that is the time of the loss without its half
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import mode_closed_forms as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("2") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Identity)
    ]
