r"""A symmetric network of rank one grows with twice the rate of its matrix exponential.

Statement
    $|u|^2$ with $e^{2 A t}$ for $e^{A t}$.

Hypotheses
    two_layers: a linear network of widths $d$, 1, $d$, whitened inputs, loss with the factor 1/2
    symmetric_start: $W_1(0) = W_2(0)^T$, exactly
    diagonal_target: the target is diagonal, as every symmetric one is in its eigenvectors
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the time was doubled
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import rank_one_flow as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    squares = [sum(true._squares(run, 2 * time), run.number(0)) for time in run.times]
    trace = run.observable("end_to_end_trace")
    return [Identity("norm", "squared norm of u", trace, squares, Fraction(1, 10**8))]
