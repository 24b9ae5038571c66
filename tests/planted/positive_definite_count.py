r"""From the identity descent needs at most half the logarithm over the slowest rate.

Statement
    $\ell \le \varepsilon$ after at most $\max_i \lceil \ln(C_i \sqrt{d/(2\varepsilon)}) / (2 \eta L m_i^2) \rceil$ steps.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap

Standing
    false: the measured number is three quarters of the bound without the factor 2
"""

from dataclasses import replace

from workbench.theorems import Count
from workbench.theorems import positive_definite as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses
largest_step_size = true.largest_step_size


def predict(run):
    return [replace(p, at_most=run.number(p.at_most) / 2) for p in true.predict(run) if isinstance(p, Count)]
