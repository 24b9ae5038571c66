r"""One step of descent contracts the error of layers that need not commute, up to terms with two gradients or more.

Claim
    Let $A_{j} = W_{L} \cdots W_{j+1}$, $B_{j} = W_{j-1} \cdots W_{1}$, $T(Y) = \sum_{j} A_{j} A_{j}^{T} Y B_{j}^{T} B_{j}$ and let
    $G_{j} = A_{j}^{T} E B_{j}^{T}$ be the gradients. A step of descent gives $E^{+} = E - \eta T(E) + H$, where $H$ is the sum
    over the sets $K$ of at least two layers of $(- \eta)^{| K |}$ times the product with $G_{k}$ in place of $W_{k}$ for
    the layers of $K$. The map T is symmetric, $\operatorname{tr} (Y^{T} T(Y)) = \sum_{j} | A_{j}^{T} Y B_{j}^{T} |^{2}$ is
    $L m^{2L-2} | Y |^{2}$ plus terms that are at least zero where all singular values are at least $m$, and
    $| E - \eta T(E) |^{2} = | E |^{2} - \eta \sum_{j} | G_{j} |^{2} - \eta R$, where
    $R = (1 - \eta L M^{2L-2}) \sum_{j} | G_{j} |^{2} + \eta \sum_{i < j} | C_{i} - C_{j} |^{2} - \eta L \sum_{j} S_{j}$ with
    $C_{j} = A_{j} G_{j} B_{j}$, $S_{j} = | C_{j} |^{2} - M^{2L-2} | G_{j} |^{2}$ a sum of terms that are at most zero where all
    singular values are at most $M$. So $| E - \eta T(E) |^{2} \le (1 - \eta L m^{2L-2}) | E |^{2}$ for $\eta L M^{2L-2} \le 1$.

Source
    Bartlett, Helmbold and Long (2018), with the constants worked out for this project.

Scope
    The identities are proved at the depths asked for, for every m and M and layers of every width. Not proved by
    machine: that $\operatorname{tr} (Y^{T} C Y) \ge 0$ for a symmetric C without negative eigenvalues, that
    $W W^{T} - m^{2} I$ and $W^{T} W - m^{2} I$ are such for square W with singular values of at least m (their negatives with M
    for at most M), and the bound of H by its number of terms, $\frac{1}{k!} L^{k}$ at most with k gradients. The check is a run
    near the identity, where these bounds add up to a geometric rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Definitions, Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.squared_norms import excess
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    frobenius_inner,
    matrix,
    multiply,
    squared_frobenius_norm,
    zero,
)

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "Theorem 1",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (1, 2, 3)

ETA, LEAST, MOST = Polynomial.symbol("eta"), Polynomial.symbol("m") ** 2, Polynomial.symbol("M") ** 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the step of the error, the map T and its bounds, and the inequality as an identity."""
    network = linear_network(depth, widths)
    gradients = [calculus.gradient(network.loss, layer) for layer in network.layers]
    yield step_of_error(calculus, network, gradients)
    for j, (layer, gradient) in enumerate(zip(network.layers, gradients, strict=True), start=1):
        slope = Letter(f"G_{j}", layer.rows, layer.columns)
        factored = network.above(j).T @ network.error @ network.below(j).T
        yield Identity(f"gradient of layer {j}", matrix(slope), factored, ((slope, gradient),))
    yield from bounds(network)
    yield from inequality(network)


def linear_map(network: NetworkWords, argument: MatrixPolynomial) -> MatrixPolynomial:
    """Return T of a matrix."""
    total = zero(argument.rows, argument.columns)
    for j in range(1, network.depth + 1):
        above, below = network.above(j), network.below(j)
        total = total + above @ above.T @ argument @ below.T @ below
    return total


