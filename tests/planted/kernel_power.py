r"""From an orthogonal start the trace of the kernel has the gain to the power of the depth.

Statement
    $\mathrm{tr} P = L g^L d_y \mathrm{tr} X^T X$.

Hypotheses
    linear_network: a deep linear network with inputs or without, $X = I$
    isometric_start: hidden layers of one width, no narrower than the ends, that are isometries up to one gain, exactly

Standing
    false: the power is one less
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import orthogonal_kernel as true
from workbench.theorems._isometric import gain
from workbench.theorems._wide import known_moments

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    level = run.number(gain(run)[1] or Fraction(1)) ** run.depth
    total = sum((run.number(x) for x in known_moments(run).spectrum), run.number(0))
    observed, trace = run.observable("kernel_trace")[0], run.depth * run.widths[-1] * level * total
    count = len(run.steps)
    return [
        Identity("trace", "trace of the kernel at the start", [observed] * count, [trace] * count, Fraction(1, 10**8))
    ]
