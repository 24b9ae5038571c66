r"""At every depth descent never crosses a zero determinant where a reflection turns the target over.

Statement
    $\ell(t) \ge \frac{1}{2} \sigma_{\min}(\Phi)^2$ for every $L$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    transpose_symmetry: width at most 2, or $\Phi_{ij} = s_i s_j \Phi_{ji}$ with signs $s_i$
    negative_determinant: $\det \Phi < 0$; the margin is $-\det \Phi$
    equivariant_update: descent, plain, with a penalty, with weight decay, with momentum, or projected

Standing
    false: at odd depth a long step crosses
"""

from workbench.theorems import transposition_floor as true

source = true.source
observes = true.observes
examples = []
predict = true.predict


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "even_depth"]
