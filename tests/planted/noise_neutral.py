r"""Descent reduces the noise of an orbit at the square of one plus the multiplier.

Statement
    $\ell_t \le (1 - \eta (1 + |a|)^2)^{2t} \ell_0$.

Hypotheses
    orbit: one layer, $W = x^T$, zero labels, inputs whose column $i$ has $-a$ in row $i$, 1 in row $i + 1$ and zeros; loss with the factor 1/2
    plain_descent: gradient descent with a constant step
    step_size: $\eta \le 1/(1 + |a|)^2$; the margin is the distance to the cap

Standing
    false: the sign of the cosine is minus for the slowest mode
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import noise_reduction as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    rate = (1 + abs(true.multiplier(run) or Fraction(0))) ** 2 * (run.step_size or Fraction(0))
    bound = [run.number(run.loss[0]) * run.number(1 - rate) ** (2 * k) for k in run.steps]
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            bound,
            latex=r"\ell_t \le (1 - \eta (1 + |a|)^2)^{2t} \ell_0",
        )
    ]
