r"""Along the gradient flow the rescaled weights of a residual network keep a bounded variation in depth, of every order.

Statement
    In the setting and notation of `residual_linear_convergence_larger_loss`, $c = \frac{1}{10} \sqrt{\lambda_0 / N}$, let $B_k = \delta L A_k$ and
    $V_p(B) = \sup (\sum_j \|B_{i_{j+1}} - B_{i_j}\|_F^p)^{1/p}$ over all partitions of the layers. If $\|A_k(0)\|_2 \le \frac{c}{2 \delta L}$ and $J(0) \le \lambda_0^3 / (4000 N^3)$, then for every order $p \ge 1$ and every $t \ge 0$
    $$V_p(B(t)) \le 1.12 \left( V_p(B(0)) + c^2 \frac{L - 1}{L} \right) .$$
    From zero weights the total variation $V_1$ is thus bounded at every depth, and $B_{\lfloor s L \rfloor}$ is Lipschitz in $s$ up to the mesh: limits exist along subsequences of depths, and are Lipschitz. From independent entries of size $L^{-1/2}$ in $B(0)$ it is
    $V_2$ that stays bounded: every limit of the trained weights has finite 2-variation.

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
    activation: of softplus, of slope one half at zero, a random search found no violation; ReLU and others that are not twice continuously differentiable have no flow here
    gram_positive: with $\lambda_0 = 0$ the hypothesis on the loss leaves a loss of zero alone, where nothing moves

Standing
    explicit (proof below), worked out for this project. The paper's abstract (v4) has finite 2-variation of the limit, if there is one (recalled); its first version had a Hoelder limit that exists.
    The controls of `setting`, `branch_scale`, `unit_inputs` and `initial_weights` start where tanh is flat, so that one layer moves and its neighbour does not.

Proof
    For any layers $j < k$ that theorem gives $\|B_k(t) - B_j(t)\|_F \le 1.12 (\|B_k(0) - B_j(0)\|_F + c^2 \frac{k-j}{L})$. Along a partition take the norm of order $p$ of both sides. By Minkowski's inequality the right side is at most
    $1.12 ((\sum_j \|B_{i_{j+1}}(0) - B_{i_j}(0)\|_F^p)^{1/p} + c^2 (\sum_j (\frac{i_{j+1} - i_j}{L})^p)^{1/p})$, and the last sum of order $p$ is at most that of order one, $\frac{L-1}{L}$.
    Each point ends at most two steps of a partition, so $V_2(B(0))^2 \le 4 \sum_k \|B_k(0)\|_F^2$, which for independent entries of size $L^{-1/2}$ is bounded in the mean and concentrates. *Lipschitz.* From zero weights neighbouring points differ by at most $1.12 c^2 / L$.

Notes
    Minkowski's inequality loses less than the squares of a sum do: for $p = 2$ the bound is smaller than $\sqrt{2 (V_2(B(0))^2 + c^4)}$ by a factor of up to $\sqrt{2}$. The verdict is on $p = 1$ and $p = 2$.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems import residual_linear_convergence_larger_loss as convergence
from workbench.theorems._residual_convergence import least_eigenvalue, samples
from workbench.theorems._residual_runs import ORTHONORMAL, PAIR, residual_run, variation_controls
from workbench.theorems._sources import CONT_2022

source = CONT_2022.at("2-variation of the trained weights in depth, worked out for this project")
observes = ("loss", "branch_norm", "branch_spectral_norm", "p_variation", "two_variation")
tight = False


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return convergence.hypotheses(run)


def predict(run: Run) -> list[Bound]:
    """Return the bounds of the total variation and of the 2-variation."""
    square = run.number(least_eigenvalue(run)) / samples(run) / 100
    drift = square * Fraction(run.depth - 1, run.depth)
    return [
        Bound(
            name,
            label,
            run.observable(observed),
            [run.reals.measured(convergence.SPREAD * (run.number(run.observable(observed)[0]) + drift))]
            * len(run.steps),
            latex=rf"V_{order}(B(t)) \le 1.12 \left( V_{order}(B(0)) + c^2 \frac{{L - 1}}{{L}} \right)",
            quantity=label,
        )
        for name, label, observed, order in (
            ("total_variation", "total variation in depth", "p_variation", 1),
            ("two_variation", "2-variation in depth", "two_variation", 2),
        )
    ]


_PAIR_LABELS = [["1001/1000", "3/5"], ["2/1000", "8/10"]]
_ORTHONORMAL_LABELS = [["6/10", "-8/10"], ["808/1000", "6/10"]]

examples = [
    Example(
        "two samples at depth 16 from zero, enclosed",
        "consistent",
        residual_run(PAIR, _PAIR_LABELS, 16, "power(16,-1/2)", time="1/8"),
    ),
    Example(
        "a random start, enclosed",
        "consistent",
        residual_run(
            ORTHONORMAL,
            _ORTHONORMAL_LABELS,
            4,
            "power(4,-7/10)",
            start={"scheme": "gaussian", "seed": 3, "scale": "1/500"},
            time="1",
        ),
    ),
    Example(
        "in double precision",
        "consistent",
        residual_run(ORTHONORMAL, _ORTHONORMAL_LABELS, 3, "power(3,-1/4)", time="1/2", backend={"name": "float64"}),
    ),
    *variation_controls(push="101/100"),
]
