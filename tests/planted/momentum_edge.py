r"""Nesterov's descent on one layer stays bounded up to the step of heavy ball.

Statement
    $\ell_k \le 100 (1 + \beta)^2 \ell_0$ for $\eta < 2 (1 + \beta)$, heavy ball or Nesterov.

Hypotheses
    one_layer: a linear network with one layer, whitened inputs, loss with the factor 1/2
    momentum: heavy ball or Nesterov's descent with momentum below 1, or plain descent ($\beta = 0$)
    below_edge: $\eta < 2 (1 + \beta)$

Standing
    false: Nesterov's edge is 2 (1 + beta)/(1 + 2 beta)
"""

from fractions import Fraction

from workbench.exact import Measured
from workbench.theorems import Bound, Hypothesis
from workbench.theorems import momentum_stability as true

source = true.source
observes = true.observes
examples = []


def hypotheses(run):
    found = [h for h in true.hypotheses(run) if h.name != "below_edge"]
    room = 2 * (1 + run.parameter("momentum")) - (run.step_size or Fraction(0))
    return [*found, Hypothesis("below_edge", Measured(room), strict=True)]


def predict(run):
    ceiling = 10**6 * run.number(run.loss[0])
    return [
        Bound(
            "ceiling", "loss against its ceiling", run.loss, [ceiling] * len(run.steps), latex=r"\ell_k \le 10^6 \ell_0"
        )
    ]
