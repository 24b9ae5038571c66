r"""Balanced layers give the end-to-end matrix a gradient flow of its own.

Claim
    With $A_{j} = W_{L} \cdots W_{j+1}$ and $B_{j} = W_{j-1} \cdots W_{1}$, gradient flow moves $W = W_{L} \cdots W_{1}$
    by $\dot{W} = -\sum_{j} A_{j} A_{j}^{T} E B_{j}^{T} B_{j}$, $E = W - \Phi$. Where the layers are balanced,
    $(A_{j} A_{j}^{T})^{L} = (W W^{T})^{L-j}$ and $(B_{j}^{T} B_{j})^{L} = (W^{T} W)^{j-1}$.

Source
    Arora, Cohen and Hazan (2018).

Scope
    Proved at the depths and widths asked for, by rewriting with $W_{j+1}^{T} W_{j+1} = W_{j} W_{j}^{T}$. Not proved
    by machine: that a positive semidefinite matrix has one positive semidefinite L-th root, which turns the powers
    into $A_{j} A_{j}^{T} = (W W^{T})^{(L-j)/L}$; that balance lasts is the claim balancedness_flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Definitions, Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.restrictions import balanced
from workbench.symbolic.words import Letter, Width, matrix, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1",
    "url": "https://arxiv.org/abs/1802.06509",
}
least_depth = 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the flow of the product, and the powers of its factors."""
    network = linear_network(depth, widths)
    yield flow_of_product(calculus, network)
    for j in range(1, depth):
        yield power_above(network, j)
        yield power_below(network, j + 1)


def flow_of_product(calculus: Calculus, network: NetworkWords) -> Identity:
    """Return the claim on the velocity of the end-to-end matrix."""
    velocity, error = Letter("dot W", *_shape(network)), Letter("E", *_shape(network))
    moved = calculus.lie_derivative(network.end_to_end, calculus.flow(network.loss, network.layers))
    total = zero(*_shape(network))
    where: Definitions = ((velocity, moved), (error, network.error))
    for j in range(1, network.depth + 1):
        above = Letter(f"A_{j}", network.widths[-1], network.widths[j])
        below = Letter(f"B_{j}", network.widths[j - 1], network.widths[0])
        outer, inner = matrix(above) @ matrix(above).T, matrix(below).T @ matrix(below)
        total = total - outer @ matrix(error) @ inner
        where = (*where, (above, network.above(j)), (below, network.below(j)))
    return Identity("flow of the end-to-end matrix", matrix(velocity), total, where)


def power_above(network: NetworkWords, j: int) -> Identity:
    """Return the claim (A_j A_j^T)^L = (W W^T)^(L-j) of balanced layers."""
    whole = Letter("W", *_shape(network))
    part = Letter(f"A_{j}", whole.rows, network.widths[j])
    where = ((part, network.above(j)), (whole, network.end_to_end))
    left = (matrix(part) @ matrix(part).T) ** network.depth
    right = (matrix(whole) @ matrix(whole).T) ** (network.depth - j)
    return Identity(f"power of A_{j}", left, right, where, balanced(network.layers, "last"))


def power_below(network: NetworkWords, j: int) -> Identity:
    """Return the claim (B_j^T B_j)^L = (W^T W)^(j-1) of balanced layers."""
    whole = Letter("W", *_shape(network))
    part = Letter(f"B_{j}", network.widths[j - 1], whole.columns)
    where = ((part, network.below(j)), (whole, network.end_to_end))
    left = (matrix(part).T @ matrix(part)) ** network.depth
    right = (matrix(whole).T @ matrix(whole)) ** (j - 1)
    return Identity(f"power of B_{j}", left, right, where, balanced(network.layers, "first"))


def _shape(network: NetworkWords) -> tuple[Width, Width]:
    return network.target.rows, network.target.columns


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from the identity, which is balanced."""
    return experiment(depth, {"scheme": "identity"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from a Gaussian start, which is not."""
    return {**experiment(depth, {"scheme": "gaussian", "seed": 1, "scale": "1/2"}), "without": ["balanced_start"]}


def experiment(depth: int, start: dict[str, Any]) -> dict[str, Any]:
    """Return a flow of 2 x 2 layers towards a target that is not symmetric."""
    return {
        "theorem": "end_to_end_flow",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": start,
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1"}},
        "backend": {"name": "mp", "digits": 30},
    }
