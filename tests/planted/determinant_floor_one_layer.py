r"""The flow from the identity keeps its determinant positive at every depth.

Statement
    $\ell(t) \ge \frac{1}{2} \sigma_{\min}(\Phi)^2$ where $\det \Phi < 0$, for every $L$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly or by name; the margin is the negated defect
    positive_start: $\det W(0) > 0$
    negative_determinant: $\det \Phi < 0$; the margin is $-\det \Phi$

Standing
    false: one layer goes straight to its target
"""

from workbench.theorems import determinant_floor as true

source = true.source
observes = true.observes
examples = []


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "deep"]


def predict(run):
    return true.predict(run)[:1]
