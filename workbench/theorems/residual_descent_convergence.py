r"""Descent on a residual network near zero weights converges linearly at any step up to the inverse of its largest curvature there.

Statement
    Let $h_{k+1} = h_k + \delta \sigma(A_k h_k)$, $k = 0, \dots, L-1$, $h_0 = x$, $J = \frac{1}{2N} \sum_i \|h_L(x_i) - y_i\|^2$, $\lambda_0$ and $\Lambda$ the smallest and the largest eigenvalue of $X^T X$ and
    $c = \frac{1}{10} \sqrt{\lambda_0 / N}$. If $\|A_k(0)\|_2 \le \frac{c}{2 \delta L}$ for every $k$, $J(0) \le \frac{\lambda_0^3}{3000 N^2 \Lambda}$ and $\eta \le \frac{N}{\delta^2 L \Lambda}$, then after $s$ steps of gradient descent, for every $s \ge 0$,
    $$J_s \le \left( 1 - \frac{4}{7} \frac{\eta \delta^2 L \lambda_0}{N} \right)^{2 s} J_0 , \qquad \max_k \|A_k\|_2 \le \frac{c}{\delta L} ,$$
    $$\delta L \|A_k - A_j\|_F \le 1.06 \delta L \|A_k(0) - A_j(0)\|_F + 1.2 c^2 \sqrt{N / \Lambda} \frac{|k - j|}{L} \quad \text{for all } j, k ,$$
    and $J_s \le J_0 e^{-8 \delta^2 L \lambda_0 t / (7 N)}$ with $t = \eta s$. The weights converge to a global minimum. With $\delta = L^{-\alpha}$, $\beta = 1 - \alpha$ and $\eta = \kappa N L^{2 \alpha - 1} / \Lambda$, $\kappa \le 1$, every step takes the same share of the loss at every depth, and the largest norm is of the exact order $L^{-\beta}$:
    for any weights, $\delta L \max_k \|A_k\|_F \ge \ln(1 + \max_i \|y_i - x_i\| - \sqrt{2 N J})$ where the right side is defined.

Hypotheses
    setting: a residual network of constant width without biases, its branch scale not trained, loss $J = \frac{1}{2N} \|h_L(X) - Y\|_F^2$
    activation: $\sigma$ is twice continuously differentiable, $\sigma(0) = 0$, $\sigma'(0) = 1$, $|\sigma'| \le 1$, $|\sigma''| \le 1$: identity, tanh, arctan
    branch_scale: $\delta \ge 1/L$ (for $\delta = L^{-\alpha}$: $\alpha \le 1$); the margin is $\delta L - 1$
    unit_inputs: $\|x_i\| = 1$ for every sample, exactly
    gram_positive: $\lambda_0 > 0$, which forces $N \le d$; the margin is $\lambda_0$
    initial_weights: $\max_k \|A_k(0)\|_2 \le \frac{c}{2 \delta L}$; the margin is the room left
    initial_loss: $J(0) \le \frac{\lambda_0^3}{3000 N^2 \Lambda}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta \le \frac{N}{\delta^2 L \Lambda}$, the inverse of the largest curvature at zero weights and zero loss; the margin is the room left

Perhaps unnecessary
    gram_positive: with $\lambda_0 = 0$ the hypothesis on the loss leaves a loss of zero alone, where nothing moves

Standing
    explicit (proof below), worked out for this project; the paper's theorem, on descent too, has constants that are not given (recalled). `gram_positive` has no control: with $\lambda_0 = 0$ the other hypotheses leave only runs that never move.

Proof
    Put $p = 1 + c/L$, $\theta = \eta \delta^2 L / N$, so that $\theta \Lambda \le 1$, $E = [e_i]$, $e_i = h_L(x_i) - y_i$, $D_k^i = \operatorname{diag} \sigma'(A_k h_k^i)$, $M_k^i$ the derivative of $h_L$ in $h_{k+1}$, a product of $L-k-1$ factors $I + \delta D_j A_j$, and
    $S_k = \sum_i D_k^i (M_k^i)^T e_i (h_k^i)^T$. The gradient is $\frac{\delta}{N} S_k$. As the inputs have norm one, $\lambda_0 \le 1 \le \Lambda \le N$, and $c \le \frac{1}{10}$.
    *In the tube*, all $\|A_k\|_2 \le \frac{c}{\delta L}$, which is convex: $\delta \|A_k\|_2 \le c/L$ and, as $\delta L \ge 1$, $\|A_k\|_2 \le c$. So $\|h_k\| \le p^k$, $\|h_k - x\| \le p^k - 1$, $\|M_k\| \le p^{L-k-1}$, $p^n \le e^c$ for $n \le L$, and
    $\sqrt{N} (e^c - 1) \le 0.10518 \sqrt{\lambda_0}$, as $(e^c - 1)/c$ increases. With $H_k = [h_k^i]$ and $U_k = [(M_k^i)^T e_i]$, row $r$ of $S_k$ is $H_k$ applied to the numbers $(D_k^i)_{rr} (U_k)_{ri}$, and $1 - c p^k \le (D_k^i)_{rr} \le 1$.
    *Kernel from above.* $\|H_k\|_2 \le \sqrt{\Lambda} + \sqrt{N} (p^k - 1)$ and $\|U_k\|_F \le p^{L-k-1} \|E\|_F$. The product $p^{L-k-1} (\sqrt{\Lambda} - \sqrt{N}) + \sqrt{N} p^{L-1}$ increases in $k$, as $\Lambda \le N$, so $\|S_k\|_F \le m \|E\|_F$,
    $m = \sqrt{\Lambda} + 0.10518 \sqrt{\lambda_0} \le 1.10518 \sqrt{\Lambda}$.
    *Kernel from below.* The least singular value of $H_k$ is at least $\sqrt{\lambda_0} - \sqrt{N} (p^k - 1)$, and $\|U_k\|_F \ge (1 - c/L)^{L-k-1} \|E\|_F \ge (1 - c (1 - x)) \|E\|_F$ with $x = k/L$. So $\|S_k\|_F / (\sqrt{\lambda_0} \|E\|_F) \ge (1 - 0.10518 x) (1 - c (1-x)) (1 - c e^{c x})$,
    least at $c = \frac{1}{10}$, where the first two factors are concave in $x$ together, at least $0.89482$, and the last is at least $0.88948$: $\|S_k\|_F \ge 0.7959 \sqrt{\lambda_0} \|E\|_F$.
    *Second order.* Let $A$ and $A^+ = A - \eta G$ be in the tube, $g = \max_k \|G_k\|_2$. Along $A - \tau G$, dots for $d/d\tau$ and $z_k = A_k h_k$: $\|\dot{h}_k\| \le k \delta g p^{k-1}$, $\|\dot{z}_k\| \le g (1 + c) p^{k-1}$, and
    $\ddot{h}_{k+1} = \ddot{h}_k + \delta D_k (A_k \ddot{h}_k - 2 G_k \dot{h}_k) + \delta \sigma''(z_k) \dot{z}_k^2$, entry by entry, gives $\|\ddot{h}_L\| \le \delta^2 g^2 L^2 e^c + \delta g^2 L (1+c)^2 e^{2c} \le q \delta^2 g^2 L^2$, $q = e^c + (1+c)^2 e^{2c} \le 2.5831$, as $\delta L \ge 1$.
    Hence $E^+ = E - \eta K E + R$, where $\langle E, K E \rangle = \frac{\delta^2}{N} \sum_k \|S_k\|_F^2$, $\|R\|_F \le \frac{\eta^2}{2} \sqrt{N} q \delta^2 L^2 g^2$ and $g \le \frac{\delta m}{N} \|E\|_F$, that is $\|R\|_F \le \frac{1}{2} q (1.10518)^2 \theta^2 \Lambda \sqrt{N} \|E\|_F^2$. If $\|E\|_F \le \|E_0\|_F \le \lambda_0^{3/2} / \sqrt{1500 N \Lambda}$, this is
    at most $0.0408 \theta^2 \lambda_0 \sqrt{\Lambda \lambda_0} \|E\|_F \le 0.0408 \theta \lambda_0 \|E\|_F$.
    *One step.* The eigenvalues of $\eta K$ lie between $0.6334 \theta \lambda_0$ and $1.2215 \theta \Lambda \le 1.2215$, so $\|E^+\|_F \le (\max(1 - 0.6334 \theta \lambda_0, 0.2215) + 0.0408 \theta \lambda_0) \|E\|_F \le (1 - \frac{4}{7} \theta \lambda_0) \|E\|_F$, as $\theta \lambda_0 \le 1$ and $0.2215 + 0.0408 + \frac{4}{7} < 1$.
    *Induction.* Suppose that $A^0, \dots, A^s$ are in the tube and that the steps between them contract. Then $\|A_k^{s+1} - A_k^0\|_2 \le \frac{\eta \delta m}{N} \sum_{r \le s} \|E_r\|_F \le \frac{7 m}{4 \lambda_0 \delta L} \|E_0\|_F \le \frac{7 \cdot 1.10518}{4 \sqrt{1500}} \sqrt{\lambda_0 / N} \frac{1}{\delta L} \le \frac{c}{2 \delta L}$,
    as $0.04994 \le \frac{1}{20}$. So $A^{s+1}$ is in the tube too, hence the segment between, and the step contracts. The gradients are summable: the weights converge.
    *Increments.* For $j < k$ let $u = \|A_k - A_j\|_F$ and $v = (k-j)/L$. In the same way, row by row, with $\|H_k - H_j\|_F \le \sqrt{N} v c p^{k-1}$, $\|M_k - M_j\| \le v c p^{L-j-2}$ and $\|D_k - D_j\| \le u p^k + c^2 v p^{k-1}$:
    $\|S_k - S_j\|_F \le \|E\|_F (m e^c (u + c^2 v) + \sqrt{N} c e^c v + m c v)$. The sum of $\frac{\eta \delta}{N} m \|E_r\|_F$ is at most $\frac{c}{2 \delta L}$, so that $\delta L u$ is at most $\exp(\frac{c}{2} e^c)$ times $\delta L u_0 + \frac{c^2}{2} (e^c \sqrt{N / \Lambda} + 1 + c e^c) v$,
    and $\exp(\frac{1}{20} e^{1/10}) \le 1.06$, $\frac{1.06}{2} (e^{1/10} + 1 + \frac{1}{10} e^{1/10}) \le 1.2$. The bound from below is that of `residual_linear_convergence`.

Notes
    The arithmetic of the constants is decided by certificates in the derivation `residual_drift`. A search over widths to four, depths to 20, branch scales, starts at the edge and activations (identity, tanh, arctan, and $z - z|z|/2$, for which $|\sigma''| = 1$ next to zero) at the largest loss and step came within 1.3 of the rate, 1.27 of the norm and 1.07 of the increments, and violated nothing.
    With $\Lambda < N$ more loss is allowed here than along the flow by `residual_linear_convergence_larger_loss`, and the rate is larger: the rows of $S_k$ lose less than its terms do. Letting $\eta \to 0$ gives the flow.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured, Power
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run, _residual_convergence
from workbench.theorems._residual_convergence import (
    at_the_start,
    branch_scale,
    gram_spectrum,
    largest_increment,
    samples,
    weights_in_depth,
)
from workbench.theorems._residual_runs import ORTHONORMAL, PAIR, descent_controls, residual_run
from workbench.theorems._sources import CONT_2022
from workbench.theorems._statement import Prediction

source = CONT_2022.at("linear convergence of descent, constants worked out for this project")
observes = _residual_convergence.OBSERVES
tight = False

RATE = Fraction(4, 7)
SPREAD = Fraction(106, 100)
SLOPE = Fraction(12, 10)


def _squared_size(share: Any) -> Any:
    """Return c^2, of lambda_0 / N."""
    return share / 100


def _threshold(share: Any) -> Any:
    """Return the largest loss at the start over N / Lambda, of lambda_0 / N."""
    return share**3 / 3000


def _spread(run: Run, size: Real) -> Real:
    """Return the factor of the start's increments."""
    return run.number(SPREAD)


