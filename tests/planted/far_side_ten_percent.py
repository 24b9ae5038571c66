r"""A deep chain of nearly equal numbers stays above its floor a tenth longer than it does, for two numbers.

Statement
    $\ell(t) \ge \frac{\lambda^2}{2}$ for $t \le 10 T$.

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, at least two layers, loss with the factor 1/2
    positive_start: every layer starts positive; the margin is the smallest
    nearly_equal: $D \le m^2$; the margin is $m^2 - D$
    far_side: the target is negative; the margin is $\lambda$
    gradient_flow: the dynamics is the gradient flow

Standing
    false: the time T is short of the crossing by less than a factor of ten for unequal numbers
"""

from fractions import Fraction

from workbench.theorems import Bound
from workbench.theorems import far_side as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    limit = true.waiting_time(run)
    end = None if limit is None else (run.reals.measured(10 * limit).bounds() or (Fraction(0),))[0]
    floor = Fraction(run.target.rows[0][0]) ** 2 / 2
    levels = [floor if end is None or time <= end else Fraction(0) for time in run.times]
    return [
        Bound("floor", "loss against its floor", run.loss, levels, ">=", latex=r"\ell(t) \ge \lambda^2/2, t \le 10 T")
    ]
