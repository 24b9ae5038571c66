r"""From a small start a chain needs a time with the depth, not the depth less two, in the power.

Statement
    $\eta k \ge (x_0^{-L} - x_k^{-L}) / (L s)$.

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, at least two layers, loss with the factor 1/2
    equal_start: all layers start at one number
    below_target: $x_0 > 0$ and $x_0^L < s$; the margin is the smaller of $x_0$ and $s - x_0^L$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta \le 1/(L s^{2-2/L})$; the margin is $1 - (\eta L)^L s^{2L-2}$

Standing
    false: the power is L - 2
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import slow_start as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    target = run.number(Fraction(run.target.rows[0][0]))
    products = [run.number(x) for x in run.observable("end_to_end_trace")]
    least = [(1 / products[0] - 1 / p) / (run.depth * target) for p in products]
    return [
        Bound(
            "time",
            "flow time against the least",
            list(run.times),
            least,
            ">=",
            latex=r"\eta k \ge (1/p_0 - 1/p_k)/(L s)",
        )
    ]
