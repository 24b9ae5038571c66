r"""Descent on two numbers multiplies the difference of squares by one plus a square.

Statement
    $D' = D (1 + \eta^2 r^2)$.

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded

Standing
    false: the sign is minus
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import two_layer_numbers as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    differences = [run.number(x) for x in run.observable("imbalance_trace")]
    eta, target = run.number(run.step_size or Fraction(0)), run.number(run.target.rows[0][0])
    products = [run.number(x) for x in run.observable("end_to_end_trace")]
    steps = zip(differences[:-1], products[:-1], strict=True)
    after = [d * (1 + (eta * (p - target)) ** 2) for d, p in steps]
    return [
        Identity("difference", "difference of squares", differences, [*differences[:1], *after], Fraction(1, 10**8))
    ]
