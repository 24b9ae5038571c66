r"""With one shared matrix descent contracts at 2.2 times the depth.

Statement
    $\ell(t) \le (1 - 2.2 \eta L \mu)^t \ell(0)$.

Hypotheses
    setting: whitened inputs, square layers, loss with the factor 1/2
    identity_start: all layers start at the identity
    symmetric_target: the target is symmetric
    positive_definite: the target's smallest eigenvalue is positive
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Standing
    false: one layer contracts at 2
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import weight_sharing_descent as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    start = run.number(run.loss[0])
    rate = 1 - Fraction(11, 5) * run.depth * true.slowness(run) * (run.step_size or Fraction(0))
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [start * rate**k for k in run.steps],
            latex=r"\ell(t) \le (1 - 2.2 \eta L \mu)^t \ell(0)",
        )
    ]
