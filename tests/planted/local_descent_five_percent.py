r"""One step of descent takes five percent more off the loss than its slope and curvature tell.

Statement
    $\ell_{k+1} \le \ell_k - 1.05 (\eta - \frac{1}{2} K_k \eta^2) \|\nabla \ell_k\|^2$.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, both layers at once
    every_step: every step is recorded
    short_step: $\eta K_k \le 2$ at every step; the margin is $2 - \eta \max_k K_k$

Standing
    false: a small step decreases the loss by no more than the slope tells
"""

from dataclasses import replace
from fractions import Fraction

from workbench.theorems import local_descent as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    bound, losses = true.predict(run)[0], [run.number(x) for x in run.loss]
    lower = zip(losses[:-1], bound.rhs[1:], strict=True)
    after = [a - Fraction(21, 20) * (a - run.number(b)) for a, b in lower]
    return [replace(bound, rhs=[*losses[:1], *after])]
