r"""From the zero-asymmetric start the loss decays at the rate of its largest singular value.

Statement
    $\ell(t) \ge \frac{1}{2} \sum_i s_i^2 e^{-2 \rho_{d+1-i} t}$: the modes and their rates in opposite order.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the largest singular value decays at the largest rate
"""

from fractions import Fraction

from workbench.exact import Measured
from workbench.theorems import Bound
from workbench.theorems import zero_asymmetric_flow as true
from workbench.theorems._singular import squared_singular_values

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    squares = [x for x in squared_singular_values(run.target.rows) if x != Measured(Fraction(0))]
    rates, floor = [true.local_rate(run, x) for x in reversed(squares)], []
    for time in run.times:
        terms = [run.number(x) * run.reals.exp(-2 * r * run.number(time)) for x, r in zip(squares, rates, strict=True)]
        floor.append(sum(terms, run.number(0)) / 2)
    return [
        Bound(
            "floor",
            "loss against its fastest decay",
            run.loss,
            floor,
            ">=",
            latex=r"\ell \ge \frac{1}{2} \sum_i s_i^2 e^{-2 \rho_{d+1-i} t}",
        )
    ]
