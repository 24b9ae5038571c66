r"""Every global minimiser is at least as sharp as a balanced one.

Claim
    Let $W = W_{L} \cdots W_{1} = \Phi$, $A_{j} = W_{L} \cdots W_{j+1}$, $B_{j} = W_{j-1} \cdots W_{1}$ and
    $T(Z) = \sum_{j} A_{j} A_{j}^{T} Z B_{j}^{T} B_{j}$. The second derivative of the loss along $V$ is
    $|\sum_{j} A_{j} V_{j} B_{j}|^{2}$, and along $V_{j} = A_{j}^{T} Z B_{j}^{T}$ it is $|T(Z)|^{2}$ with
    $|V|^{2} = \operatorname{tr}(Z^{T} T(Z)) = \tau$. For $|Z| = 1$ the square of $T(Z) - \tau Z$ gives
    $|T(Z)|^{2} \ge \tau^{2}$, so the sharpness is at least $\tau$; for $Z = u v^{T}$ that is
    $\sum_{j} |A_{j}^{T} u|^{2} |B_{j} v|^{2}$. With $u^{T} W v = (A_{j}^{T} u)^{T} (W_{j} B_{j} v)$ and
    $|p|^{2} |q|^{2} - (p^{T} q)^{2} = \frac{1}{2} |p q^{T} - q p^{T}|^{2}$ the product over $j$ of
    $|A_{j}^{T} u|^{2} |B_{j} v|^{2}$ is at least $(u^{T} W v)^{2 (L-1)}$. For $0 \le y_{1} \le \dots \le y_{L}$,
    $L y_{1} \cdots y_{L} + y_{1}^{L-2} (y_{L} - y_{1})^{2} \le \sum_{j} y_{j}^{L}$. So the sharpness is at least
    $L s_{1}^{2-2/L}$ for the largest singular value $s_{1} = u^{T} W v$.

Source
    Mulayoff and Michaeli (2020); Marion and Chizat (2024); the proof is worked out for this project.

Scope
    Proved at the depths asked for, for any widths and the square loss with whitened inputs. Not proved by machine: that
    the sharpness is the largest second derivative along a unit direction, and the telescoping of the L - 1 products
    $|A_{j}^{T} u| |W_{j} B_{j} v| \ge s_{1}$. Equality needs equal $y_{j}$, and each $A_{j}^{T} u$ along
    $W_{j} B_{j} v$: balance on the leading mode; `balanced_hessian` has the converse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import mul
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity
from workbench.symbolic.means import means
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    frobenius_inner,
    identity,
    matrix,
    squared_frobenius_norm,
    zero,
)

source = {
    "authors": "Rotem Mulayoff, Tomer Michaeli",
    "year": 2020,
    "title": "Unique properties of flat minima in deep networks",
    "where": "ICML 2020; arXiv:2002.04710",
    "locator": "flattest minima; the proof is worked out for this project",
    "url": "https://arxiv.org/abs/2002.04710",
}
depths = (2, 3, 4)
least_depth = 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the second derivative, its bound along one direction, and the inequality of the means."""
    network = linear_network(depth, widths)
    yield from second_derivatives(calculus, network)
    yield from directions(network)
    yield from products(network)
    yield from numbers(calculus, depth)
    yield means(depth)


def end_to_end_change(network: NetworkWords, moving: Sequence[MatrixPolynomial]) -> MatrixPolynomial:
    """Return sum_j A_j V_j B_j."""
    total = zero(network.target.rows, network.target.columns)
    for j, velocity in enumerate(moving, start=1):
        total = total + network.above(j) @ velocity @ network.below(j)
    return total


def steepest(network: NetworkWords, direction: MatrixPolynomial) -> list[MatrixPolynomial]:
    """Return V_j = A_j^T Z B_j^T."""
    return [network.above(j).T @ direction @ network.below(j).T for j in range(1, network.depth + 1)]


