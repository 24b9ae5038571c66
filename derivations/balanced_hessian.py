r"""At a global minimiser the Hessian acts on end-to-end directions, and balanced modes give its eigenvalues.

Claim
    Let $E = W - \Phi = 0$ and $V_{j} = A_{j}^{T} Z B_{j}^{T}$ with $A_{j} = W_{L} \cdots W_{j+1}$,
    $B_{j} = W_{j-1} \cdots W_{1}$. The derivative of the gradient $G_{i}$ along $V$ is $A_{i}^{T} T(Z) B_{i}^{T}$,
    $T(Z) = \sum_{j} A_{j} A_{j}^{T} Z B_{j}^{T} B_{j}$, and the flow moves $W$ by $- T(E)$. On equal diagonal layers with
    the entries $x$, $y$ it is $(x^{2} - y^{2}) T(Z)_{12} = (x^{2L} - y^{2L}) Z_{12}$ and
    $T(Z)_{11} = L x^{2L-2} Z_{11}$: with $\sigma = x^{L}$, $\sigma' = y^{L}$ the eigenvalues are
    $(\sigma^{2} - \sigma'^{2}) / (\sigma^{2/L} - \sigma'^{2/L})$ and $L \sigma^{2-2/L}$. For $y = 0$, a row
    or column of zeros as rectangular matrices have, $T(Z)_{12} = x^{2L-2} Z_{12}$: the eigenvalue is $\sigma^{2-2/L}$.

Source
    Arora, Cohen and Hazan (2018) for the flow; the Hessian is worked out for this project.

Scope
    Proved at the depths asked for: the Hessian's action at any widths and without balance, the eigenvalues on two
    modes of equal diagonal layers. Not proved by machine: that singular vectors bring balanced layers to that form,
    that directions of no end-to-end effect have the eigenvalue 0, and the limit of great depth, a logarithmic mean.
    The check is the largest eigenvalue at a balanced minimiser of the widths asked for, enclosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1; the Hessian is worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2, 3, 4)
least_depth = 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the action of the Hessian and the eigenvalues on two modes."""
    network = linear_network(depth, widths)
    yield from hessian(calculus, network)
    yield from modes(calculus, network)


def operator(network: NetworkWords, direction: MatrixPolynomial) -> MatrixPolynomial:
    """Return T(Z) = sum_j A_j A_j^T Z B_j^T B_j."""
    total = zero(direction.rows, direction.columns)
    for j in range(1, network.depth + 1):
        above, below = network.above(j), network.below(j)
        total = total + above @ above.T @ direction @ below.T @ below
    return total


def hessian(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the derivative of each gradient along an end-to-end direction, where the error is zero."""
    minimiser = Restriction(name="the error is zero", letters={network.target: network.end_to_end})
    direction = matrix(Letter("Z", network.target.rows, network.target.columns))
    moving = {
        layer: network.above(j).T @ direction @ network.below(j).T for j, layer in enumerate(network.layers, start=1)
    }
    image = operator(network, direction)
    for i, layer in enumerate(network.layers, start=1):
        change = Letter(f"dot G_{i}", layer.rows, layer.columns)
        value = calculus.lie_derivative(calculus.gradient(network.loss, layer), moving)
        claimed = network.above(i).T @ image @ network.below(i).T
        yield Identity(f"Hessian in layer {i}", matrix(change), claimed, ((change, value),), minimiser)


def modes(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the entries of the end-to-end flow on equal diagonal layers x, y with any error.

    Words do not know their widths, so those of any network are evaluated at 2 x 2 matrices.
    """
    depth = network.depth
    velocity = calculus.lie_derivative(network.end_to_end, calculus.flow(network.loss, network.layers))
    x, y, nothing = Polynomial.symbol("x"), Polynomial.symbol("y"), Polynomial.constant(0)
    error = [[Polynomial.symbol(f"E[{r},{c}]") for c in (1, 2)] for r in (1, 2)]
    matrices = {layer: [[x, nothing], [nothing, y]] for layer in network.layers}
    matrices[network.target] = [[x**depth - error[0][0], -error[0][1]], [-error[1][0], y**depth - error[1][1]]]
    moved = evaluate(velocity, matrices, {}, Polynomial.constant)
    values = (x**2, y**2)
    for r, c in ((0, 1), (1, 0)):
        gap, powers = values[r] - values[c], values[r] ** depth - values[c] ** depth
        name = f"dot W[{r + 1},{c + 1}]"
        where = ((name, moved[r][c]),)
        yield Identity(f"entry {r + 1},{c + 1}", gap * Polynomial.symbol(name), -powers * error[r][c], where)
    for r in (0, 1):
        name = f"dot W[{r + 1},{r + 1}]"
        right = -depth * values[r] ** (depth - 1) * error[r][r]
        yield Identity(f"entry {r + 1},{r + 1}", Polynomial.symbol(name), right, ((name, moved[r][r]),))
    # A second mode y = 0 is a row or column of zeros, as rectangular matrices have: nothing is divided by here.
    for r, c in ((0, 1), (1, 0)):
        name = f"dot W[{r + 1},{c + 1}]"
        where = ((name, moved[r][c].substitute({"y": 0})),)
        right = -(values[0] ** (depth - 1)) * error[r][c]
        yield Identity(f"entry {r + 1},{c + 1} at y = 0", Polynomial.symbol(name), right, where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent that rests at a balanced minimiser, whose sharpness is L 4^(L-1)."""
    return experiment(depth, widths, "2")


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return one from smaller layers, as balanced and no minimiser."""
    return {**experiment(depth, widths, "1/8"), "without": ["at_minimiser"]}


def experiment(depth: int, widths: Sequence[int], entry: str) -> dict[str, Any]:
    """Return a descent with small steps from equal diagonal layers; the entry 2 makes them a minimiser."""
    return {
        "theorem": "flattest_minima",
        "problem": {
            "network": {"kind": "linear", "widths": list(widths)},
            "loss": {
                "kind": "square",
                "target": {"rows": diagonal(widths[-1], widths[0], min(widths), str(2**depth))},
                "normalisation": "half",
            },
            "start": {
                "scheme": "given",
                "weights": [diagonal(rows, columns, min(widths), entry) for columns, rows in pairwise(widths)],
            },
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/4096", "stop": {"steps": 1}},
        "backend": {"name": "ball", "digits": 20},
    }


def diagonal(rows: int, columns: int, count: int, entry: str) -> list[list[str]]:
    """Return a matrix with one number at the first places of its diagonal."""
    return [[entry if r == c < count else "0" for c in range(columns)] for r in range(rows)]
