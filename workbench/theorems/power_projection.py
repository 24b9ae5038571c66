r"""Power projection learns a target with a positive quadratic form: every step contracts the error by an explicit factor.

Statement
    Let $u^T \Phi u \ge \gamma \|u\|^2$ for every $u$ with $\gamma > 0$, $B = 2\|\Phi\|_F$ and $0 < \eta \le
    \gamma^{2-2/L} / (L B^{4-4/L})$. Power projection with the floor $\gamma$ from $W(0) = \gamma I$ obeys
    $$\|E_{t+1}\|_F \le \left(1 - \tfrac{1}{2} \eta L \gamma^{2-2/L}\right) \|E_t\|_F , \qquad E = W_L \cdots W_1 - \Phi ,$$
    so that $\ell \le \varepsilon$ after at most
    $\max\left(0, \left\lceil \ln(\|\Phi\|_F^2 / (2\varepsilon)) / (\eta L \gamma^{2-2/L}) \right\rceil\right)$ steps.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    floor_start: the layers start at the product $\gamma I$
    positive_target: $\gamma > 0$ and $u^T \Phi u \ge \gamma \|u\|^2$; the margin is that of the symmetric part's smallest eigenvalue
    power_projection: a gradient step on the balanced layers, the product projected onto $\{u^T W u \ge \gamma \|u\|^2\}$ and factored anew
    step_size: $0 < \eta \le \gamma^{2-2/L} / (L B^{4-4/L})$; the margin is the distance to the cap

Standing
    explicit (proof below); the paper has a polynomial without constants (Theorem 5, recalled). `power_projection_long_step` has a far longer step at the same rate.

Proof
    Suppose $u^T W_t u \ge \gamma\|u\|^2$ and $\|E_t\|_F \le \|E_0\|_F$; $\|E_0\|_F^2 = \|\Phi\|_F^2 - 2\gamma \operatorname{tr} \Phi + \gamma^2 d \le \|\Phi\|_F^2$.
    Then the singular values of $W_t$ lie in $[\gamma, B]$, and $T(X) = \sum_i A_i A_i^T X B_i^T B_i$ has its eigenvalues in $[L\gamma^{2-2/L}, L B^{2-2/L}]$ on balanced layers.
    With $y = \eta L B^{2-2/L} \le 1$: $\|E - \eta T(E)\|_F \le (1 - \eta L \gamma^{2-2/L}) \|E\|_F$. A term with $k \ge 2$ gradients is at most
    $(\eta L)^k B^{1+k-2k/L} \|E\|_2^{k-1} \|E\|_F / k!$; with $\varphi(x) = (e^x - 1 - x)/x^2$ they sum to at most $\varphi(\tfrac{1}{2}) (\eta L)^2 B^{3-4/L} \tfrac{B}{2} \|E\|_F \le 0.2975\, \eta L \gamma^{2-2/L} \|E\|_F$.
    So the step multiplies $\|E\|_F$ by at most $1 - 0.7025\, \eta L \gamma^{2-2/L}$, and the projection, onto a convex set that contains $\Phi$, expands no distance to $\Phi$.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems import Hypothesis, Run, _power_projection
from workbench.theorems._sources import BARTLETT_2018
from workbench.theorems._statement import Prediction

source = BARTLETT_2018.at("Theorem 5")
observes = ("loss",)
tight = False


def largest_step_size(run: Run) -> Real:
    """Return gamma^(2-2/L) / (L B^(4-4/L))."""
    exponent = Fraction(2) - Fraction(2, run.depth)
    gamma = run.reals.power(_power_projection.floor(run), exponent)
    return gamma / (run.depth * _power_projection.power_of_norm(run, 2 * exponent))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _power_projection.hypotheses(run, largest_step_size)


def predict(run: Run) -> list[Prediction]:
    """Return the contraction, the envelope, the count and the rate."""
    factor = (1 - _power_projection.slowness(run) / 2) ** 2
    latex = r"\ell(t+1) \le (1 - \tfrac{1}{2} \eta L \gamma^{2-2/L})^2 \ell(t)"
    return _power_projection.predict(run, factor, latex)


examples = _power_projection.examples("1/100")
