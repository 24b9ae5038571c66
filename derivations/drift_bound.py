r"""The drift of a balancedness defect in one step is at most the squared step size times the squared gradient.

Claim
    A step of descent gives $D_{j}^{+} = D_{j} + \eta^{2} Q_{j}$ with $Q_{j} = G_{j+1}^{T} G_{j+1} - G_{j} G_{j}^{T}$, and
    $| Q_{j} |^{2} = | G_{j+1}^{T} G_{j+1} |^{2} + | G_{j} G_{j}^{T} |^{2} - 2 | G_{j+1} G_{j} |^{2}$. Where each step decreases the loss by
    at least $\frac{\eta}{2}$ times the squared gradient, the drifts of k steps add up to $2 \eta (\ell_{0} - \ell_{k})$ at most.

Source
    Worked out for this project; the flow's law is Arora, Cohen and Hazan (2018).

Scope
    The identities are proved at the depths asked for and every width, and at every depth and for every loss through the
    letters above and below the two layers. Not proved by machine: $| G^{T} G | \le | G |^{2}$, the triangle inequality
    over the steps, and that a step size of at most one over the curvature decreases the loss by so much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import STEP_SIZE, Calculus, Loss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network, opaque_chain
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, Width, matrix, squared_frobenius_norm

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1; the discrete bound is worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2, 3)
least_depth = 2

ETA = Polynomial.symbol(STEP_SIZE)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the drift of each defect and the squared norm of what it is."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield drift(calculus, network, network.loss, j, f"drift of D_{j}")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield drift(calculus, chain, chain.general_loss, 2, "drift of D_j at every depth by every loss")
    low, high = (Letter(m.name.replace("W", "G", 1), m.rows, m.columns) for m in chain.layers[1:3])
    inner, outer = matrix(high).T @ matrix(high), matrix(low) @ matrix(low).T
    overlap = squared_frobenius_norm(matrix(high) @ matrix(low))
    claimed = squared_frobenius_norm(inner) + squared_frobenius_norm(outer) - 2 * overlap
    yield Identity("squared norm of the drift", squared_frobenius_norm(inner - outer), claimed)


def drift(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, name: str) -> Identity:
    """Return the claim on the defect of layers j and j+1 after a step."""
    pair = network.layers[j - 1 : j + 1]
    step = calculus.descent_step(loss, pair)
    low, high = (Letter(m.name.replace("W", "G", 1), m.rows, m.columns) for m in pair)
    gradients = [calculus.gradient(loss, layer) for layer in pair]
    after = Letter(f"{pair[0].name.replace('W', 'D', 1)}+", pair[0].rows, pair[0].rows)
    where = (
        (low, gradients[0]),
        (high, gradients[1]),
        (after, calculus.substitute(network.defect(j), step)),
    )
    claimed = matrix(high).T @ matrix(high) - matrix(low) @ matrix(low).T
    return Identity(name, matrix(after), network.defect(j) + ETA**2 * claimed, where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with a small step."""
    return experiment("1/16", 40)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with a step that increases the loss."""
    return {**experiment("1/2", 3), "without": ["sufficient_decrease"]}


def experiment(step_size: str, steps: int) -> dict[str, Any]:
    """Return a run of two layers far out of balance."""
    layers = [[["2", "0"], ["1", "1"]], [["1/2", "0"], ["0", "1/4"]]]
    return {
        "theorem": "drift_bound",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 2, 2]},
            "loss": {"kind": "square", "target": {"rows": [["2", "1"], ["1", "2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": layers},
        },
        "dynamics": {"name": "gradient_descent", "step_size": step_size, "stop": {"steps": steps}},
        "backend": {"name": "ball", "digits": 30},
    }
