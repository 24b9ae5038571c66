r"""From the identity descent learns a positive definite target at a rate with half the exponent.

Statement
    With $m_i = \lambda_i^{1/2 - 1/(2L)}$ for $\lambda_i < 1$, $\ell(t) \le \frac{1}{2} \sum_i C_i^2 (1 - \eta L m_i^2)^{2t}$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap

Standing
    false: the exponent of the slowest mode is 2 - 2/L
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import positive_definite as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    eta = run.number(run.step_size or Fraction(0)) * run.depth
    modes = []
    for value in run.eigenvalues():
        logarithm = run.reals.log(value)
        constant = run.reals.maximum(logarithm, -logarithm) * run.reals.maximum(1, value)
        modes.append((constant, 1 - eta * run.reals.power(-run.reals.maximum(-1, -value), 1 - Fraction(1, run.depth))))
    bound = [sum(((c * q**k) ** 2 for c, q in modes), run.number(0)) / 2 for k in run.steps]
    return [
        Bound(
            "envelope",
            "loss against its envelope",
            run.loss,
            bound,
            latex=r"\ell \le \frac{1}{2} \sum_i C_i^2 (1 - \eta L m_i^2)^{2t}",
        )
    ]
