r"""Square layers whose imbalances are multiples of the identity converge two percent faster than they do.

Statement
    The rate is $2.04 \gamma$.

Hypotheses
    setting: a linear network of at least two square layers, whitened inputs, loss with the factor 1/2
    homogeneous: $W_{j+1}^T W_{j+1} - W_j W_j^T$ is a multiple of $I$ for every $j$; the margin is the negated defect
    positive_rate: $\gamma > 0$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: numbers attain the rate at the start
"""

from fractions import Fraction

from workbench.theorems import homogeneous_imbalance as true
from workbench.theorems._flow_envelope import envelope
from workbench.theorems._margin import imbalances

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    rate = Fraction(51, 25) * true.gamma(run, imbalances(run) or [])
    return envelope(run, rate, r"\ell(t) \le \ell(0) e^{-2.04 \gamma t}")
