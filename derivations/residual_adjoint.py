r"""The gradient of a residual network is an adjoint recursion from the last block down, for every activation.

Claim
    Let $h_{k+1} = h_k + \delta \sigma(A_k h_k)$ and let a loss have the gradient $M_L = G$ at $h_L$. With the slopes
    $S_k = \delta \operatorname{diag} \sigma'(A_k h_k)$ the gradient in $A_k$ is $S_k^T M_{k+1} h_k^T$, where
    $M_k = M_{k+1} + A_k^T S_k^T M_{k+1}$ is the gradient in $h_k$. For $\sigma = \tanh$ and
    $\ell = \frac{1}{2} \|h_L(X) - Y\|_F^2$ the sum over the samples of these, with $G = h_L - y$ and
    $S_k = \delta (1 - T_k^2)$, is the derivative of the loss in every entry of $A_k$, taken as it stands.

Source
    The chain rule; the network is that of Cont, Rossier and Xu (2022).

Scope
    The recursion is proved at the depths asked for, at every width and for slopes $S_k$ that may be any matrices; that a
    differential of $\sigma(A_k h_k)$ is the slope times that of $A_k h_k$ is the definition of the slope. Against the
    loss itself, with no slope supposed, it is proved for tanh, entry by entry, for one sample at width 2 (1 if
    asked for), through $T' = (1 - T^2) z'$ alone: the loss is a sum over the samples. Weights without biases; a bias
    adds a row of ones to the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import residual_descent
from workbench.symbolic.calculus import Calculus, OpaqueLoss
from workbench.symbolic.entrywise import Rows, evaluate
from workbench.symbolic.identities import Identity
from workbench.symbolic.tanh_networks import TanhNetwork, tanh_network
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, identity, matrix, multiply

source = {
    "authors": "Rama Cont, Alain Rossier, Renyuan Xu",
    "year": 2022,
    "title": "Convergence and implicit regularization properties of gradient descent for deep residual networks",
    "where": "arXiv:2204.07261",
    "locator": "setting; the gradient is the chain rule",
    "url": "https://arxiv.org/abs/2204.07261",
}
depths = (1, 2)
shape = "square"


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the recursion block by block, then that tanh's loss has these derivatives."""
    words = _Words(depth, widths[0])
    network = tanh_network(depth, 1 if widths[0] == 1 else 2)
    for k in range(depth):
        gradient = calculus.gradient(words.loss(k), words.branches[k])
        yield words.recursion(k, gradient)
        yield from entries(network, words, k, gradient)


class _Words:
    """The blocks as they move at given states and slopes, in letters."""

    def __init__(self, depth: int, width: Width) -> None:
        def square(name: str) -> Letter:
            return Letter(name, width, width)

        self.depth, self.width = depth, width
        self.branches = tuple(square(f"A_{k}") for k in range(depth))
        self.slopes = tuple(square(f"S_{k}") for k in range(depth))
        self.states = tuple(Letter(f"h_{k}", width, 1) for k in range(depth))
        self.end = Letter("G", width, 1)

    def loss(self, k: int) -> OpaqueLoss:
        """Return any loss of h_L as block k moves it: the blocks above are linear maps of what reaches them."""
        blocks = [
            identity(self.width) + matrix(self.slopes[j]) @ matrix(self.branches[j])
            for j in range(self.depth - 1, k, -1)
        ]
        moved = matrix(self.slopes[k]) @ matrix(self.branches[k]) @ matrix(self.states[k])
        return OpaqueLoss(multiply(blocks, self.width) @ moved, self.end)

    def recursion(self, k: int, gradient: MatrixPolynomial) -> Identity:
        """Return the claim that the gradient in A_k is S_k^T M_{k+1} h_k^T."""
        adjoint = [Letter(f"M_{j}", self.width, 1) for j in range(self.depth + 1)]
        where: list[tuple[Letter, MatrixPolynomial]] = [(adjoint[self.depth], matrix(self.end))]
        for j in range(self.depth - 1, k, -1):
            above, slope, branch = matrix(adjoint[j + 1]), matrix(self.slopes[j]), matrix(self.branches[j])
            where.append((adjoint[j], above + branch.T @ slope.T @ above))
        name = Letter(f"G_{k}", self.width, self.width)
        right = matrix(self.slopes[k]).T @ matrix(adjoint[k + 1]) @ matrix(self.states[k]).T
        return Identity(f"gradient of block {k}", matrix(name), right, (*where, (name, gradient)))


def entries(network: TanhNetwork, words: _Words, k: int, gradient: MatrixPolynomial) -> Iterator[Identity]:
    """Yield that each entry is the derivative of tanh's loss."""
    rows = evaluate(gradient, sample(network, words), {}, network.entries.number)
    for r, row in enumerate(network.gradient(network.branches[k])):
        for c, entry in enumerate(row):
            yield Identity(f"tanh, block {k}, entry {r + 1},{c + 1}", network.entries.polynomial(rows[r][c]), entry)


def sample(network: TanhNetwork, words: _Words) -> dict[Letter, Rows]:
    """Return the letters at the sample: weights, slopes, states and the error as elements of tanh's ring."""
    ring, depth = network.entries, words.depth
    scale, zero = ring.generators["delta[1,1]"], ring.zero
    found: dict[Letter, Rows] = {}
    for k in range(depth):
        values = [row[0] for row in ring.matrix(network.values[k])]
        found[words.branches[k]] = ring.matrix(network.branches[k])
        found[words.slopes[k]] = [
            [scale * (1 - value * value) if r == c else zero for c in range(len(values))]
            for r, value in enumerate(values)
        ]
        found[words.states[k]] = network.state(k)
    targets = ring.matrix(network.outputs)
    found[words.end] = [[h[0] - y[0]] for h, y in zip(network.state(depth), targets, strict=True)]
    return found


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent by these gradients on tanh, certified, which must keep its envelope."""
    return residual_descent(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return one towards a label that such weights do not reach."""
    return residual_descent(depth, far=True)
