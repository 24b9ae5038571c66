r"""One step of gradient descent changes a balancedness defect by a square of gradients, exactly.

Claim
    With $W_{j}^{+} = W_{j} - \eta G_{j}$, $G_{j} = \partial \ell / \partial W_{j}$, taken at once in all layers,
    $D_{j}^{+} - D_{j} = \eta^{2} (G_{j+1}^{T} G_{j+1} - G_{j} G_{j}^{T})$ for $1 \le j < L$, with no remainder.

Source
    Derived for this project; the flow's law is Arora, Cohen and Hazan (2018).

Scope
    Proved for the square loss at the depths and widths asked for, and for any loss with gradient G at depth j + 1
    or more through the letters above and below the two layers. One step of plain descent: no momentum, penalty,
    projection or rounding. Nothing is said of the sum of many steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import linear_run
from workbench.symbolic.calculus import Calculus, Loss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network, opaque_chain
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, Width, matrix

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "discrete form, derived for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
least_depth = 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the exact drift of each defect in one step."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield drift(calculus, network, network.loss, j, f"drift of D_{j}")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield drift(calculus, chain, chain.general_loss, 2, "drift of D_j at every depth by every loss")


def drift(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, name: str) -> Identity:
    """Return the claim on the defect of layers j and j+1."""
    eta = Polynomial.symbol("eta")
    first, second = network.layers[j - 1 : j + 1]
    low, high = (Letter(layer.name.replace("W", "G", 1), layer.rows, layer.columns) for layer in (first, second))
    step = {first: matrix(first) - eta * matrix(low), second: matrix(second) - eta * matrix(high)}
    before = Letter(first.name.replace("W", "D", 1), first.rows, first.rows)
    after = Letter(f"{before.name}+", first.rows, first.rows)
    where = (
        (low, calculus.gradient(loss, first)),
        (high, calculus.gradient(loss, second)),
        (before, network.defect(j)),
        (after, calculus.substitute(network.defect(j), step)),
    )
    claimed = eta**2 * (matrix(high).T @ matrix(high) - matrix(low) @ matrix(low).T)
    return Identity(name, matrix(after) - matrix(before), claimed, where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a plain descent that must drift as claimed."""
    return experiment(widths, {"name": "gradient_descent", "step_size": "1/32", "stop": {"steps": 40}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with momentum, which must not."""
    dynamics = {"name": "heavy_ball", "step_size": "1/32", "parameters": {"momentum": "1/2"}, "stop": {"steps": 10}}
    return {**experiment(widths, dynamics), "without": ["plain_descent"]}


def experiment(widths: Sequence[int], dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run in balls."""
    return linear_run("balancedness_drift", widths, dynamics, {"name": "ball", "digits": 30})
