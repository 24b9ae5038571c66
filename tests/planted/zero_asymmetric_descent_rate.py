r"""From the zero-asymmetric start the loss falls by 2.2 times the step size a step.

Statement
    $\ell(t) \le (1 - \tfrac{11}{5} \eta)^t \ell(0)$.

Hypotheses
    setting: a linear network, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    square_below: all layers but the last are square
    zero_asymmetric_start: the identity in all layers but the last, zero in the last
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Standing
    false: a small target is learned at 2 eta a step
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import zero_asymmetric_descent as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    start = run.number(run.loss[0])
    rate = run.number(1 - Fraction(11, 5) * (run.step_size or Fraction(0)))
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [start * rate**k for k in run.steps],
            latex=r"\ell(t) \le (1 - 2.2 \eta)^t \ell(0)",
        )
    ]
