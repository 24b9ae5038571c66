r"""Gradient flow conserves the balancedness of neighbouring layers.

Claim
    Along $\dot{W}_{j} = -\partial \ell / \partial W_{j}$ each $D_{j} = W_{j+1}^{T} W_{j+1} - W_{j} W_{j}^{T}$ is
    constant, $1 \le j < L$, for every differentiable loss of the end-to-end matrix.

Source
    Arora, Cohen and Hazan (2018); Du, Hu and Lee (2018).

Scope
    Proved for the square loss at the depths and widths asked for, and for any loss with gradient G at depth j + 1
    or more through the letters above and below the two layers. Existence of the flow is supposed. Conservation in
    arithmetic with rounding is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import conserved_run, drifting_run
from workbench.symbolic.calculus import Calculus, Loss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network, opaque_chain
from workbench.symbolic.words import Letter, Width, matrix, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1; Du, Hu, Lee 2018",
    "url": "https://arxiv.org/abs/1802.06509",
}
least_depth = 2


_BACKEND = {"name": "mp", "digits": 30}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield that the derivative of each defect along the flow is zero."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield conserved(calculus, network, network.loss, j, f"D_{j} is conserved")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield conserved(calculus, chain, chain.general_loss, 2, "D_j is conserved at every depth by every loss")


def conserved(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, name: str) -> Identity:
    """Return the claim that the defect of layers j and j+1 has derivative zero."""
    lower, upper = network.layers[j - 1], network.layers[j]
    velocity = {layer: Letter(f"dot {layer.name}", layer.rows, layer.columns) for layer in (lower, upper)}
    change = calculus.lie_derivative(network.defect(j), {layer: matrix(v) for layer, v in velocity.items()})
    flow = calculus.flow(loss, (lower, upper))
    moving = Letter(lower.name.replace("W", "dot D", 1), lower.rows, lower.rows)
    where = ((velocity[lower], flow[lower]), (velocity[upper], flow[upper]), (moving, change))
    return Identity(name, matrix(moving), zero(lower.rows, lower.rows), where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow that must conserve the defects."""
    return conserved_run(widths, _BACKEND)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return descent with a large step, which must not."""
    return drifting_run(widths, _BACKEND)
