r"""Along a balanced flow the sum of squares of two layers is their depth times the norm of the product.

Statement
    $\sum_j \|W_j\|_F^2 = L \|W\|_F$ for every depth, as the excess over the quasi-norm would be.

Hypotheses
    linear_network: a deep linear network, of any widths
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect

Standing
    false: there is no excess
"""

from fractions import Fraction

from workbench.theorems import Identity
from workbench.theorems import schatten_norm as true

source = true.source
observes = ("loss", "schatten_excess", "end_to_end_squared_norm")
examples = []
hypotheses = true.hypotheses


def predict(run):
    excess = run.observable("schatten_excess")
    norm = [run.reals.sqrt(run.number(x)) for x in run.observable("end_to_end_squared_norm")]
    return [
        Identity(
            "sum", "sum of squares less the quasi-norm", excess, [run.depth * n / 100 for n in norm], Fraction(1, 10**6)
        )
    ]
