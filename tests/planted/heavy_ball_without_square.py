r"""Heavy ball carries the last change of the imbalance on, without the velocities before.

Statement
    $S_{k+1} - S_k = \beta (S_k - S_{k-1}) + B_{k+1}$.

Hypotheses
    linear_network: a deep linear network, of any widths
    heavy_ball: heavy ball with a constant step and momentum, or plain descent
    every_step: every step is recorded

Standing
    false: the velocity term of the step before was left out
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import heavy_ball_drift as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    traces = [run.number(x) for x in run.observable("imbalance_trace")]
    speeds = [run.number(x) for x in run.observable("velocity_imbalance")]
    beta = run.number(run.parameter("momentum"))
    after = traces[:1]
    for k in range(1, len(traces)):
        carried = beta * (traces[k - 1] - traces[k - 2]) if k > 1 else run.number(0)
        after.append(traces[k - 1] + carried + speeds[k])
    return [Identity("law", "trace of the imbalances", traces, after, Fraction(1, 10**8))]
