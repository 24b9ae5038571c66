r"""Close to the identity the rate is 1.74 times as large as claimed.

Statement
    For $r \le \frac{1}{10}$ and $0 < \eta \le 0.57/L$, $\ell(t) \le \frac{1}{2} r^2 (1 - 0.83 \eta L)^{2t}$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    near_identity: $\|\Phi - I\|_F \le \frac{1}{10}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 0.57/L$; the margin is the distance to the cap

Standing
    false: the slack that was measured is 1.72: at great depth the rate of an eigenvalue 9/10 is 0.81
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import near_identity as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    start = run.number(run.identity_distance_squared()) / 2
    rate = run.number(Fraction("83/100") * (run.step_size or Fraction(0)) * run.depth)
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [start * (1 - rate) ** (2 * k) for k in run.steps],
            latex=r"\ell(t) \le \frac{1}{2} r^2 (1 - 0.83 \eta L)^{2t}",
        )
    ]
