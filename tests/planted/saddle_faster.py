r"""Descent nears the saddle of a negative eigenvalue faster by a tenth in the exponent.

Statement
    Each mode is at most $(1 + (L-2) \eta \lambda t)^{-1.1/(L-2)}$ to the power $L$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 3$
    identity_start: $W_i(0) = I$ for every layer
    negative_definite: $\Phi^T = \Phi$ and every eigenvalue is negative; the margin is the smallest $\lambda_j$
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta (1 + \lambda_{\max}) < 1$

Standing
    false: the exponent is 1/(L - 2)
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import saddle_approach as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    sizes, eta = [-v for v in run.eigenvalues()], run.step_size or Fraction(0)
    power, bound = Fraction(-11 * run.depth, 10 * (run.depth - 2)), []
    for k in run.steps:
        terms = [(s + run.reals.power(1 + (run.depth - 2) * eta * k * s, power)) ** 2 for s in sizes]
        bound.append(sum(terms, run.number(0)) / 2)
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            bound,
            latex=r"\ell \le \frac{1}{2} \sum_j (\lambda_j + x_j^L)^2",
        )
    ]
