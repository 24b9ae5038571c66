r"""From the zero-asymmetric start the loss stays above a slower decay.

Statement
    $\frac{1}{2} \sum_i s_i^2 e^{-2 (1 + a_i^2)^{L-1} t} \le \ell(t)$.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the second term of the rate was left out
"""

from workbench.theorems import Bound
from workbench.theorems import zero_asymmetric_flow as true
from workbench.theorems._singular import squared_singular_values

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    floor = [run.number(0)] * len(run.times)
    for square in squared_singular_values(run.target.rows):
        root = run.number(true._mode_square(run.depth, (square.bounds() or (0, 0))[1], above=True))
        rate = (1 + root) ** (run.depth - 1)
        floor = [
            f + run.number(square) * run.reals.exp(-2 * rate * run.number(t)) / 2
            for f, t in zip(floor, run.times, strict=True)
        ]
    return [
        Bound(
            "floor",
            "loss against its fastest decay",
            run.loss,
            floor,
            ">=",
            latex=r"\ell \ge \frac{1}{2} \sum_i s_i^2 e^{-2 (1 + a_i^2)^{L-1} t}",
        )
    ]