CONSTANTS = _residual_convergence.Constants(_squared_size, _threshold, _spread)


def largest_step_size(run: Run) -> Real:
    """Return N / (delta^2 L Lambda)."""
    scale = run.reals.number(branch_scale(run))
    return samples(run) / (scale * scale * run.depth * run.number(gram_spectrum(run)[-1]))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [
        *at_the_start(run, CONSTANTS, _room(run)),
        run.plain_descent(),
        Hypothesis("step_size", _step_margin(run)),
    ]


def _room(run: Run) -> Measured:
    """Return N / Lambda, exactly where Lambda is known."""
    largest = gram_spectrum(run)[-1]
    if not largest.error and largest.value:
        return Measured(samples(run) / largest.value)
    return run.reals.measured(samples(run) / run.number(largest))


def _step_margin(run: Run) -> Measured | None:
    """Return the room that the step leaves, exactly where delta^2 is rational."""
    if run.step_size is None:
        return None
    square, room = _squared_scale(branch_scale(run)), _room(run)
    if square is not None and room.value is not None and not room.error:
        return Measured(room.value / (square * run.depth) - run.step_size)
    return run.reals.measured(largest_step_size(run) - run.number(run.step_size))


def _squared_scale(scale: Fraction | Power) -> Fraction | None:
    """Return delta^2 where its form says that it is rational."""
    if isinstance(scale, Fraction):
        return scale**2
    twice = 2 * scale.exponent
    return scale.base ** int(twice) if twice.denominator == 1 else None


