r"""Near the identity the squared gradient has the power 2L - 3 of the distance.

Statement
    $\sum_i \|G_i\|_F^2 \ge 2 L (1 - a)^{2L-3} \ell$ for $L \ge 2$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    near_identity: $\|W_i - I\|_2 \le 1$ for every layer, at every record

Standing
    false: layers (1 - a) I have equality at 2L - 2
"""

from workbench.theorems import Bound
from workbench.theorems import gradient_bound as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    distances = [run.number(x) for x in run.observable("distance_to_identity")]
    power = max(0, 2 * run.depth - 3)
    bound = [2 * run.depth * (1 - a) ** power * run.number(x) for a, x in zip(distances, run.loss, strict=True)]
    slope = run.observable("gradient_squared_norm")
    return [
        Bound("slope", "squared gradient", slope, bound, ">=", latex=r"\sum_i \|G_i\|_F^2 \ge 2 L (1 - a)^{2L-3} \ell")
    ]
