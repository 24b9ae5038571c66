r"""Power projection learns every target at the rate of the floor.

Statement
    For every $\Phi$: $\ell(t+1) \le (1 - \tfrac{1}{2} \eta L \gamma^{2-2/L})^2 \ell(t)$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    floor_start: the layers start at the product $\gamma I$
    power_projection: a gradient step on the balanced layers, the product projected onto $\{u^T W u \ge \gamma \|u\|^2\}$ and factored anew
    step_size: $0 < \eta \le \gamma^{2-2/L} / (L B^{4-4/L})$; the margin is the distance to the cap

Standing
    false: a target below the floor is not reached
"""

from workbench.theorems import power_projection as true

source = true.source
observes = true.observes
examples = []
largest_step_size = true.largest_step_size
predict = true.predict


def hypotheses(run):
    return [h for h in true.hypotheses(run) if h.name != "positive_target"]
