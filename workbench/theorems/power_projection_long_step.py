r"""Power projection contracts the squared error by an explicit factor also at a step the square root of the cap allows.

Statement
    Let $u^T \Phi u \ge \gamma \|u\|^2$ for every $u$ with $\gamma > 0$, $B = 2\|\Phi\|_F$ and $0 < \eta \le
    1 / (2 L B^{2-2/L})$. Power projection with the floor $\gamma$ from $W(0) = \gamma I$ obeys
    $$\|E_{t+1}\|_F^2 \le \left(1 - \eta L \gamma^{2-2/L}\right) \|E_t\|_F^2 , \qquad E = W_L \cdots W_1 - \Phi ,$$
    so that $\ell \le \varepsilon$ after at most
    $\max\left(0, \left\lceil \ln(\|\Phi\|_F^2 / (2\varepsilon)) / (\eta L \gamma^{2-2/L}) \right\rceil\right)$ steps: at the largest step about
    $2 (B/\gamma)^{2-2/L} \ln(\|\Phi\|_F^2 / (2\varepsilon))$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    floor_start: the layers start at the product $\gamma I$
    positive_target: $\gamma > 0$ and $u^T \Phi u \ge \gamma \|u\|^2$; the margin is that of the symmetric part's smallest eigenvalue
    power_projection: a gradient step on the balanced layers, the product projected onto $\{u^T W u \ge \gamma \|u\|^2\}$ and factored anew
    step_size: $0 < \eta \le 1 / (2 L B^{2-2/L})$; the margin is the distance to the cap

Standing
    explicit (proof below), worked out for this project; contains `power_projection` for $L \ge 2$

Proof
    As there, $W_t$ has its singular values in $[\gamma, B]$ and $\|E_t\|_F \le B/2$. Put $y = \eta L B^{2-2/L} \le \tfrac{1}{2}$, $m = B^{1/L}$ and $S = \langle E, T(E) \rangle = \sum_i \|G_i\|_F^2$; the product after the step is $\Phi + E - \eta T(E) + H$.
    Two gradients of a term of $H$ give its nuclear norm the bound $\|G_a\|_F \|G_b\|_F$ times norms of the rest; averaged over the pairs of each subset, $\|H\|_* \le \eta^2 m^{L-2} (L-1) S \varphi(y/2)$, hence $2 \langle E, H \rangle \le B \|H\|_* \le \eta S\, y \varphi(y/2)$.
    With $\|T(E)\|_F \le m^{L-1} \sqrt{L S}$ and $\|H\|_F \le \eta m^{L-1} \sqrt{L S}\, y \varphi(y/2)/2$,
    $$\|E - \eta T(E) + H\|_F^2 \le \|E\|_F^2 - \eta S \left[ 2 - y \varphi(\tfrac{y}{2}) - y \left(1 + \tfrac{1}{2} y \varphi(\tfrac{y}{2})\right)^2 \right] .$$
    The bracket decreases in $y$ and is 1.0824 at $y = \tfrac{1}{2}$, and $S \ge L \gamma^{2-2/L} \|E\|_F^2$. The projection expands no distance to $\Phi$.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems import Hypothesis, Run, _power_projection
from workbench.theorems._sources import BARTLETT_2018
from workbench.theorems._statement import Prediction

source = BARTLETT_2018.at("Theorem 5, longer step")
observes = ("loss",)
tight = False


def largest_step_size(run: Run) -> Real:
    """Return 1 / (2 L B^(2-2/L))."""
    return 1 / (2 * run.depth * _power_projection.power_of_norm(run, Fraction(2) - Fraction(2, run.depth)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _power_projection.hypotheses(run, largest_step_size)


def predict(run: Run) -> list[Prediction]:
    """Return the contraction, the envelope, the count and the rate."""
    factor = 1 - _power_projection.slowness(run)
    return _power_projection.predict(run, factor, r"\ell(t+1) \le (1 - \eta L \gamma^{2-2/L}) \ell(t)")


examples = _power_projection.examples("1e-10")
