r"""At layers that are one multiple of the identity the lower bound of the squared gradient is an equality.

Claim
    Let $W_{1} = \dots = W_{L} = (1 - a) I$. Then $G_{j} = (1 - a)^{L-1} E$ for every layer, and
    $\sum_{j} \operatorname{tr} (G_{j}^{T} G_{j}) = 2 L (1 - a)^{2L-2} \ell$ with
    $\ell = \frac{1}{2} \operatorname{tr} (E^{T} E)$.

Source
    Bartlett, Helmbold and Long (2018), with the constants worked out for this project.

Scope
    Proved at the depths asked for, every width and every target. The bound itself, $\ge$ where every singular value
    of every layer is at least $1 - a \ge 0$, is the claim gradient_bound; the check is a run of it. Square layers only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import far_from_identity_run, near_identity_run
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter, TracePolynomial, Width, identity, matrix, squared_frobenius_norm

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "near the identity",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (1, 2, 3, 4)
shape = "square"


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the gradient of each layer and the sum of their squares."""
    network = linear_network(depth, widths)
    width, scale = network.target.rows, 1 - Polynomial.symbol("a")
    multiples = {layer: scale * identity(width) for layer in network.layers}
    read = Restriction(name="all layers are one multiple of the identity", letters=multiples)
    error = scale**depth * identity(width) - matrix(network.target)
    squares = TracePolynomial({})
    for j, layer in enumerate(network.layers, start=1):
        slope, gradient = Letter(f"G_{j}", width, width), calculus.gradient(network.loss, layer)
        left = matrix(slope)
        yield Identity(f"gradient of layer {j}", left, scale ** (depth - 1) * error, ((slope, gradient),), read)
        squares = squares + squared_frobenius_norm(gradient.substitute(multiples))
    loss = network.loss.substitute(multiples)
    yield Identity("sum of squares", squares, 2 * depth * scale ** (2 * depth - 2) * loss)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent near the identity, which keeps the bound."""
    return near_identity_run(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent far from the identity, which does not."""
    return far_from_identity_run(depth)
