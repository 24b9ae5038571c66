r"""From the identity descent learns a positive definite target, with the constant of a large eigenvalue for all.

Statement
    With $C_i = \lambda_i |\ln \lambda_i|$ for every $i$, $\ell(t) \le \frac{1}{2} \sum_i C_i^2 (1 - \eta L m_i^2)^{2t}$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap

Standing
    false: below one the constant is ln(1/lambda)
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
        slowness = run.reals.power(-run.reals.maximum(-1, -value), Fraction(2) - Fraction(2, run.depth))
        modes.append((value * run.reals.log(value), 1 - eta * slowness))
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
