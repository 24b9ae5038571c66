r"""Over a descent no defect drifts by more than half of the step size times the decrease of the loss.

Statement
    $\|D_j(k) - D_j(0)\|_F \le \tfrac{1}{2} \eta (\ell_0 - \ell_k)$.

Hypotheses
    linear_network: a deep linear network, of any widths
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    sufficient_decrease: $l_i - l_{i+1} \ge \frac{\eta}{2} \|\nabla l_i\|^2$ at every step of the run

Standing
    false: larger drifts are met by uneven layers
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import drift_bound as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    return [
        replace(bound, rhs=[Fraction("1/4") * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
