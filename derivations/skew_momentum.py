r"""Heavy ball multiplies a skew matrix of two neighbouring layers by the momentum, exactly, at any step size.

Claim
    With $V_{j}^{+} = \beta V_{j} - \eta G_{j}$, $W_{j}^{+} = W_{j} + V_{j}^{+}$ and $W_{j}^{-} = W_{j} - V_{j}$, the skew
    matrix $A_{j} = W_{j+1}^{T} W_{j+1}^{-} - (W_{j+1}^{-})^{T} W_{j+1} + W_{j} (W_{j}^{-})^{T} - W_{j}^{-} W_{j}^{T}$
    goes to $A_{j}^{+} = \beta A_{j}$, and so does the same matrix with a weight decay in the gradients and
    $\beta = 0$ to zero. Along $\ddot{W}_{j} = -\tau \dot{W}_{j} - G_{j}$ the skew matrix
    $S_{j} = W_{j+1}^{T} \dot{W}_{j+1} - \dot{W}_{j+1}^{T} W_{j+1} + W_{j} \dot{W}_{j}^{T} - \dot{W}_{j} W_{j}^{T}$ has
    $\dot{S}_{j} = -\tau S_{j}$.

Source
    The law in continuous time is of Marcotte, Gribonval and Peyre (2024); the discrete one is derived for this
    project.

Scope
    Proved for the square loss at the depths and widths asked for, and for any loss with gradient G at depth j + 1
    or more through the letters above and below the two layers. Constant step, momentum and damping. How many of the
    laws are independent is not said. The check is a run from rest, where the matrix stays zero. Nesterov's step does
    not obey the law and is not treated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus, Loss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network, opaque_chain
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix, zero

source = {
    "authors": "Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    "year": 2024,
    "title": "Keep the momentum: conservation laws beyond Euclidean gradient flows",
    "where": "ICML 2024; arXiv:2405.12888",
    "locator": "discrete form, derived for this project",
    "url": "https://arxiv.org/abs/2405.12888",
}
least_depth = 2

ETA, BETA, TAU, LAMBDA = (Polynomial.symbol(name) for name in ("eta", "beta", "tau", "lambda"))


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the law of each pair of layers for heavy ball, for weight decay and in continuous time."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield from laws(calculus, network, network.loss, j, f"of layers {j} and {j + 1}")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield from laws(calculus, chain, chain.general_loss, 2, "at every depth by every loss")


def laws(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, which: str) -> Iterator[Identity]:
    """Yield the three laws of layers j and j+1."""
    pair = network.layers[j - 1 : j + 1]
    speeds = {layer: matrix(Letter(layer.name.replace("W", "V", 1), layer.rows, layer.columns)) for layer in pair}
    slopes = {layer: calculus.gradient(loss, layer) for layer in pair}
    now = [matrix(layer) for layer in pair]
    before = [matrix(layer) - speeds[layer] for layer in pair]
    after = [matrix(layer) + BETA * speeds[layer] - ETA * slopes[layer] for layer in pair]
    first, second = (Letter(name, pair[0].rows, pair[0].rows) for name in ("A", "A+"))
    where = ((first, skew(now, before)), (second, skew(after, now)))
    yield Identity(f"heavy ball {which}", matrix(second), BETA * matrix(first), where)
    decayed = [(1 - ETA * LAMBDA) * matrix(layer) - ETA * slopes[layer] for layer in pair]
    still = zero(pair[0].rows, pair[0].rows)
    yield Identity(f"weight decay {which}", matrix(second), still, ((second, skew(decayed, now)),))
    turning = -skew(list(speeds.values()), now)
    moved = {layer: speeds[layer] for layer in pair} | {
        letter: -TAU * matrix(letter) - slopes[layer] for layer, letter in zip(pair, _letters(speeds), strict=True)
    }
    state, moving = (Letter(name, pair[0].rows, pair[0].rows) for name in ("S", "dot S"))
    where = ((state, turning), (moving, calculus.lie_derivative(turning, moved)))
    yield Identity(f"damped flow {which}", matrix(moving), -TAU * matrix(state), where)


def skew(later: Sequence[MatrixPolynomial], earlier: Sequence[MatrixPolynomial]) -> MatrixPolynomial:
    """Return the skew matrix of two neighbouring layers at two times."""
    inner = later[1].T @ earlier[1] + later[0] @ earlier[0].T
    return inner - inner.T


def _letters(speeds: dict[Letter, MatrixPolynomial]) -> list[Letter]:
    return [next(iter(speed.terms))[0].letter for speed in speeds.values()]


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a heavy ball from rest, whose skew matrices stay zero."""
    return experiment(depth, {"name": "heavy_ball", "parameters": {"momentum": "1/2"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with a penalty toward the identity, which turns the layers."""
    penalised = {"name": "penalised_descent", "parameters": {"penalty": "1/2"}}
    return {**experiment(depth, penalised), "without": ["unforced"]}


def experiment(depth: int, dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of 2 x 2 layers from a Gaussian start towards a target that is not symmetric."""
    return {
        "theorem": "skew_momentum",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": {"step_size": "1/32", "stop": {"steps": 20}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
