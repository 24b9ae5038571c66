r"""One step of descent with weight decay shrinks a balancedness defect exactly and adds a square of gradients.

Claim
    With $W_{j}^{+} = (1 - \eta \lambda) W_{j} - \eta G_{j}$, $G_{j} = \partial \ell / \partial W_{j}$, taken at once in
    all layers, $D_{j}^{+} = (1 - \eta \lambda)^{2} D_{j} + \eta^{2} (G_{j+1}^{T} G_{j+1} - G_{j} G_{j}^{T})$ for
    $1 \le j < L$, with no remainder. The flow $\dot{W}_{j} = -G_{j} - \lambda W_{j}$ has
    $\dot{D}_{j} = -2 \lambda D_{j}$.

Source
    Derived for this project; the flow's law without decay is Arora, Cohen and Hazan (2018).

Scope
    Proved for the square loss at the depths and widths asked for, and for any loss with gradient G at depth j + 1
    or more through the letters above and below the two layers. The decay is coupled: it is multiplied by the step
    size. Existence of the flow is supposed, and that $\dot{D} = -2 \lambda D$ means $D(t) = e^{-2 \lambda t} D(0)$ is
    not proved by machine. Nothing is said of the sum of many steps. The check is a run of the step, not of the flow.
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
    "locator": "discrete form with weight decay, derived for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
least_depth = 2

ETA, LAMBDA = Polynomial.symbol("eta"), Polynomial.symbol("lambda")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the exact law of each defect in one step and along the flow."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield step_law(calculus, network, network.loss, j, f"step of D_{j}")
        yield flow_law(calculus, network, network.loss, j, f"flow of D_{j}")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield step_law(calculus, chain, chain.general_loss, 2, "step of D_j at every depth by every loss")
    yield flow_law(calculus, chain, chain.general_loss, 2, "flow of D_j at every depth by every loss")


def step_law(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, name: str) -> Identity:
    """Return the claim on the defect of layers j and j+1 after one step."""
    first, second = network.layers[j - 1 : j + 1]
    low, high = (Letter(layer.name.replace("W", "G", 1), layer.rows, layer.columns) for layer in (first, second))
    kept = 1 - ETA * LAMBDA
    step = {first: kept * matrix(first) - ETA * matrix(low), second: kept * matrix(second) - ETA * matrix(high)}
    before = Letter(first.name.replace("W", "D", 1), first.rows, first.rows)
    after = Letter(f"{before.name}+", first.rows, first.rows)
    where = (
        (low, calculus.gradient(loss, first)),
        (high, calculus.gradient(loss, second)),
        (before, network.defect(j)),
        (after, calculus.substitute(network.defect(j), step)),
    )
    added = ETA**2 * (matrix(high).T @ matrix(high) - matrix(low) @ matrix(low).T)
    return Identity(name, matrix(after), kept**2 * matrix(before) + added, where)


def flow_law(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, name: str) -> Identity:
    """Return the claim on the velocity of the defect of layers j and j+1."""
    pair = network.layers[j - 1 : j + 1]
    decayed = {layer: slope - LAMBDA * matrix(layer) for layer, slope in calculus.flow(loss, pair).items()}
    defect = Letter(pair[0].name.replace("W", "D", 1), pair[0].rows, pair[0].rows)
    moving = Letter(f"dot {defect.name}", defect.rows, defect.columns)
    velocity = calculus.lie_derivative(network.defect(j), decayed)
    return Identity(
        name, matrix(moving), -2 * LAMBDA * matrix(defect), ((defect, network.defect(j)), (moving, velocity))
    )


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with weight decay, which must obey the law."""
    return experiment(widths, {"name": "weight_decay", "parameters": {"decay": "1/4"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with momentum, which must not."""
    momentum = {"name": "heavy_ball", "parameters": {"momentum": "1/2"}}
    return {**experiment(widths, momentum), "without": ["weight_decay"]}


def experiment(widths: Sequence[int], dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run in balls."""
    return linear_run(
        "weight_decay_drift",
        widths,
        {"step_size": "1/32", "stop": {"steps": 20}, **dynamics},
        {"name": "ball", "digits": 30},
    )
