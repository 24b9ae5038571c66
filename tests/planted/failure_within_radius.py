r"""Beyond distance nine tenths from the identity some targets are out of reach.

Statement
    For $\Phi = I - r u u^T$ with $r > 9/10$, $\ell(t) \ge \frac{1}{2} (r - 1)^2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    rank_one_target: $\Phi = I - r\, u u^T$ with a unit vector $u$, exactly
    beyond_radius: $r > 9/10$; the margin is $r^2 - 81/100$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum
    step_size: $L$ is even; or $L \ge 3$ is odd, $0 \le \eta r \le 1$ and $0 \le \eta \kappa \le 1$; or the projection has a radius of at most 1

Standing
    false: a projection with r < 1 is positive definite and learned
"""

from fractions import Fraction

from workbench.theorems import Hypothesis
from workbench.theorems import failure_beyond_radius as true

source = true.source
observes = true.observes
examples = []
predict = true.predict


def hypotheses(run):
    found = [h for h in true.hypotheses(run) if h.name != "beyond_radius"]
    reach = run.number(run.identity_distance_squared())
    return [*found, Hypothesis("beyond_radius", run.reals.measured(reach - Fraction(81, 100)), strict=True)]
