r"""Weight decay on equal numbers moves the mode with the decay at the target.

Statement
    $x' = x - \eta x^{L-1} (x^L - s) - \eta \lambda$.

Hypotheses
    scalar_layers: a linear network of width 1 throughout, depth at least 2, loss with the factor 1/2
    equal_start: all layers start at one positive number
    weight_decay: gradient descent with weight decay, all layers at once
    positive: the product of the layers is positive at every record, and every step is recorded

Standing
    false: the decay is of the layer, not of a number
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import weight_decay_modes as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    products = [run.number(x) for x in run.observable("end_to_end_trace")]
    eta, decay = run.number(run.step_size or Fraction(0)), run.number(run.parameter("decay"))
    target, after = run.number(run.target.rows[0][0]), products[:1]
    for p in products[:-1]:
        x = run.reals.power(p, Fraction(1, run.depth))
        after.append((x - eta * (x ** (run.depth - 1) * (p - target) + decay)) ** run.depth)
    return [Identity("map", "product of the layers", products, after, Fraction(1, 10**8))]
