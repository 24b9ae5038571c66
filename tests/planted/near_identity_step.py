r"""Close to the identity the contraction holds up to twice the inverse of the depth.

Statement
    For $r \le \frac{1}{10}$ and $0 < \eta \le 2/L$, $\|W(t) - \Phi\|_F \le r (1 - 0.476 \eta L)^t$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    near_identity: $\|\Phi - I\|_F \le \frac{1}{10}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 2/L$; the margin is the distance to the cap

Standing
    false: at the step 2/L the fastest mode overshoots
"""

from fractions import Fraction

from workbench.theorems import _near_identity
from workbench.theorems import near_identity as true

source = true.source
observes = true.observes
examples = []

_WIDE = _near_identity.Constants(step=Fraction(2), rate=Fraction(476, 1000), drift=Fraction(28, 100))


def largest_step_size(run):
    return _near_identity.largest_step_size(run, _WIDE)


def hypotheses(run):
    return _near_identity.hypotheses(run, _WIDE)


def predict(run):
    return _near_identity.predict(run, _WIDE)
