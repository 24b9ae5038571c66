r"""Heavy ball changes a balancedness defect by two exact identities, with no remainder.

Claim
    Let $V_{j}^{+} = \beta V_{j} - \eta G_{j}$, $W_{j}^{+} = W_{j} + V_{j}^{+}$, and
    $2 B(X, Y) = X_{j+1}^{T} Y_{j+1} + Y_{j+1}^{T} X_{j+1} - X_{j} Y_{j}^{T} - Y_{j} X_{j}^{T}$, so that $D = B(W, W)$.
    With $Z = B(W, V)$ then $Z^{+} = \beta Z + B(V^{+}, V^{+})$ and $D^{+} = D + 2 \beta Z + B(V^{+}, V^{+})$, hence
    $D^{+} - D = \beta (D - D^{-} + B(V, V)) + B(V^{+}, V^{+})$ where $D^{-}$ is the defect one step before.
    Along $\ddot{W}_{j} = -\tau \dot{W}_{j} - G_{j}$ it is $\ddot{D} = -\tau \dot{D} + 2 B(\dot{W}, \dot{W})$.

Source
    Derived for this project.

Scope
    Proved for the square loss at the depths and widths asked for, and for any loss with gradient G at depth j + 1
    or more through the letters above and below the two layers. Constant step, momentum and damping. The slow drift
    per unit of effective time that follows as the step goes to zero is not proved by machine. The check reads the
    traces of the identities, summed over the layers, from rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from workbench.derivation.runs import linear_run
from workbench.symbolic.calculus import Calculus, Loss
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network, opaque_chain
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix

source = {
    "authors": "Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    "year": 2024,
    "title": "Keep the momentum: conservation laws beyond Euclidean gradient flows",
    "where": "ICML 2024; arXiv:2405.12888",
    "locator": "setting; the identities are derived for this project",
    "url": "https://arxiv.org/abs/2405.12888",
}
least_depth = 2

ETA, BETA, TAU = (Polynomial.symbol(name) for name in ("eta", "beta", "tau"))
Pair = tuple[MatrixPolynomial, MatrixPolynomial]


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the identities of each pair of layers."""
    network = linear_network(depth, widths)
    for j in range(1, depth):
        yield from laws(calculus, network, network.loss, j, f"of layers {j} and {j + 1}")
    chain = opaque_chain(equal_widths=len(set(widths)) == 1)
    yield from laws(calculus, chain, chain.general_loss, 2, "at every depth by every loss")


def laws(calculus: Calculus, network: NetworkWords, loss: Loss, j: int, which: str) -> Iterator[Identity]:
    """Yield the identities of layers j and j+1."""
    lower, upper = network.layers[j - 1 : j + 1]
    low, high = (Letter(layer.name.replace("W", "V", 1), layer.rows, layer.columns) for layer in (lower, upper))
    slopes = {layer: calculus.gradient(loss, layer) for layer in (lower, upper)}
    now: Pair = matrix(lower), matrix(upper)
    speed: Pair = matrix(low), matrix(high)
    pushed = {low: BETA * speed[0] - ETA * slopes[lower], high: BETA * speed[1] - ETA * slopes[upper]}
    moved = {lower: now[0] + pushed[low], upper: now[1] + pushed[high]}
    named = _named(lower.rows)
    values = {
        "D": form(now, now),
        "D+": form((moved[lower], moved[upper]), (moved[lower], moved[upper])),
        "D_-": form((now[0] - speed[0], now[1] - speed[1]), (now[0] - speed[0], now[1] - speed[1])),
        "Z": form(now, speed),
        "Z+": form((moved[lower], moved[upper]), (pushed[low], pushed[high])),
        "B": form(speed, speed),
        "B+": form((pushed[low], pushed[high]), (pushed[low], pushed[high])),
    }
    letter = {name: matrix(named[name]) for name in values}

    def claim(name: str, left: MatrixPolynomial, right: MatrixPolynomial, used: str) -> Identity:
        return Identity(f"{name} {which}", left, right, tuple((named[n], values[n]) for n in used.split()))

    yield claim("pairing", letter["Z+"], BETA * letter["Z"] + letter["B+"], "Z Z+ B+")
    yield claim("defect", letter["D+"], letter["D"] + 2 * BETA * letter["Z"] + letter["B+"], "Z D D+ B+")
    change = BETA * (letter["D"] - letter["D_-"] + letter["B"]) + letter["B+"]
    yield claim("two steps", letter["D+"] - letter["D"], change, "D D+ D_- B B+")
    damped = {low: -TAU * speed[0] - slopes[lower], high: -TAU * speed[1] - slopes[upper]}
    yield _flow(calculus, values, {lower: speed[0], upper: speed[1]} | damped, named, which)


def form(left: Pair, right: Pair) -> MatrixPolynomial:
    """Return the symmetric bilinear form of the balancedness defect."""
    whole = left[1].T @ right[1] - left[0] @ right[0].T
    return (whole + whole.T) * Fraction(1, 2)


def _flow(
    calculus: Calculus,
    values: Mapping[str, MatrixPolynomial],
    velocities: Mapping[Letter, MatrixPolynomial],
    named: Mapping[str, Letter],
    which: str,
) -> Identity:
    first = calculus.lie_derivative(values["D"], velocities)
    second = calculus.lie_derivative(first, velocities)
    where = ((named["dot D"], first), (named["F"], second), (named["B"], values["B"]))
    right = -TAU * matrix(named["dot D"]) + 2 * matrix(named["B"])
    return Identity(f"second derivative F of D {which}", matrix(named["F"]), right, where)


def _named(width: Width) -> dict[str, Letter]:
    names = ("D", "D+", "D_-", "Z", "Z+", "B", "B+", "dot D", "F")
    return {name: Letter(name, width, width) for name in names}


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a heavy ball, which must obey the identities."""
    return experiment(widths, {"name": "heavy_ball", "parameters": {"momentum": "1/2"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with weight decay, which must not."""
    decayed = {"name": "weight_decay", "parameters": {"decay": "1/2"}}
    return {**experiment(widths, decayed), "without": ["heavy_ball"]}


def experiment(widths: Sequence[int], dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run in balls."""
    return linear_run(
        "heavy_ball_drift",
        widths,
        {"step_size": "1/32", "stop": {"steps": 20}, **dynamics},
        {"name": "ball", "digits": 30},
    )
