r"""From the identity all layers stay equal, and a symmetric target turns descent into a recursion of eigenvalues.

Claim
    Let $W_{1} = \dots = W_{L} = S$ be symmetric and commute with the symmetric target $\Phi$. Then all gradients
    are equal, $S^{+} = S - \eta G$ is symmetric and commutes with $\Phi$, and on a common eigenvector
    $x^{+} = x - \eta x^{L-1} (x^{L} - \lambda)$. The same holds of a step with the penalty
    $\frac{1}{2} \kappa \sum_{j} | W_{j} - I |^{2}$, where $x^{+} = x - \eta (x^{L-1} (x^{L} - \lambda) + \kappa (x - 1))$.

Source
    Bartlett, Helmbold and Long (2018).

Scope
    This is the step of an induction over the iterates, proved at the depths asked for and every width; its start,
    that the identity is symmetric and commutes with everything, is plain. Spectral maps after the step (clipping,
    projections) are not treated. It holds in exact arithmetic: rounding breaks the symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import eigenvalues, equal_layers
from workbench.symbolic.words import Letter, Width, identity, matrix, squared_frobenius_norm

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "Lemma 6",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (1, 2, 3, 4)
shape = "square"


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the step of the induction and the recursion."""
    network = linear_network(depth, widths)
    equal = equal_layers(network.layers, network.target)
    target = matrix(network.target)
    slopes = [Letter(f"G_{j}", layer.rows, layer.columns) for j, layer in enumerate(network.layers, start=1)]
    gradients = [calculus.gradient(network.loss, layer) for layer in network.layers]
    where = tuple(zip(slopes, gradients, strict=True))
    for slope, definition in zip(slopes[1:], where[1:], strict=True):
        pair = (where[0], definition)
        yield Identity(f"{slope.name} equals G_1", matrix(slope), matrix(slopes[0]), pair, equal)
    first = matrix(slopes[0])
    yield Identity("the gradient is symmetric", first.T, first, where[:1], equal)
    yield Identity("the gradient commutes with the target", first @ target, target @ first, where[:1], equal)
    x, eta, eigenvalue = (Polynomial.symbol(name) for name in ("x", "eta", "lambda"))
    read = eigenvalues(network.layers, network.target, eigenvalue)
    calculus.restrict(gradients[0], read)
    after = Letter("W_1+", network.target.rows, network.target.columns)
    stepped = (where[0], (after, matrix(network.layers[0]) - eta * first))
    recursion = x - eta * x ** (depth - 1) * (x**depth - eigenvalue)
    yield Identity("recursion of the eigenvalues", matrix(after), recursion, stepped, read)
    yield from penalised(calculus, network)


def penalised(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the same for descent on the loss with a penalty of each layer's distance from the identity."""
    kappa, x, eta, eigenvalue = (Polynomial.symbol(name) for name in ("kappa", "x", "eta", "lambda"))
    width, equal = network.target.rows, equal_layers(network.layers, network.target)
    loss = network.loss
    for layer in network.layers:
        loss = loss + squared_frobenius_norm(matrix(layer) - identity(width)) * (kappa * Fraction(1, 2))
    step = calculus.descent_step(loss, network.layers)
    after = [Letter(f"W_{j}+", width, width) for j in range(1, network.depth + 1)]
    where = tuple(zip(after, (step[layer] for layer in network.layers), strict=True))
    for letter, definition in zip(after[1:], where[1:], strict=True):
        pair = (where[0], definition)
        yield Identity(f"{letter.name} equals W_1+ with the penalty", matrix(letter), matrix(after[0]), pair, equal)
    first, target = matrix(after[0]), matrix(network.target)
    yield Identity("the penalised step is symmetric", first.T, first, where[:1], equal)
    yield Identity("the penalised step commutes with the target", first @ target, target @ first, where[:1], equal)
    read = eigenvalues(network.layers, network.target, eigenvalue)
    recursion = x - eta * (x ** (network.depth - 1) * (x**network.depth - eigenvalue) + kappa * (x - 1))
    yield Identity("recursion with the penalty", first, recursion, where[:1], read)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent from the identity to a rotated symmetric target."""
    return experiment(depth, widths, {"scheme": "identity"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent from unequal layers."""
    start = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}
    return {**experiment(depth, widths, start), "without": ["identity_start"]}


def experiment(depth: int, widths: Sequence[int], start: dict[str, Any]) -> dict[str, Any]:
    """Return a run to a target with eigenvalues on both sides of 1."""
    # Numbers commute with everything: the run is of matrices even where the widths asked for are 1.
    width = max(2, widths[0])
    spectrum = ["2", *(f"{r}/{r + 1}" for r in range(1, width))]
    return {
        "theorem": "equal_layers",
        "problem": {
            "network": {"kind": "linear", "widths": [width] * (depth + 1)},
            "loss": {
                "kind": "square",
                "target": {"family": "spectrum", "eigenvalues": spectrum, "rotate": 1},
                "normalisation": "half",
            },
            "start": start,
        },
        "dynamics": {"name": "gradient_descent", "step_size": f"1/{8 * depth}", "stop": {"steps": 40}},
        "backend": {"name": "ball", "digits": 30},
    }
