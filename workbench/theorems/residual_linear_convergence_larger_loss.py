r"""The linear convergence of residual networks holds from a larger loss and larger weights, by the sum of the gradients itself.

Statement
    In the setting and notation of `residual_linear_convergence` let $c = \frac{1}{10} \sqrt{\lambda_0 / N}$. If $\|A_k(0)\|_2 \le \frac{c}{2 \delta L}$ for every $k$ and $J(0) \le \lambda_0^3 / (4000 N^3)$, then along the gradient flow, for every $t \ge 0$,
    $$J(t) \le J(0) e^{-\delta^2 L \lambda_0 t / N} , \qquad \max_k \|A_k(t)\|_2 \le \frac{c}{\delta L} ,$$
    $$\delta L \|A_k(t) - A_j(t)\|_F \le 1.12 \left( \delta L \|A_k(0) - A_j(0)\|_F + c^2 \frac{|k - j|}{L} \right) \quad \text{for all } j, k .$$

Hypotheses
    setting: a residual network of constant width without biases, its branch scale not trained, loss $J = \frac{1}{2N} \|h_L(X) - Y\|_F^2$
    activation: $\sigma$ is twice continuously differentiable, $\sigma(0) = 0$, $\sigma'(0) = 1$, $|\sigma'| \le 1$, $|\sigma''| \le 1$: identity, tanh, arctan
    branch_scale: $\delta \ge 1/L$ (for $\delta = L^{-\alpha}$: $\alpha \le 1$); the margin is $\delta L - 1$
    unit_inputs: $\|x_i\| = 1$ for every sample, exactly
    gram_positive: $\lambda_0 > 0$, which forces $N \le d$; the margin is $\lambda_0$
    initial_weights: $\max_k \|A_k(0)\|_2 \le \frac{c}{2 \delta L}$; the margin is the room left
    initial_loss: $J(0) \le \lambda_0^3 / (4000 N^3)$; the margin is the room left
    gradient_flow: the dynamics is the gradient flow, of speed one

Perhaps unnecessary
    gram_positive: with $\lambda_0 = 0$ the hypothesis on the loss leaves a loss of zero alone, where nothing moves

Standing
    explicit (proof below), worked out for this project. `gram_positive` has no control: with $\lambda_0 = 0$ the other hypotheses leave only runs that never move.

Proof
    As for `residual_linear_convergence`, with two changes. *Kernel.* In place of the blocks take the sum $S_k = \sum_i D_k^i (M_k^i)^T e_i (h_k^i)^T$ itself, whose squared norm is $\langle E, K_k E \rangle$. Each term is $e_i x_i^T$ but for
    $(M^T e h^T - e x^T) + (D - I) M^T e h^T$, of norm at most $(p^{L-1} - 1 + c e^{2c}) \|e_i\| \le 2.274 c \|e_i\|$ for $c \le \frac{1}{10}$. As $\|E X^T\|_F \ge \sqrt{\lambda_0} \|E\|_F$ and $\sum_i \|e_i\| \le \sqrt{N} \|E\|_F$,
    $\|S_k\|_F \ge (1 - 0.2274) \sqrt{\lambda_0} \|E\|_F$, whose square is at least $\frac{1}{2} \lambda_0 \|E\|_F^2$: the same rate.
    *Drift.* It is below $\frac{c}{2 \delta L}$ if $J(0) < \frac{c^2 \lambda_0^2}{32 N^2 e^{2c}} = \frac{\lambda_0^3}{3200 e^{2c} N^3}$, and $3200 e^{1/5} < 4000$.
    *Increments.* As there, with $\frac{\delta}{\sqrt{N}} \int \|E\|_F \le \frac{c}{2} e^{-c} \frac{1}{\delta L}$: the factor is $\exp(\frac{c}{2} e^c) (1 + \frac{c}{2} e^c) \le 1.12$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Example, Hypothesis, Run, _residual_convergence
from workbench.theorems._residual_runs import ORTHONORMAL, PAIR, controls, residual_run
from workbench.theorems._sources import CONT_2022
from workbench.theorems._statement import Prediction

source = CONT_2022.at("linear convergence, weaker hypotheses worked out for this project")
observes = _residual_convergence.OBSERVES
tight = False

SPREAD = Fraction(112, 100)


def _squared_size(share: Any) -> Any:
    """Return c^2, of lambda_0 / N."""
    return share / 100


def _threshold(share: Any) -> Any:
    """Return the largest loss at the start, of lambda_0 / N."""
    return share**3 / 4000


def _spread(run: Run, size: Real) -> Real:
    """Return 1.12."""
    return run.number(SPREAD)


CONSTANTS = _residual_convergence.Constants(_squared_size, _threshold, _spread)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _residual_convergence.hypotheses(run, CONSTANTS)


def predict(run: Run) -> list[Prediction]:
    """Return the envelope, the norms from both sides, the increments and the rate."""
    return _residual_convergence.predict(run, CONSTANTS)


# J(0) = 1.25e-6 and 1.6e-5, beyond the thresholds of `residual_linear_convergence`, below 2e-6 and 3.1e-5.
_PAIR_LABELS = [["1001/1000", "3/5"], ["2/1000", "8/10"]]
_ORTHONORMAL_LABELS = [["6/10", "-8/10"], ["808/1000", "6/10"]]
_SMALL = {"scheme": "gaussian", "seed": 3, "scale": "1/500"}

examples = [
    Example(
        "two samples at depth 16, to 40 digits",
        "consistent",
        residual_run(PAIR, _PAIR_LABELS, 16, "power(16,-1/2)", backend={"name": "ball", "digits": 40}),
    ),
    Example(
        "the exponent seven tenths and a random start",
        "consistent",
        residual_run(ORTHONORMAL, _ORTHONORMAL_LABELS, 3, "power(3,-7/10)", start=_SMALL, time="3"),
    ),
    Example(
        "a branch scale above one over the root of the depth, in double precision",
        "consistent",
        residual_run(ORTHONORMAL, _ORTHONORMAL_LABELS, 2, "power(2,-1/4)", backend={"name": "float64"}),
    ),
    *controls(push="101/100", saturated="49/10"),
]
