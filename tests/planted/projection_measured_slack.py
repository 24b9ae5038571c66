r"""Power projection contracts the error at 2.1 times the claimed rate.

Statement
    $\ell(t+1) \le (1 - \tfrac{21}{20} \eta L \gamma^{2-2/L})^2 \ell(t)$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    floor_start: the layers start at the product $\gamma I$
    positive_target: $\gamma > 0$ and $u^T \Phi u \ge \gamma \|u\|^2$; the margin is that of the symmetric part's smallest eigenvalue
    power_projection: a gradient step on the balanced layers, the product projected onto $\{u^T W u \ge \gamma \|u\|^2\}$ and factored anew
    step_size: $0 < \eta \le \gamma^{2-2/L} / (L B^{4-4/L})$; the margin is the distance to the cap

Standing
    false: close to the floor the contraction is 2.00 times the claim
"""

from fractions import Fraction

from workbench.theorems import _power_projection
from workbench.theorems import power_projection as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    return _power_projection.predict(
        run,
        (1 - Fraction(21, 20) * _power_projection.slowness(run)) ** 2,
        r"\ell' \le (1 - 1.05 \eta L \gamma^{2-2/L})^2 \ell",
    )
