r"""From a white start every mode follows the closed form with half the level.

Statement
    The modes of the white start with $c/2$ in place of $c$.

Hypotheses
    two_layers: a linear network of two layers, any widths, loss with the factor 1/2
    white_start: $W_1^T W_1 = c I$, $W_2 W_2^T = c I$ with one $c > 0$ and $W_2 W_1 = 0$, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the level is c
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import white_start as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    (first, _), zero = run.initial_weights(), run.number(0)
    level = sum((run.number(row[0]) ** 2 for row in first), zero) / 2
    modes = [run.reals.sqrt(run.number(x)) for x in true._squared_singular_values(run)]
    losses = [sum(((s - true._mode(run, s, level, run.number(t))) ** 2 for s in modes), zero) / 2 for t in run.times]
    return [Identity("loss", "loss against the sum over the modes", run.loss, losses, Fraction(1, 10**6))]
