r"""A residual network near zero weights converges at ten times the rate of its Gram matrix.

Statement
    $J(t) \le e^{-40 \delta^2 L t / N} J(0)$.

Hypotheses
    setting: a residual network of constant width, loss $J = \frac{1}{2N} \|h_L(X) - Y\|_F^2$
    activation: $\sigma$ is twice continuously differentiable, $\sigma(0) = 0$, $\sigma'(0) = 1$, $|\sigma'| \le 1$, $|\sigma''| \le 1$: identity, tanh, arctan
    branch_scale: $\delta \ge 1/L$ (for $\delta = L^{-\alpha}$: $\alpha \le 1$); the margin is $\delta L - 1$
    unit_inputs: $\|x_i\| = 1$ for every sample, exactly
    gram_positive: $\lambda_0 > 0$, which forces $N \le d$; the margin is $\lambda_0$
    initial_weights: $\max_k \|A_k(0)\|_2 \le \frac{c}{2 \delta L}$; the margin is the room left
    initial_loss: $J(0) \le \lambda_0^3 / (4000 N^3)$; the margin is the room left
    gradient_flow: the dynamics is the gradient flow, of speed one

Standing
    false: the rate of a Gram matrix of ones is at most 2
"""

from workbench.theorems import Bound
from workbench.theorems import residual_linear_convergence_larger_loss as true

source = true.source
observes = true.observes
examples = []
hypotheses = true.hypotheses


def predict(run):
    problem = run.trajectory.problem
    start = run.number(run.loss[0])
    rate = 40 * run.number(problem.network.branch_scale) ** 2 * run.depth / problem.loss.target.shape[1]
    return [
        Bound(
            "claim",
            "loss against its bound",
            run.loss,
            [start * run.reals.exp(-rate * run.number(t)) for t in run.times],
            latex=r"J(t) \le e^{-40 \delta^2 L t / N} J(0)",
        )
    ]
