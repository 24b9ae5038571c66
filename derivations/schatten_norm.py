r"""Among all factorisations of a matrix the balanced ones have the least sum of squares, a Schatten quasi-norm.

Claim
    Let $D_{j} = W_{j+1}^{T} W_{j+1} - W_{j} W_{j}^{T}$. Along $\dot{W}_{j} = X W_{j}$, $\dot{W}_{j+1} = - W_{j+1} X$ the
    product $W = W_{L} \cdots W_{1}$ stays and $\frac{1}{2} \sum_{i} |W_{i}|^{2}$ moves by $- \operatorname{tr}(X D_{j})$,
    which is negative for $X = D_{j} \neq 0$: a least sum is balanced. With the gradient $H_{j}$ of any loss of $W$ plus
    $\frac{\lambda}{2} \sum_{i} |W_{i}|^{2}$, $W_{j+1}^{T} H_{j+1} - H_{j} W_{j}^{T} = \lambda D_{j}$, so stationary points
    are balanced. On balanced layers $W^{T} W = (W_{1}^{T} W_{1})^{L}$ and
    $|W_{j+1}|^{2} - |W_{j}|^{2} = \operatorname{tr} D_{j} = 0$: the sum is
    $L \operatorname{tr} (W^{T} W)^{1/L} = L \sum_{r} \sigma_{r}^{2/L}$. For two layers
    $|W_{2}^{T} U|^{2} + |W_{1} V|^{2} - 2 \operatorname{tr}(U^{T} W_{2} W_{1} V) = |W_{2}^{T} U - W_{1} V|^{2}$.
    For numbers it is the inequality of the means.

Source
    Arora, Cohen and Hazan (2018) for the setting; worked out for this project.

Scope
    Proved at the depths asked for, for any widths. Not proved by machine: that a least sum exists (the fibre is closed,
    and the sum grows without bound on it), and that a positive matrix has one positive root of order L. For two layers
    take $U$, $V$ with orthonormal columns from the singular value decomposition: the trace is then the nuclear norm,
    and $|W_{2}^{T} U| \le |W_{2}|$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity
from workbench.symbolic.means import means
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import balanced
from workbench.symbolic.words import (
    Letter,
    TracePolynomial,
    Width,
    matrix,
    squared_frobenius_norm,
    trace,
    zero,
)

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "setting; worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2, 3, 4)
least_depth = 2

HALF = Fraction(1, 2)
LAMBDA = Polynomial.symbol("lambda")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield that a least sum and a stationary point are balanced, and the sum there."""
    network = linear_network(depth, widths)
    yield from along_the_fibre(network)
    yield from stationary(calculus, network)
    yield from at_balance(network)
    if depth == 2:
        yield nuclear(network)
    yield means(depth)


def sum_of_squares(network: NetworkWords) -> TracePolynomial:
    """Return half the sum of the layers' squared norms."""
    total = TracePolynomial({})
    for layer in network.layers:
        total = total + squared_frobenius_norm(matrix(layer)) * HALF
    return total


def along_the_fibre(network: NetworkWords) -> Iterator[Identity]:
    """Yield how the product and the sum move when two neighbours are changed against each other."""
    for j in range(1, network.depth):
        lower, upper = network.layers[j - 1], network.layers[j]
        mixing = matrix(Letter("X", lower.rows, lower.rows))
        moving = {lower: mixing @ matrix(lower), upper: -(matrix(upper) @ mixing)}
        still = zero(network.target.rows, network.target.columns)
        yield Identity(f"product along X at {j}", network.end_to_end.derivative(moving), still)
        change = sum_of_squares(network).derivative(moving)
        yield Identity(f"sum along X at {j}", change, -trace(mixing @ network.defect(j)))


def stationary(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the balance that the gradients of any penalised loss of W imply, layer by layer."""
    loss, decay = network.general_loss, LAMBDA * sum_of_squares(network)
    slopes = [calculus.gradient(loss, layer) + calculus.gradient(decay, layer) for layer in network.layers]
    names = [Letter(f"H_{j}", layer.rows, layer.columns) for j, layer in enumerate(network.layers, start=1)]
    where = tuple(zip(names, slopes, strict=True))
    for j in range(1, network.depth):
        lower, upper = network.layer(j), network.layer(j + 1)
        left = upper.T @ matrix(names[j]) - matrix(names[j - 1]) @ lower.T
        yield Identity(f"balance of layers {j} and {j + 1}", left, LAMBDA * network.defect(j), where[j - 1 : j + 1])


def at_balance(network: NetworkWords) -> Iterator[Identity]:
    """Yield the power that W^T W is of the first layer's, and that the layers' norms are equal."""
    whole, first = network.end_to_end, network.layer(1)
    power = (first.T @ first) ** network.depth
    yield Identity("power of the first layer", whole.T @ whole, power, under=balanced(network.layers, "first"))
    for j in range(1, network.depth):
        gap = squared_frobenius_norm(network.layer(j + 1)) - squared_frobenius_norm(network.layer(j))
        yield Identity(f"norms of layers {j} and {j + 1}", gap, trace(network.defect(j)))


def nuclear(network: NetworkWords) -> Identity:
    """Return the square that is left of the sum of two layers, for any U and V."""
    lower, upper = network.layer(1), network.layer(2)
    u, v = (matrix(Letter(name, width, "r")) for name, width in (("U", upper.rows), ("V", lower.columns)))
    outer, inner = upper.T @ u, lower @ v
    left = squared_frobenius_norm(outer) + squared_frobenius_norm(inner) - 2 * trace(u.T @ upper @ lower @ v)
    return Identity("two layers as a square", left, squared_frobenius_norm(outer - inner))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from balanced layers, whose sum of squares stays the quasi-norm."""
    return experiment(depth, ["1"] * depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from layers of which one is twice, one half as large."""
    return {**experiment(depth, ["2", "1/2", *["1"] * (depth - 2)]), "without": ["balanced_start"]}


def experiment(depth: int, entries: Sequence[str]) -> dict[str, Any]:
    """Return a flow of multiples of the 2 x 2 identity towards a target that is not symmetric."""
    return {
        "theorem": "schatten_norm",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[[entry, "0"], ["0", entry]] for entry in entries]},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1/2"}},
        "backend": {"name": "ball", "digits": 20},
    }
