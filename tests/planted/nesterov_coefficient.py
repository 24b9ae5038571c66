r"""On one layer Nesterov's momentum is heavy ball with the coefficient less the step size.

Statement
    $\ell_{k} = c_k^2 \ell_0$ with $c_{k+1} = (1 + \beta - \eta) c_k - \beta c_{k-1}$, for inputs $X = I$ and both methods.

Hypotheses
    one_layer: a linear network with one layer
    diagonal_inputs: $X X^T$ is diagonal with a positive diagonal, as for every full rank in its eigenvectors
    momentum: heavy ball, Nesterov's descent or plain descent

Standing
    false: Nesterov's recursion has other coefficients
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import nesterov_modes as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    eta, beta = run.number(run.step_size or Fraction(0)), run.number(run.parameter("momentum"))
    factors = [run.number(1), 1 - eta]
    for _ in range(run.steps[-1]):
        factors.append((1 + beta - eta) * factors[-1] - beta * factors[-2])
    start = run.number(run.loss[0])
    whole = [start * factors[k] ** 2 for k in run.steps]
    return [Identity("recursion", "loss against its recursion", run.loss, whole, Fraction(1, 10**8))]
