r"""Every global minimiser is at least as sharp as the depth times the largest singular value squared.

Statement
    $\lambda_{\max} \ge L s_1^2$.

Hypotheses
    setting: a deep linear network of any widths, whitened inputs, loss with the factor 1/2
    at_minimiser: the layers start at $W_L \cdots W_1 = \Phi$, exactly; the margin is the negated error
    plain_descent: gradient descent with a constant step, which rests there

Standing
    false: the power is 2 - 2/L, which is less for a large target
"""

from workbench.theorems import Bound
from workbench.theorems import flattest_minima as true
from workbench.theorems._margin import target_singular_values

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    level = run.depth * target_singular_values(run)[0] ** 2
    sharpness = run.observable("sharpness")
    return [
        Bound(
            "flattest",
            "sharpness of a minimiser",
            sharpness,
            [level] * len(run.steps),
            ">=",
            latex=r"\lambda_{\max} \ge L s_1^2",
        )
    ]
