r"""Along the gradient flow a residual network near zero weights converges linearly, with weights as small as its depth asks.

Statement
    Let $h_{k+1} = h_k + \delta \sigma(A_k h_k)$, $k = 0, \dots, L-1$, $h_0 = x$, $J = \frac{1}{2N} \sum_i \|h_L(x_i) - y_i\|^2$, $\lambda_0 = \lambda_{\min}(X^T X)$ and
    $c = \lambda_0 / (20 N)$. If $\|A_k(0)\|_2 \le \frac{c}{2 \delta L}$ for every $k$ and $J(0) \le \lambda_0^4 / (16000 N^4)$, then along the gradient flow of the $A_k$, for every $t \ge 0$,
    $$J(t) \le J(0) e^{-\delta^2 L \lambda_0 t / N} , \qquad \max_k \|A_k(t)\|_2 \le \frac{c}{\delta L} ,$$
    $$\delta L \|A_k(t) - A_j(t)\|_F \le e^{c/2} \left( \delta L \|A_k(0) - A_j(0)\|_F + c^2 \frac{|k - j|}{L} \right) \quad \text{for all } j, k .$$
    For any weights, $\delta L \max_k \|A_k\|_F \ge \ln(1 + \max_i \|y_i - x_i\| - \sqrt{2 N J})$ where the right side is defined. With $\delta = L^{-\alpha}$, $\beta = 1 - \alpha$ and $J \to 0$
    the largest norm is therefore of the exact order $L^{-\beta}$; a flow of speed $\kappa$ is this one at the time $\kappa t$, and with $\kappa = L^{2 \alpha - 1}$ the rate is $\lambda_0 / N$ at every depth.

Hypotheses
    setting: a residual network of constant width without biases, its branch scale not trained, loss $J = \frac{1}{2N} \|h_L(X) - Y\|_F^2$
    activation: $\sigma$ is twice continuously differentiable, $\sigma(0) = 0$, $\sigma'(0) = 1$, $|\sigma'| \le 1$, $|\sigma''| \le 1$: identity, tanh, arctan
    branch_scale: $\delta \ge 1/L$ (for $\delta = L^{-\alpha}$: $\alpha \le 1$); the margin is $\delta L - 1$
    unit_inputs: $\|x_i\| = 1$ for every sample, exactly
    gram_positive: $\lambda_0 > 0$, which forces $N \le d$; the margin is $\lambda_0$
    initial_weights: $\max_k \|A_k(0)\|_2 \le \frac{c}{2 \delta L}$; the margin is the room left
    initial_loss: $J(0) \le \lambda_0^4 / (16000 N^4)$; the margin is the room left
    gradient_flow: the dynamics is the gradient flow, of speed one

Perhaps unnecessary
    gram_positive: with $\lambda_0 = 0$ the hypothesis on the loss leaves a loss of zero alone, where nothing moves

Standing
    explicit (proof below), worked out for this project; the paper's theorem is about descent, with constants that are not given (recalled). `gram_positive` has no control: with $\lambda_0 = 0$ the other hypotheses leave only runs that never move.

Proof
    Put $p = 1 + c/L$, $E = [e_i]$, $e_i = h_L(x_i) - y_i$, $D_k^i = \operatorname{diag} \sigma'(A_k h_k^i)$ and $M_k^i$ the derivative of $h_L$ in $h_{k+1}$, a product of $L-k-1$ factors $I + \delta D_j A_j$. Then $\partial J / \partial A_k = \frac{\delta}{N} \sum_i D_k^i (M_k^i)^T e_i (h_k^i)^T$.
    *While all* $\|A_k\|_2 \le \frac{c}{\delta L}$, so that $\delta \|A_k\|_2 \le c/L$ and, as $\delta L \ge 1$, $\|A_k\|_2 \le c$: from $|\sigma(z)| \le |z|$ and $|\sigma'(z) - 1| \le |z|$, $\|h_k\| \le p^k$, $\|h_k - x\| \le p^k - 1$,
    $\|M_k\| \le p^{L-k-1}$, $\|M_k - I\| \le p^{L-k-1} - 1$, $\|D_k\| \le 1$, $\|D_k - I\| \le c p^k$, and $p^n \le e^c$ for $n \le L$.
    *Kernel.* $\frac{d}{dt} \|E\|_F^2 = -\frac{2 \delta^2}{N} \sum_k \langle E, K_k E \rangle$ with blocks $K_k[i, j] = M^i D^i D^j (M^j)^T \langle h^i, h^j \rangle$. Here $M D = I + Q$ with $\|Q\| \le q = e^c - 1 + c e^c \le 2.08 c$ for
    $c \le \frac{1}{20}$ (indeed $\lambda_0 \le \operatorname{tr}(X^T X) / N = 1$), and $|\langle h^i, h^j \rangle - \langle x_i, x_j \rangle| \le e^{2c} - 1$. So a block differs from $\langle x_i, x_j \rangle I$ by at most
    $(1 + q)^2 (e^{2c} - 1) + 2q + q^2 \le 10 c$, the whole of $N \times N$ blocks by at most $10 c N = \lambda_0 / 2$, and $K_k \ge \lambda_0 / 2$. Hence $\frac{d}{dt} \|E\|_F \le -\frac{\delta^2 L \lambda_0}{2N} \|E\|_F$.
    *Drift.* $\|dA_k/dt\|_2 \le \frac{\delta}{N} e^c \sum_i \|e_i\| \le \frac{\delta e^c}{\sqrt{N}} \|E\|_F$, whose integral is at most $\frac{2 \sqrt{N} e^c}{\lambda_0 \delta L} \|E(0)\|_F$. This is below $\frac{c}{2 \delta L}$ if
    $J(0) = \frac{\|E(0)\|_F^2}{2N} < \frac{\lambda_0^4}{12800 e^{2c} N^4}$, and $12800 e^{1/10} < 16000$. So the bound $\frac{c}{\delta L}$ is never reached, by continuity; the flow stays bounded and exists for all times.
    *Increments.* For $j < k$ let $u = \|A_k - A_j\|_F$. Split the difference of the gradients at $D$, at $h$ and at $M$: $\|h_k - h_j\| \le (k-j) \frac{c}{L} p^{k-1}$, $\|M_k - M_j\| \le (k-j) \frac{c}{L} p^{L-j-2}$,
    $\|D_k - D_j\| \le u p^k + c (k-j) \frac{c}{L} p^{k-1}$, so $u' \le \frac{\delta}{\sqrt{N}} \|E\|_F \left( e^{2c} u + (2 e^c + c e^{2c}) c \frac{k-j}{L} \right)$. As $\frac{\delta}{\sqrt{N}} \int \|E\|_F \le 0.4473 \frac{c}{\delta L}$,
    Gronwall's inequality gives the bound: $0.4473 e^{2c} \le \frac{1}{2}$ and $0.4473 (2 e^c + c e^{2c}) \le 1$.
    *From below.* With $a = \delta L \max_k \|A_k\|_2 \le \delta L \max_k \|A_k\|_F$, $\|h_L - x\| \le (1 + a/L)^L - 1 \le e^a - 1$, and $\|h_L(x_i) - x_i\| \ge \|y_i - x_i\| - \|E\|_F$.
"""

