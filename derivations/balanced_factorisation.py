r"""The layers made of roots of the polar form multiply to the matrix, are balanced, and share its singular values.

Claim
    Let $Q$ be orthogonal, $S$ symmetric and $W_{j} = Q^{j} S Q^{1-j}$, which for $W = Q^{L} S^{L}$ is
    $R^{j/L} P^{1/L} R^{(1-j)/L}$ with $R = Q^{L}$, $P = S^{L}$. Then $W_{L} \cdots W_{1} = Q^{L} S^{L}$,
    $W_{j+1}^{T} W_{j+1} = W_{j} W_{j}^{T}$ and $W_{j}^{T} W_{j} = Q^{j-1} S^{2} Q^{1-j}$, which is similar to $S^{2}$.
    With $A_{j} = W_{L} \cdots W_{j+1}$, $B_{j} = W_{j-1} \cdots W_{1}$ it is
    $A_{j} A_{j}^{T} = Q^{L} S^{2(L-j)} Q^{-L}$, $B_{j}^{T} B_{j} = S^{2(j-1)}$, and the gradient is
    $G_{j} = Q^{j} S^{L-j} Q^{-L} E S^{j-1} Q^{1-j}$.

Source
    Bartlett, Helmbold and Long (2018).

Scope
    Proved at the depths asked for and every width, by rewriting with $Q Q^{T} = Q^{T} Q = I$. Not proved by machine:
    that a matrix with a positive quadratic form has a polar form whose orthogonal factor has a real orthogonal L-th
    root, that its positive factor has a positive one, and that similar symmetric matrices have equal eigenvalues. The
    check is the flow from such a start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.rotation import product
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.restrictions import polar_factors
from workbench.symbolic.words import Letter, Width, matrix

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "power projection",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (2, 3, 4)
least_depth = 2
shape = "square"


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the product, the balance, the singular values, the outer products and the gradients."""
    network = linear_network(depth, widths)
    width = network.target.rows
    polar = polar_factors(network.layers, network.target)
    q, s = matrix(Letter("Q", width, width)), matrix(Letter("S", width, width, symmetric=True))
    error = q**depth @ s**depth - matrix(network.target)
    yield Identity("product", network.end_to_end, q**depth @ s**depth, under=polar)
    for j in range(1, depth):
        upper, lower = network.layer(j + 1), network.layer(j)
        yield Identity(f"balance of layers {j} and {j + 1}", upper.T @ upper, lower @ lower.T, under=polar)
    for j, layer in enumerate(network.layers, start=1):
        turned = q ** (j - 1) @ s**2 @ q.T ** (j - 1)
        yield Identity(f"singular values of layer {j}", matrix(layer).T @ matrix(layer), turned, under=polar)
        above, below = network.above(j), network.below(j)
        outer = q**depth @ s ** (2 * (depth - j)) @ q.T**depth
        yield Identity(f"outer product above layer {j}", above @ above.T, outer, under=polar)
        yield Identity(f"outer product below layer {j}", below.T @ below, s ** (2 * (j - 1)), under=polar)
        slope = Letter(f"G_{j}", width, width)
        where = ((slope, calculus.gradient(network.loss, layer)),)
        factored = q**j @ s ** (depth - j) @ q.T**depth @ error @ s ** (j - 1) @ q.T ** (j - 1)
        yield Identity(f"gradient of layer {j}", matrix(slope), factored, where, polar)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from the balanced factorisation with a rational rotation and the stretch 2, 1, 1, 1 over 2."""
    turn = [[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]]
    back = [list(column) for column in zip(*turn, strict=True)]
    layer = product(turn, [[Fraction(1), Fraction(1, 2)], [Fraction(1, 2), Fraction(1, 2)]])
    layers = [layer]
    for _ in range(depth - 1):
        layer = product(product(turn, layer), back)
        layers.append(layer)
    return experiment(depth, {"scheme": "given", "weights": [[[str(x) for x in row] for row in w] for w in layers]})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from a Gaussian start, which is not balanced."""
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
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1/2"}},
        "backend": {"name": "mp", "digits": 20},
    }
