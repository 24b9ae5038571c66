r"""At any distance from the identity descent contracts the error at a rate that the depth multiplies.

Statement
    For $0 < \eta \le 0.57/L$ and any $\Phi$, $\|W(t) - \Phi\|_F \le r (1 - 0.476 \eta L)^t$ and $\max_i \|W_i(t) - I\|_2 \le 0.28/L$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 0.57/L$; the margin is the distance to the cap

Standing
    false: the radius is needed
"""

from workbench.theorems import near_identity as true

source = true.source
observes = true.observes
examples = []
largest_step_size = true.largest_step_size
predict = true.predict


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "near_identity"]
