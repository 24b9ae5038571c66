r"""On one layer heavy ball decays like the square of its momentum.

Statement
    $\ell_k \le \beta^{2k} A \ell_0$.

Hypotheses
    setting: a linear network of one layer, loss with the factor 1/2; whitened inputs have $X = I$
    independent_samples: $\lambda_{\min}(X^T X) > 0$
    heavy_ball: heavy ball from rest with a constant step and momentum
    oscillating_modes: $h(\eta \lambda) > 0$ for every positive eigenvalue $\lambda$; the margin is the least $h$

Standing
    false: each step multiplies by the root of the momentum
"""

from workbench.theorems import Bound
from workbench.theorems import momentum_rate as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    beta, start = run.number(run.parameter("momentum")), run.number(run.loss[0])
    amplitude = run.reals.maximum(
        *(4 * beta * z / run.reals.sqrt(true.discriminant(run, z) ** 2) for z in true.ends(run))
    )
    bound = [start * amplitude * beta ** (2 * k) for k in run.steps]
    return [Bound("envelope", "loss against its envelope", run.loss, bound, latex=r"\ell_k \le \beta^{2k} A \ell_0")]
