r"""Power projection contracts the squared error two and a half times as fast as claimed.

Statement
    $\ell(t+1) \le (1 - \tfrac{5}{2} \eta L \gamma^{2-2/L}) \ell(t)$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    floor_start: the layers start at the product $\gamma I$
    positive_target: $\gamma > 0$ and $u^T \Phi u \ge \gamma \|u\|^2$; the margin is that of the symmetric part's smallest eigenvalue
    power_projection: a gradient step on the balanced layers, the product projected onto $\{u^T W u \ge \gamma \|u\|^2\}$ and factored anew
    step_size: $0 < \eta \le 1 / (2 L B^{2-2/L})$; the margin is the distance to the cap

Standing
    false: close to the floor the contraction is 2 at most
"""

from fractions import Fraction

from workbench.theorems import _power_projection
from workbench.theorems import power_projection_long_step as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    return _power_projection.predict(
        run, 1 - Fraction(5, 2) * _power_projection.slowness(run), r"\ell' \le (1 - 5/2 \eta L \gamma^{2-2/L}) \ell"
    )
