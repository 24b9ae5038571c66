r"""Every global minimiser is at least two percent sharper than a balanced one.

Statement
    $\lambda_{\max} \ge 1.02 L s_1^{2 - 2/L}$ at a minimiser.

Hypotheses
    setting: a deep linear network of any widths, whitened inputs, loss with the factor 1/2
    at_minimiser: the layers start at $W_L \cdots W_1 = \Phi$, exactly; the margin is the negated error
    plain_descent: gradient descent with a constant step, which rests there

Standing
    false: balanced minimisers have equality
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import flattest_minima as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    level = Fraction(51, 50) * true._level(run)
    sharpness = run.observable("sharpness")
    return [
        Bound(
            "flattest",
            "sharpness of a minimiser",
            sharpness,
            [level] * len(run.steps),
            ">=",
            latex=r"\lambda_{\max} \ge 1.02 L s_1^{2-2/L}",
        )
    ]
