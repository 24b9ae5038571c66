r"""One matrix used L times has the sum of the layers' gradients as its own, and learns at a rate that depth multiplies.

Claim
    For every loss of $W^{L}$ with gradient $G$ there, the gradient in $W$ is
    $\sum_{j} (W^{T})^{L-j} G (W^{T})^{j-1}$: the sum of the gradients of $L$ layers of their own where all are $W$. Let
    $W$ be symmetric and commute with a symmetric target, and move by the mean, $\frac{1}{L}$ of it. Then a step has
    $x^{+} = x - \eta x^{L-1} (x^{L} - \lambda)$ on a common eigenvector, as without sharing, and along the flow the error
    $r = x^{L} - \lambda$ has $\dot{r} = -L x^{2L-2} r$. With $\lambda = y^{L}$ it is $x^{2L-2} \ge 1$ where $x \ge 1$, and
    $x^{2L-2} \ge y^{2L-2} \ge \lambda^{2}$ where $x \ge y$ and $y \le 1$, so that
    $r^{2}$ falls from $W = I$ at least as $e^{-2 L \kappa t}$, with $\kappa$ the smaller of 1 and $\lambda^{2}$.

Source
    A submission to ICLR 2021 on sharing and then unsharing weights; the gradient is the chain rule.

Scope
    Proved at the depths asked for and every width. Not proved by machine: that $x$ stays between 1 and $y$, which it does
    since both are met monotonically, and that the inequality for $r$ means the one for the loss. The text of the
    submission has $\lambda$ in place of $\lambda^{2}$ in the rate, which is false from three layers on. The check is a run of layers of
    their own from the identity, which stay equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity, Inequality, Region
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import eigenvalues
from workbench.symbolic.tied_networks import TiedWords, tied_network
from workbench.symbolic.words import Letter, Width, matrix, zero

source = {
    "authors": "Anonymous",
    "year": 2021,
    "title": "Speeding up deep learning training by sharing weights and then unsharing",
    "where": "submission to ICLR 2021",
    "locator": "theorem on the mean-gradient flow; the gradient is the chain rule",
    "url": "",
}
depths = (1, 2, 3, 4)
shape = "square"

ETA, LAMBDA, X, Y, A, B = (Polynomial.symbol(name) for name in ("eta", "lambda", "x", "y", "a", "b"))
ONE = Polynomial.constant(1)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the gradient of any loss and of the square loss, the recursion, the rate and its bounds."""
    network = tied_network(depth, widths[0])
    yield any_loss(calculus, network)
    yield untied(calculus, network)
    yield from modes(calculus, network)
    yield from bounds(depth)


def any_loss(calculus: Calculus, network: TiedWords) -> Identity:
    """Return the claim that the gradient is the sum over the places of W."""
    w, slope = matrix(network.layer), matrix(network.general_loss.gradient)
    total = zero(network.layer.rows, network.layer.columns)
    for j in range(1, network.depth + 1):
        total = total + w.T ** (network.depth - j) @ slope @ w.T ** (j - 1)
    found = Letter("G_{tied}", network.layer.rows, network.layer.columns)
    gradient = calculus.gradient(network.general_loss, network.layer)
    return Identity("gradient of any loss", matrix(found), total, ((found, gradient),))


def untied(calculus: Calculus, network: TiedWords) -> Identity:
    """Return the claim that it is the sum of the gradients of layers of their own, where all are W."""
    plain = network.untied
    names = [Letter(f"G_{j}", layer.rows, layer.columns) for j, layer in enumerate(plain.layers, start=1)]
    where = tuple((name, calculus.gradient(plain.loss, w)) for name, w in zip(names, plain.layers, strict=True))
    total = zero(network.layer.rows, network.layer.columns)
    for name in names:
        total = total + matrix(name)
    gradient = calculus.gradient(network.loss, network.layer)
    return Identity("sum of the layers' gradients", total, gradient, where, network.tie)


def modes(calculus: Calculus, network: TiedWords) -> Iterator[Identity]:
    """Yield the step and the rate of the error on a common eigenvector."""
    depth, width = network.depth, network.layer.rows
    read = eigenvalues((network.layer,), network.target, LAMBDA)
    slope = Letter("G_{mean}", width, width)
    where = ((slope, network.mean_gradient(calculus, network.loss)),)
    after = Letter("W+", width, width)
    stepped = (*where, (after, matrix(network.layer) - ETA * matrix(slope)))
    recursion = X - ETA * X ** (depth - 1) * (X**depth - LAMBDA)
    yield Identity("recursion of the eigenvalues", matrix(after), recursion, stepped, read)
    error, moving = network.end_to_end - matrix(network.target), Letter("dot E", width, width)
    velocity = calculus.lie_derivative(error, {network.layer: -matrix(slope)})
    rate = -depth * X ** (2 * depth - 2) * (X**depth - LAMBDA)
    yield Identity("rate of the error", matrix(moving), rate, (*where, (moving, velocity)), read)


def bounds(depth: int) -> Iterator[Inequality]:
    """Yield what the rate is at least, on both sides of 1."""
    rate = X ** (2 * depth - 2)
    above = Region({"x": (ONE + A, ONE)})
    yield Inequality("rate where x is at least 1", ONE, rate, above)
    # y = 1 / (1 + a) runs through (0, 1], and x = y + b is what lies above it.
    below = Region({"y": (ONE, ONE + A), "x": (Y + B, ONE)})
    yield Inequality("rate where x is at least y", Y ** (2 * depth - 2), rate, below)
    yield Inequality("square of the eigenvalue", Y ** (2 * depth), rate, below)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from the identity to a rotated positive definite target; of one layer the bound is an equality."""
    return experiment(max(depth, 2), ["1/2", "2"])


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow to a target with a negative eigenvalue, which it never reaches."""
    return {**experiment(max(depth, 2), ["-1", "2"]), "without": ["positive_definite"]}


def experiment(depth: int, spectrum: list[str]) -> dict[str, Any]:
    """Return a run to a target with two eigenvalues."""
    return {
        "theorem": "weight_sharing",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {
                "kind": "square",
                "target": {"family": "spectrum", "eigenvalues": spectrum, "rotate": 1},
                "normalisation": "half",
            },
            "start": {"scheme": "identity"},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1"}},
        "backend": {"name": "ball", "digits": 20},
    }