def predict(run: Run) -> list[Prediction]:
    """Return the envelope, the norms from both sides, the increments and the rate."""
    spectrum, step = gram_spectrum(run), run.number(run.step_size or Fraction(0))
    least, scale = run.number(spectrum[0]), run.reals.number(branch_scale(run))
    size = run.reals.sqrt(CONSTANTS.squared_size(least / samples(run)))
    factor = 1 - RATE * step * scale * scale * run.depth * least / samples(run)
    increments = SPREAD * largest_increment(run) + _slope(run, size)
    start = run.number(run.loss[0])
    bounds: list[Prediction] = [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            [run.reals.measured(start * factor ** (2 * s)) for s in run.steps],
            latex=r"J_s \le \left( 1 - \frac{4}{7} \frac{\eta \delta^2 L \lambda_0}{N} \right)^{2 s} J_0",
        ),
        *weights_in_depth(
            run,
            size,
            increments,
            r"1.06 \delta L \max_k \|A_{k+1}(0) - A_k(0)\|_F + 1.2 \frac{c^2}{L} \sqrt{N / \Lambda}",
        ),
    ]
    return [*bounds, Rate(-2 * run.reals.log(factor) / step, "rate of the bound")] if run.step_size else bounds


def _slope(run: Run, size: Real) -> Real:
    """Return the part of the increments' bound that the start does not enter."""
    return SLOPE * size * size * run.reals.sqrt(run.number(_room(run))) / run.depth


