r"""Descent reduces the noise of an orbit two percent faster than its slowest mode.

Statement
    $\ell_t \le (1 - 1.02 \eta \mu_1)^{2t} \ell_0$.

Hypotheses
    orbit: one layer, $W = x^T$, zero labels, inputs whose column $i$ has $-a$ in row $i$, 1 in row $i + 1$ and zeros; loss with the factor 1/2
    plain_descent: gradient descent with a constant step
    step_size: $\eta \le 1/(1 + |a|)^2$; the margin is the distance to the cap

Standing
    false: noise along the slowest mode has equality
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import noise_reduction as true
from workbench.theorems._singular import squared_singular_values

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    slowest = run.number(squared_singular_values(run.trajectory.problem.loss.inputs.rows)[0])
    factor = 1 - Fraction(51, 50) * slowest * (run.step_size or Fraction(0))
    bound = [run.number(run.loss[0]) * factor ** (2 * k) for k in run.steps]
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            bound,
            latex=r"\ell_t \le (1 - 1.02 \eta \mu_1)^{2t} \ell_0",
        )
    ]
