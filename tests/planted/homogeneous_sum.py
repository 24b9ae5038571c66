r"""Square layers whose imbalances are multiples of the identity converge at the sum of both rates.

Statement
    The rate is $2 (\Pi + L \nu^{2 - 2/L})$ in place of the root of the sum of squares.

Hypotheses
    setting: a linear network of at least two square layers, whitened inputs, loss with the factor 1/2
    homogeneous: $W_{j+1}^T W_{j+1} - W_j W_j^T$ is a multiple of $I$ for every $j$; the margin is the negated defect
    positive_rate: $\gamma > 0$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the two rates add in squares
"""

import itertools
from fractions import Fraction

from workbench.theorems import homogeneous_imbalance as true
from workbench.theorems._flow_envelope import envelope
from workbench.theorems._margin import imbalances, remaining

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    offsets = list(itertools.accumulate((matrix[0][0] for matrix in imbalances(run) or []), initial=Fraction(0)))
    least, spread = min(offsets), Fraction(1)
    offsets.remove(least)
    for offset in offsets:
        spread *= offset - least
    power = Fraction(2) - Fraction(2, run.depth)
    rate = run.depth * run.reals.power(remaining(run, run.widths[0]), power) + spread
    return envelope(run, 2 * rate, r"\ell(t) \le \ell(0) e^{-2 (\Pi + L \nu^{2-2/L}) t}")
