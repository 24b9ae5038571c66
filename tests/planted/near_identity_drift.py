r"""Close to the identity no layer strays further than a tenth over the depth.

Statement
    Under the hypotheses of the near-identity theorem $\max_i \|W_i(t) - I\|_2 \le \frac{0.1}{L}$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    near_identity: $\|\Phi - I\|_F \le \frac{1}{10}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 0.57/L$; the margin is the distance to the cap

Standing
    false: an eigenvalue 9/10 takes its layers to the distance 1 - 0.9^(1/L), more than 0.1/L
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
    level = [Fraction(1, 10) / run.depth] * len(run.steps)
    drift = run.observable("distance_to_identity")
    return [
        Bound("drift", "distance of the layers to the identity", drift, level, latex=r"\max_i \|W_i - I\|_2 \le 0.1/L")
    ]