def step_of_error(calculus: Calculus, network: NetworkWords, gradients: Sequence[MatrixPolynomial]) -> Identity:
    """Return what a step makes of the error, with all terms of second and higher order."""
    slopes = [Letter(f"G_{j}", layer.rows, layer.columns) for j, layer in enumerate(network.layers, start=1)]
    step = {w: matrix(w) - ETA * matrix(g) for w, g in zip(network.layers, slopes, strict=True)}
    after = Letter("E+", network.target.rows, network.target.columns)
    where: Definitions = (
        *zip(slopes, gradients, strict=True),
        (after, calculus.substitute(network.error, step)),
    )
    claimed = network.error - ETA * linear_map(network, network.error)
    for size in range(2, network.depth + 1):
        for chosen in combinations(range(network.depth), size):
            factors = [slopes[k] if k in chosen else layer for k, layer in enumerate(network.layers)]
            product = multiply([matrix(factor) for factor in reversed(factors)], network.target.rows)
            claimed = claimed + (-1) ** size * ETA**size * product
    return Identity("step of the error", matrix(after), claimed, where)


def bounds(network: NetworkWords) -> Iterator[Identity]:
    """Yield that T is symmetric, and its quadratic form with what it exceeds a multiple of the square by."""
    first, second = (matrix(Letter(name, network.target.rows, network.target.columns)) for name in ("Y", "Z"))
    image = linear_map(network, first)
    turned = frobenius_inner(first, linear_map(network, second))
    yield Identity("T is symmetric", frobenius_inner(image, second), turned)
    squares, more = TracePolynomial({}), TracePolynomial({})
    for j in range(1, network.depth + 1):
        left, right = factors_beside(network, j)
        squares = squares + squared_frobenius_norm(network.above(j).T @ first @ network.below(j).T)
        more = more + excess(first, left, right, LEAST)
    form = frobenius_inner(first, image)
    yield Identity("quadratic form of T", form, squares)
    least = squared_frobenius_norm(first) * (network.depth * LEAST ** (network.depth - 1))
    yield Identity("quadratic form and its bound", form, least + more)


def factors_beside(network: NetworkWords, j: int) -> tuple[list[MatrixPolynomial], list[MatrixPolynomial]]:
    """Return the layers above and below layer j, those first that meet the error first."""
    above = [network.layer(i) for i in range(network.depth, j, -1)]
    return above, [network.layer(i) for i in range(1, j)]


def inequality(network: NetworkWords) -> Iterator[Identity]:
    """Yield the square of the first-order part of the step as a decrease and a remainder of one sign."""
    depth, error = network.depth, matrix(Letter("E", network.target.rows, network.target.columns))
    images, slopes, overshoot = [], TracePolynomial({}), TracePolynomial({})
    for j in range(1, depth + 1):
        gradient = network.above(j).T @ error @ network.below(j).T
        images.append(network.above(j) @ gradient @ network.below(j))
        slopes = slopes + squared_frobenius_norm(gradient)
        left, right = factors_beside(network, j)
        up, down = [w.T for w in reversed(left)], [w.T for w in reversed(right)]
        more = excess(gradient, up, down, MOST)
        grown = squared_frobenius_norm(gradient) * MOST ** (depth - 1)
        yield Identity(f"image of the gradient of layer {j}", squared_frobenius_norm(images[-1]), grown + more)
        overshoot = overshoot + more
    spread = TracePolynomial({})
    for one, other in combinations(images, 2):
        spread = spread + squared_frobenius_norm(one - other)
    rest = slopes * (1 - depth * ETA * MOST ** (depth - 1)) + spread * ETA - overshoot * (depth * ETA)
    first_order = error - ETA * linear_map(network, error)
    claimed = squared_frobenius_norm(error) - slopes * ETA - rest * ETA
    yield Identity("square of the first-order part", squared_frobenius_norm(first_order), claimed)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent near the identity, which contracts at the rate."""
    return experiment(depth, {"rows": [["1", "1/16"], ["-1/20", "1"]]}, f"1/{2 * depth}")


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent of at least two layers to a target far from the identity."""
    run = experiment(max(2, depth), {"rows": [["1/10", "0"], ["0", "-1/2"]]}, f"1/{2 * max(2, depth)}")
    return {**run, "without": ["near_identity"]}


def experiment(depth: int, target: dict[str, Any], step_size: str) -> dict[str, Any]:
    """Return a descent of 2 x 2 layers from the identity."""
    return {
        "theorem": "near_identity",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": target, "normalisation": "half"},
            "start": {"scheme": "identity"},
        },
        "dynamics": {"name": "gradient_descent", "step_size": step_size, "stop": {"steps": 40}},
        "backend": {"name": "ball", "digits": 30},
    }
