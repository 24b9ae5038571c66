r"""The squared gradient is a multiple of the loss plus squares weighted by how far singular values are from a bound.

Claim
    The gradients are $G_{j} = A_{j}^{T} E B_{j}^{T}$, $A_{j} = W_{L} \cdots W_{j+1}$, $B_{j} = W_{j-1} \cdots W_{1}$, and for every
    number $m$, $| G_{j} |^{2} - m^{2L-2} | E |^{2}$ is the sum over the other layers of
    $m^{2k} \operatorname{tr} (Y^{T} (W_{i} W_{i}^{T} - m^{2} I) Y)$ for a layer above, $\operatorname{tr} (Y (W_{i}^{T} W_{i} - m^{2} I) Y^{T})$
    for one below, with the partial products $Y$ of $A_{j}^{T} E B_{j}^{T}$ and the number $k$ of layers still to come. Where every
    singular value of every layer is at least $m = 1 - a \ge 0$ no term is negative, so that
    $\sum_{j} | G_{j} |^{2} \ge 2 L (1 - a)^{2L-2} \ell$; where every one is at most $m$ the reverse holds.

Source
    Bartlett, Helmbold and Long (2018), with the constants worked out for this project.

Scope
    The identities are proved at the depths asked for, for every m and layers of every width. Not proved by machine:
    that $W W^{T} - m^{2} I$ and $W^{T} W - m^{2} I$ have no negative eigenvalue where W is square with singular values
    of at least m, that $\operatorname{tr} (Y^{T} C Y) \ge 0$ for such a matrix C, and that $| W - I | \le a$ puts the singular
    values above $1 - a$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import far_from_identity_run, near_identity_run
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.squared_norms import excess
from workbench.symbolic.words import Letter, TracePolynomial, Width, matrix, squared_frobenius_norm

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


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield each gradient, its squared norm, and the sum of these against the loss."""
    network = linear_network(depth, widths)
    square = Polynomial.symbol("m") ** 2
    norms, excesses = TracePolynomial({}), TracePolynomial({})
    error = matrix(Letter("E", network.target.rows, network.target.columns))
    for j, layer in enumerate(network.layers, start=1):
        slope, gradient = Letter(f"G_{j}", layer.rows, layer.columns), calculus.gradient(network.loss, layer)
        factored = network.above(j).T @ network.error @ network.below(j).T
        yield Identity(f"gradient of layer {j}", matrix(slope), factored, ((slope, gradient),))
        left = [network.layer(i) for i in range(depth, j, -1)]
        right = [network.layer(i) for i in range(1, j)]
        more = excess(error, left, right, square)
        norm = squared_frobenius_norm(network.above(j).T @ error @ network.below(j).T)
        least = squared_frobenius_norm(error) * square ** (depth - 1)
        yield Identity(f"squared gradient of layer {j}", norm, least + more)
        norms, excesses = norms + norm, excesses + more
    yield Identity("twice the loss", network.loss * 2, squared_frobenius_norm(network.error))
    bound = squared_frobenius_norm(error) * (depth * square ** (depth - 1))
    yield Identity("sum of the squared gradients", norms, bound + excesses)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent near the identity, which keeps the bound."""
    return near_identity_run(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent far from the identity, which does not."""
    return far_from_identity_run(depth)