def second_derivatives(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the second derivative where the error is zero, along any direction and along V_j = A_j^T Z B_j^T."""
    moving = {m: Letter(f"V_{j}", m.rows, m.columns) for j, m in enumerate(network.layers, start=1)}
    velocities = {layer: matrix(letter) for layer, letter in moving.items()}
    curved = TracePolynomial({})
    for layer, letter in moving.items():
        change = calculus.lie_derivative(calculus.gradient(network.loss, layer), velocities)
        at_minimum = calculus.substitute(change, {network.target: network.end_to_end})
        curved = curved + frobenius_inner(matrix(letter), at_minimum)
    square = squared_frobenius_norm(end_to_end_change(network, list(velocities.values())))
    yield Identity("second derivative", curved, square)
    steep = steepest(network, matrix(Letter("Z", network.target.rows, network.target.columns)))
    along = dict(zip(moving.values(), steep, strict=True))
    image = squared_frobenius_norm(end_to_end_change(network, steep))
    yield Identity("second derivative of T", curved.substitute(along), image)


def directions(network: NetworkWords) -> Iterator[Identity]:
    """Yield the length of that direction, and the bound of ||T(Z)|| as a square."""
    direction, tau = matrix(Letter("Z", network.target.rows, network.target.columns)), Polynomial.symbol("tau")
    steep = steepest(network, direction)
    image = end_to_end_change(network, steep)
    length = sum((squared_frobenius_norm(part) for part in steep), TracePolynomial({}))
    yield Identity("length of the direction", length, frobenius_inner(direction, image))
    square = squared_frobenius_norm(image - tau * direction)
    inner, size = frobenius_inner(direction, image), squared_frobenius_norm(direction)
    rest = squared_frobenius_norm(image) - 2 * tau * inner + tau**2 * size
    yield Identity("bound of the image", square, rest)


def products(network: NetworkWords) -> Iterator[Identity]:
    """Yield the two factors of u^T W v at each layer, the sum that they make, and Cauchy's inequality as a square."""
    u, v = (matrix(Letter(name, width, 1)) for name, width in (("u", network.widths[-1]), ("v", network.widths[0])))
    for j in range(1, network.depth + 1):
        left, right = network.above(j).T @ u, network.layer(j) @ network.below(j) @ v
        yield Identity(f"factors at layer {j}", u.T @ network.end_to_end @ v, left.T @ right)
    p, q = (matrix(Letter(name, "n", 1)) for name in ("p", "q"))
    gap = squared_frobenius_norm(p @ q.T - q @ p.T)
    claimed = 2 * (frobenius_inner(q @ p.T @ p, q) - frobenius_inner(p @ q.T @ p, q))
    yield Identity("Cauchy's inequality", gap, claimed)


def numbers(calculus: Calculus, depth: int) -> Iterator[Identity]:
    """Yield, where layers are numbers, the slopes of the product and that their product is a power of W."""
    network = number_network(depth)
    layers = [Polynomial.symbol(f"w_{j}") for j in range(1, depth + 1)]
    target = Polynomial.symbol("s")
    read = read_as_numbers(network, layers, target)
    whole = reduce(mul, layers)
    slopes = [reduce(mul, [*layers[: j - 1], *layers[j:]]) for j in range(1, depth + 1)]
    for j, layer in enumerate(network.layers, start=1):
        gradient = (Letter(f"G_{j}", 1, 1), calculus.gradient(network.loss, layer))
        right = identity(1) * ((whole - target) * slopes[j - 1])
        yield Identity(f"slope of number {j}", matrix(gradient[0]), right, (gradient,), read)
    yield Identity("product of the slopes", reduce(mul, slopes), whole ** (depth - 1))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a run that rests at an unbalanced minimiser."""
    return experiment(depth, widths, "1")


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a run near the origin, which is flat and no minimiser."""
    return {**experiment(depth, widths, "1/8"), "without": ["at_minimiser"]}


def experiment(depth: int, widths: Sequence[int], scale: str) -> dict[str, Any]:
    """Return a descent with small steps from diagonal layers; at scale 1 their product is the target."""
    entries = ["4", "1", *["2"] * (depth - 2)]
    pairs = zip(pairwise(widths), entries, strict=True)
    layers = [diagonal(r, c, min(widths), str(Fraction(entry) * Fraction(scale))) for (c, r), entry in pairs]
    target = diagonal(widths[-1], widths[0], min(widths), str(2**depth))
    return {
        "theorem": "flattest_minima",
        "problem": {
            "network": {"kind": "linear", "widths": list(widths)},
            "loss": {"kind": "square", "target": {"rows": target}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": layers},
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/4096", "stop": {"steps": 1}},
        "backend": {"name": "ball", "digits": 20},
    }


def diagonal(rows: int, columns: int, count: int, entry: str) -> list[list[str]]:
    """Return a matrix with one number at the first places of its diagonal."""
    return [[entry if r == c < count else "0" for c in range(columns)] for r in range(rows)]
