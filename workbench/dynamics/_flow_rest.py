r"""Where a flow is at rest, exactly or for good: no step is needed after that.

Lemma (trap).
    Let ||x(0) - y|| <= e and, on the ball of radius e + rho around y, ||grad l||^2 >= 4 c gamma^2 l, gamma > 0. If
    s = ||E(x(0))||_F / gamma < rho, then ||x(t) - y|| <= e + s for all t >= 0.
Proof.
    While x is in the ball, d sqrt(l) / dt = -||grad l||^2 / (2 sqrt(l)) <= -sqrt(c) gamma ||grad l||, so that the
    length of the path, int ||grad l|| dt, is at most sqrt(l(x(0))) / (sqrt(c) gamma) = s < rho: it never leaves.

For a deep linear network without inputs grad_i = 2c A_i^T E B_i^T, A_i the layers above, B_i those below, and
||A^T E B^T||_F >= s(A) s(B) ||E||_F where A has full row rank, B full column rank, s their smallest singular values:
gamma^2 is the sum of s(A_i)^2 s(B_i)^2 over the layers where the shapes allow these ranks.
"""

from __future__ import annotations

from typing import Any

from workbench.backends import load
from workbench.backends.ball import flint
from workbench.backends.ball_algebra import singular_values
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._error_bounds import spread_evenly
from workbench.errors import WorkbenchError
from workbench.networks import Built, Parameters, build
from workbench.problem import LinearNetwork, Problem, ResidualNetwork

# More digits in the weights than this are no start of a saddle that somebody wrote down.
_MOST_ENTRIES = 4096


def starts_at_rest(problem: Problem) -> bool:
    """Say whether the gradient at the start is zero, decided in rationals; False where they cannot tell."""
    network = problem.network
    if isinstance(network, ResidualNetwork) and network.activation != "identity":
        return False
    if sum(rows * columns for rows, columns in network.shapes) > _MOST_ENTRIES:
        return False
    exact = load("exact")
    try:
        built = build(problem, exact)
        gradients = built.loss_and_gradients(built.parameters)[1]
    except WorkbenchError:
        # A named root or power is no rational: the rest is then not exact, or not shown.
        return False
    return all(x.value == 0 for g in gradients for row in exact.entries(g) for x in row)


def trapped(network: Built, point: Parameters, error: Any) -> Any | None:
    """Return the lemma's bound of ||x(t) - y|| for all later times; None where its hypotheses are not shown."""
    problem = network.problem
    if not isinstance(problem.network, LinearNetwork) or problem.loss.inputs is not None:
        return None
    module = flint()
    residual = frobenius(network.residual(tuple(spread_evenly(module, p, error) for p in point)))
    # Any radius is allowed: this one is far beyond the path's length where the residual is small, and harmless.
    reach = residual.sqrt() if residual < 1 else module.arb(1)
    ball = tuple(spread_evenly(module, p, (error + reach).upper()) for p in point)
    gamma = _coercivity(ball, problem.network)
    if not gamma > 0:
        return None
    length = (residual / gamma).upper()
    return (error + length).upper() if length < reach or length.is_zero() else None


def _coercivity(ball: Parameters, network: LinearNetwork) -> Any:
    """Return a lower bound of gamma on a ball of weights."""
    total, widths = flint().arb(0), network.widths
    for i in range(network.depth):
        if widths[i + 1] < widths[-1] or widths[i] < widths[0]:
            continue
        above = _smallest(ball[i + 1 :])
        below = _smallest(ball[:i])
        total += (above * below) ** 2
    return total.sqrt().lower() if total > 0 else flint().arb(0)


def _smallest(layers: Parameters) -> Any:
    """Return a lower bound of the smallest singular value of a product of layers, one for none."""
    if not layers:
        return flint().arb(1)
    product = layers[0]
    for layer in layers[1:]:
        product = layer * product
    least = singular_values(product)[-1].lower()
    return least if least > 0 else flint().arb(0)