# J(0) = 1.25e-6, 1.6e-5 and 1.6e-5, below the thresholds 3.3e-6 and 8.3e-5.
_PAIR_LABELS = [["1001/1000", "3/5"], ["2/1000", "8/10"]]
_ORTHONORMAL_LABELS = [["6/10", "-8/10"], ["808/1000", "6/10"]]
_SMALL = {"scheme": "gaussian", "seed": 3, "scale": "1/500"}
_DESCENT = {"name": "gradient_descent", "step_size": "largest", "stop": {"steps": 12}}

examples = [
    Example(
        "two samples at depth 16, to 40 digits",
        "consistent",
        residual_run(
            PAIR,
            _PAIR_LABELS,
            16,
            "power(16,-1/2)",
            dynamics=_DESCENT,
            backend={"name": "ball", "digits": 40},
        ),
    ),
    Example(
        "the exponent seven tenths and a random start",
        "consistent",
        residual_run(ORTHONORMAL, _ORTHONORMAL_LABELS, 3, "power(3,-7/10)", start=_SMALL, dynamics=_DESCENT),
    ),
    Example(
        "a branch scale above one over the root of the depth, half the step, in double precision",
        "consistent",
        residual_run(
            ORTHONORMAL,
            _ORTHONORMAL_LABELS,
            2,
            "power(2,-1/4)",
            activation="arctan",
            dynamics={**_DESCENT, "step_size": "2/3"},
            backend={"name": "float64"},
        ),
    ),
    *descent_controls(push="101/100", saturated="49/10"),
]