from __future__ import annotations

from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Example, Hypothesis, Run, _residual_convergence
from workbench.theorems._residual_runs import ORTHONORMAL, PAIR, controls, residual_run
from workbench.theorems._sources import CONT_2022
from workbench.theorems._statement import Prediction

source = CONT_2022.at("linear convergence, worked out for this project")
observes = _residual_convergence.OBSERVES
tight = False


def _squared_size(share: Any) -> Any:
    """Return c^2, of lambda_0 / N."""
    return share**2 / 400


def _threshold(share: Any) -> Any:
    """Return the largest loss at the start, of lambda_0 / N."""
    return share**4 / 16000


def _spread(run: Run, size: Real) -> Real:
    """Return e^(c/2)."""
    return run.reals.exp(size / 2)


CONSTANTS = _residual_convergence.Constants(_squared_size, _threshold, _spread)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _residual_convergence.hypotheses(run, CONSTANTS)


def predict(run: Run) -> list[Prediction]:
    """Return the envelope, the norms from both sides, the increments and the rate."""
    return _residual_convergence.predict(run, CONSTANTS)


# J(0) = 1.5e-8 and 2.5e-7, below the thresholds 1e-7 and 3.9e-6.
_PAIR_LABELS = [["10001/10000", "3/5"], ["1/5000", "7999/10000"]]
_ORTHONORMAL_LABELS = [["6/10", "-8/10"], ["801/1000", "6/10"]]
_SMALL = {"scheme": "gaussian", "seed": 3, "scale": "1/2000"}

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
        "a linear network, its smallest branch scale",
        "consistent",
        residual_run(ORTHONORMAL, _ORTHONORMAL_LABELS, 2, "1/2", activation="identity", time="2"),
    ),
    Example(
        "arctan in double precision",
        "consistent",
        residual_run(
            ORTHONORMAL, _ORTHONORMAL_LABELS, 2, "power(2,-1/4)", activation="arctan", backend={"name": "float64"}
        ),
    ),
    *controls(push="1005/1000", saturated="12/5"),
]
