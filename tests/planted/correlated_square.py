r"""Near the identity the squared gradient has the square of the inputs' smallest eigenvalue.

Statement
    $\|\nabla \ell\|^2 \ge c L (1 - a)^{2L-2} \sigma_{\min}(\Sigma)^2 (\ell - \ell^*)$.

Hypotheses
    square_layers: a linear network with square layers
    full_rank: $\sigma_{\min}(X X^T) > 0$; the margin is that eigenvalue
    near_identity: $\|W_i - I\|_2 \le 1$ for every layer, at every record

Standing
    false: where the smallest eigenvalue is above one the square is too much
"""

from dataclasses import replace

from workbench.theorems import Bound
from workbench.theorems import correlated_gradient_bound as true
from workbench.theorems._wide import known_moments

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    smallest = run.number(known_moments(run).spectrum[0])
    return [
        replace(bound, rhs=[smallest * run.number(x) for x in bound.rhs])
        for bound in true.predict(run)
        if isinstance(bound, Bound)
    ]
