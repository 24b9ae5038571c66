r"""One step of descent decreases the loss by the whole step size times the squared gradient.

Statement
    $\ell_{k+1} \le \ell_k - \eta \|\nabla \ell_k\|^2$.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, both layers at once
    every_step: every step is recorded
    short_step: $\eta K_k \le 2$ at every step; the margin is $2 - \eta \max_k K_k$

Standing
    false: the curvature takes some of it back
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import local_descent as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    eta, losses = run.number(run.step_size or Fraction(0)), [run.number(x) for x in run.loss]
    slopes = [run.number(x) for x in run.observable("gradient_squared_norm")]
    after = [a - eta * g for a, g in zip(losses[:-1], slopes[:-1], strict=True)]
    return [
        Bound(
            "decrease",
            "loss against its decrease",
            run.loss,
            [*losses[:1], *after],
            latex=r"\ell' \le \ell - \eta \|\nabla \ell\|^2",
        )
    ]
