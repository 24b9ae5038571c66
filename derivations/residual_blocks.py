r"""Gradient flow on linear residual blocks conserves the balancedness of the blocks with their skips.

Claim
    Let $W_{j} = I + \delta A_{j}$ and let only the $A_{j}$ move, by $\dot{A}_{j} = -\partial \ell / \partial A_{j}$.
    Then $D_{j} = W_{j+1}^{T} W_{j+1} - W_{j} W_{j}^{T} = \delta (A_{j+1} + A_{j+1}^{T} - A_{j} - A_{j}^{T}) + \delta^{2} (A_{j+1}^{T} A_{j+1} - A_{j} A_{j}^{T})$
    is constant, $1 \le j < L$, for every differentiable loss of the end-to-end matrix. With $\delta = 1/L$ these are
    the blocks $I + A_{j} / L$.

Source
    Marcotte, Gribonval and Peyre (2025) for blocks with skips in general; this form is worked out for this project.

Scope
    Proved for any loss with gradient G, block by block at the depths asked for and once at depth j + 1 or more
    through the letters above and below the two blocks. Linear blocks of constant width: no activation. Existence of
    the flow is supposed. Descent does not conserve it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus, Loss, OpaqueLoss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import residual_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, Width, identity, matrix, zero

source = {
    "authors": "Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    "year": 2025,
    "title": "Transformative or conservative? Conservation laws for ResNets and transformers",
    "where": "arXiv:2506.06194",
    "locator": "linear form, worked out for this project",
    "url": "https://arxiv.org/abs/2506.06194",
}
# Depth 4 by default would take half a minute, and the chain of letters covers every depth.
depths = (2, 3)
least_depth = 2
shape = "square"

DELTA = Polynomial.symbol("delta")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield that the derivative of each defect along the flow is zero."""
    network = residual_network(depth, widths[0])
    blocks = network.branches
    for j in range(1, depth):
        yield from laws(calculus, network.general_loss, (blocks[j - 1], blocks[j]), f"of blocks {j} and {j + 1}")
    first, second, above, below = (Letter(name, widths[0], widths[0]) for name in ("A_j", "A_{j+1}", "M", "N"))
    pair = [identity(widths[0]) + DELTA * matrix(branch) for branch in (second, first)]
    argument = matrix(above) @ pair[0] @ pair[1] @ matrix(below)
    general = OpaqueLoss(argument, Letter("G", widths[0], widths[0]))
    yield from laws(calculus, general, (first, second), "at every depth by every loss")


def laws(calculus: Calculus, loss: Loss, pair: tuple[Letter, Letter], which: str) -> Iterator[Identity]:
    """Yield the defect's form in the branches and that it is conserved."""
    width = pair[0].rows
    lower, upper = (identity(width) + DELTA * matrix(branch) for branch in pair)
    moving = Letter("dot D", width, width)
    value = upper.T @ upper - lower @ lower.T
    first, second = (matrix(branch) for branch in pair)
    linear = second + second.T - first - first.T
    branches = DELTA * linear + DELTA**2 * (second.T @ second - first @ first.T)
    blocks = [Letter(branch.name.replace("A", "W"), width, width) for branch in pair]
    defect = matrix(blocks[1]).T @ matrix(blocks[1]) - matrix(blocks[0]) @ matrix(blocks[0]).T
    yield Identity(f"defect {which}", defect, branches, tuple(zip(blocks, (lower, upper), strict=True)))
    change = calculus.lie_derivative(value, calculus.flow(loss, pair))
    yield Identity(f"conservation {which}", matrix(moving), zero(width, width), ((moving, change),))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of residual blocks, which must conserve the defects."""
    return experiment(depth, {"name": "gradient_flow", "stop": {"time": "1/2"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent, which must not."""
    descent = {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 10}}
    return {**experiment(depth, descent), "without": ["gradient_flow"]}


def experiment(depth: int, dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of residual blocks of width 2 towards a target that is not symmetric."""
    return {
        "theorem": "residual_balancedness",
        "problem": {
            "network": {
                "kind": "residual",
                "width": 2,
                "depth": depth,
                "activation": "identity",
                "branch_scale": f"1/{depth}",
            },
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": dynamics,
        "backend": {"name": "mp", "digits": 20},
    }
