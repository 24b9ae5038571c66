r"""Descent conserves the imbalance of neighbouring residual blocks.

Statement
    The residual imbalance is constant along descent.

Hypotheses
    linear_blocks: a residual network whose activation is the identity
    plain_descent: gradient descent with a constant step

Standing
    false: it drifts by the square of the step size
"""

from workbench.theorems import residual_balancedness as true

source = true.source
observes = true.observes
examples = []
predict = true.predict


def hypotheses(run):
    found = [h for h in true.hypotheses(run) if h.name != "gradient_flow"]
    return [*found, run.plain_descent()]
