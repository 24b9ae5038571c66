r"""With biases the balancedness of two layers is conserved once the square of the lower bias is taken from it.

Claim
    Let $h_{k} = W_{k} h_{k-1} + b_{k} e^{T}$, $e = (1, \dots, 1)^{T}$, on finite data, and
    $D_{j} = W_{j+1}^{T} W_{j+1} - W_{j} W_{j}^{T} - b_{j} b_{j}^{T}$, $1 \le j < L$. Along the gradient flow of every loss
    of the outputs $\dot{D}_{j} = 0$. One step of descent, in all layers and biases at once, has
    $D_{j}^{+} = D_{j} + \eta^{2} (G_{j+1}^{T} G_{j+1} - G_{j} G_{j}^{T} - g_{j} g_{j}^{T})$ with $g_{j}$ the gradient in
    $b_{j}$, with no remainder. The bias $b_{j+1}$ has no part in it.

Source
    Du, Hu and Lee (2018) for layers without biases; with biases worked out for this project.

Scope
    Proved for any loss of the outputs with gradient G, the square loss among them: at the depths and widths asked for,
    and at depth j + 1 or more, where what lies below is one letter and what lies above is affine. Existence of the flow is
    supposed. The check is a run whose last input is always 1, so that the last column of the first layer is a bias and
    the law is that of the whole layer; biases of deeper layers are not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.biased_networks import BiasedWords, biased_network, opaque_biased_chain
from workbench.symbolic.calculus import Calculus, Loss
from workbench.symbolic.identities import Definitions, Identity
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, Width, matrix, zero

source = {
    "authors": "Simon S. Du, Wei Hu, Jason D. Lee",
    "year": 2018,
    "title": "Algorithmic regularization in learning deep homogeneous models: layers are automatically balanced",
    "where": "NeurIPS 2018; arXiv:1806.00900",
    "locator": "layers without biases; with biases worked out for this project",
    "url": "https://arxiv.org/abs/1806.00900",
}
depths = (2, 3)
least_depth = 2

ETA = Polynomial.symbol("eta")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the law of each pair of layers along the flow and in one step."""
    network = biased_network(depth, widths)
    for j in range(1, depth):
        yield from laws(calculus, network, network.general_loss, j, f"of D_{j}")
    chain = opaque_biased_chain(equal_widths=len(set(widths)) == 1)
    yield from laws(calculus, chain, chain.general_loss, 1, "of D_j at every depth by every loss")


def laws(calculus: Calculus, network: BiasedWords, loss: Loss, j: int, which: str) -> Iterator[Identity]:
    """Yield the laws of layers j and j+1 and bias j."""
    moved = (*network.layers[j - 1 : j + 1], network.biases[j - 1])
    width, defect = moved[0].rows, network.defect(j)
    slopes = {variable: calculus.gradient(loss, variable) for variable in moved}
    short = [Letter(variable.name.replace("W", "G", 1), variable.rows, variable.columns) for variable in moved[:2]]
    short.append(Letter(moved[2].name.replace("b", "g", 1), width, 1))
    named: Definitions = tuple((letter, slopes[variable]) for letter, variable in zip(short, moved, strict=True))
    before, after, moving = (Letter(name, width, width) for name in ("D", "D+", "dot D"))
    pulled = {variable: -matrix(letter) for letter, variable in zip(short, moved, strict=True)}
    change = calculus.lie_derivative(defect, pulled)
    yield Identity(f"flow {which}", matrix(moving), zero(width, width), (*named, (moving, change)))
    step = {variable: matrix(variable) - ETA * matrix(letter) for letter, variable in zip(short, moved, strict=True)}
    where = (*named, (before, defect), (after, calculus.substitute(defect, step)))
    low, high, bias = (matrix(letter) for letter in short)
    added = ETA**2 * (high.T @ high - low @ low.T - bias @ bias.T)
    yield Identity(f"step {which}", matrix(after), matrix(before) + added, where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow whose last input is always 1."""
    return experiment(widths, {"name": "gradient_flow", "stop": {"time": "1/2"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return descent, which changes the law by the square of the gradients."""
    descent = {"name": "gradient_descent", "step_size": "1/32", "stop": {"steps": 20}}
    return {**experiment(widths, descent), "without": ["gradient_flow"]}


def experiment(widths: Sequence[int], dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run on three samples, with a row of ones below the inputs: the first layer's last column is its bias."""
    samples = 3
    inputs = [[f"{1 + r + 2 * c}/{2 + r * c}" for c in range(samples)] for r in range(widths[0])]
    target = [[f"1/{1 + r + c}" for c in range(samples)] for r in range(widths[-1])]
    return {
        "theorem": "balancedness",
        "problem": {
            "network": {"kind": "linear", "widths": [widths[0] + 1, *widths[1:]]},
            "loss": {
                "kind": "square",
                "target": {"rows": target},
                "inputs": {"rows": [*inputs, ["1"] * samples]},
                "normalisation": "mean",
            },
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": dynamics,
        "backend": {"name": "ball", "digits": 20},
    }
