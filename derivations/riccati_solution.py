r"""The flow of two layers is a Riccati equation up to the departure from balance, and its closed form solves it.

Claim
    Let $P_{11} = W_{1}^{T} W_{1}$, $P_{21} = W_{2} W_{1}$, $P_{22} = W_{2} W_{2}^{T}$ be the blocks of $P$, and
    $F_{11} = - \frac{\lambda}{2} I$, $F_{21} = \Phi$, $F_{22} = \frac{\lambda}{2} I$ those of a symmetric $F$. With
    $K = W_{2}^{T} W_{2} - W_{1} W_{1}^{T} - \lambda I$ the flow moves the blocks by those of $F P + P F - P^{2}$, less
    $W_{1}^{T} K W_{1}$ in the first and plus $W_{2} K W_{2}^{T}$ in the last, and $\dot{K} = 0$. So for $K = 0$ it is
    $\dot{P} = F P + P F - P^{2}$. $F^{2}$ has the blocks $\frac{\lambda^{2}}{4} I + \Phi^{T} \Phi$, 0 and
    $\frac{\lambda^{2}}{4} I + \Phi \Phi^{T}$: the squared eigenvalues of $F$ are $\lambda^{2} / 4 + s_{i}^{2}$, and
    $\lambda^{2} / 4$ where $\Phi$ or $\Phi^{T}$ has a kernel. If $\dot{X} = F X$ with $X$ symmetric and commuting with $F$, and
    $M = I + \frac{1}{2} Q^{T} (X F^{-1} X - F^{-1}) Q$ with a constant $Q$, then $\dot{M} = Q^{T} X X Q$ and
    $P = X Q M^{-1} Q^{T} X$ solves $\dot{P} = F P + P F - P^{2}$.

Source
    Fukumizu (1998); Braun, Domine, Fitzgerald and Saxe (2022).

Scope
    Proved for two layers of any widths, the square loss and an invertible $F$; a depth other than 2 is refused. Not
    proved by machine: that $X = e^{F t}$ is such an X, that $M$ is invertible, and that a solution is determined by its
    start. The limit for a singular $F$ is not treated. The check is a run of the case of two equal numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction, Sample, Shape
from workbench.symbolic.words import Factor, Letter, Width, identity, matrix, zero

source = {
    "authors": "Lukas Braun, Clementine Domine, James Fitzgerald, Andrew Saxe",
    "year": 2022,
    "title": "Exact learning dynamics of deep linear networks with prior knowledge",
    "where": "NeurIPS 2022",
    "locator": "closed form, recalled and proved here",
    "url": "https://proceedings.neurips.cc/paper_files/paper/2022",
}
depths = (2,)
least_depth = 2

HALF = Fraction(1, 2)
F, INVERSE, X = (Letter(name, "n", "n", symmetric=True) for name in ("F", "J", "X"))
Q, N = Letter("Q", "n", "h"), Letter("N", "h", "h", symmetric=True)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the equation of the blocks, and that the closed form solves it."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    yield from blocks(calculus, widths)
    yield from spectrum(widths)
    yield from solution(calculus)


def blocks(calculus: Calculus, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the velocity of each block, and that the departure from balance is constant."""
    network = linear_network(2, widths)
    first, second, target = network.layer(1), network.layer(2), matrix(network.target)
    decay = Polynomial.symbol("lambda")
    flow = calculus.flow(network.loss, network.layers)
    p11, p21, p22 = first.T @ first, second @ first, second @ second.T
    inner, hidden, outer = widths
    departure = Letter("K", hidden, hidden)
    where = ((departure, network.defect(1) - decay * identity(hidden)),)
    k = matrix(departure)
    corner = -decay * p11 + target.T @ p21 + p21.T @ target - p11 @ p11 - p21.T @ p21 - first.T @ k @ first
    side = target @ p11 + p22 @ target - p21 @ p11 - p22 @ p21
    last = decay * p22 + target @ p21.T + p21 @ target.T - p21 @ p21.T - p22 @ p22 + second @ k @ second.T
    shapes = {"11": (inner, inner), "21": (outer, inner), "22": (outer, outer)}
    for (place, shape), value, right in zip(shapes.items(), (p11, p21, p22), (corner, side, last), strict=True):
        moving = Letter(f"dot P_{{{place}}}", *shape)
        velocity = (moving, calculus.lie_derivative(value, flow))
        yield Identity(f"block {place}", matrix(moving), right, (*where, velocity))
    moving = Letter("dot K", hidden, hidden)
    velocity = (moving, calculus.lie_derivative(where[0][1], flow))
    yield Identity("balance", matrix(moving), zero(hidden, hidden), (velocity,))


def spectrum(widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the blocks of F^2, whose eigenvalues are those of F squared."""
    target, decay = matrix(linear_network(2, widths).target), Polynomial.symbol("lambda")
    inner, outer = identity(widths[0]), identity(widths[-1])
    corner, last = -HALF * decay * inner, HALF * decay * outer
    constant = decay**2 * Fraction(1, 4)
    yield Identity("square of F, block 11", corner @ corner + target.T @ target, constant * inner + target.T @ target)
    yield Identity("square of F, block 21", target @ corner + last @ target, zero(widths[-1], widths[0]))
    yield Identity("square of F, block 22", last @ last + target @ target.T, constant * outer + target @ target.T)


def solution(calculus: Calculus) -> Iterator[Identity]:
    """Yield the derivative of M and that P solves the equation; N stands for the inverse of M, J for that of F."""
    f, inverse, x, q, n = (matrix(letter) for letter in (F, INVERSE, X, Q, N))
    commuting = commuting_factors()
    grown = identity("h") + HALF * (q.T @ (x @ inverse @ x - inverse) @ q)
    moving = calculus.lie_derivative(grown, {X: f @ x})
    yield Identity("derivative of M", moving, q.T @ x @ x @ q, under=commuting)
    closed = x @ q @ n @ q.T @ x
    # The derivative of an inverse N of M is -N M' N.
    velocity = calculus.lie_derivative(closed, {X: f @ x, N: -(n @ q.T @ x @ x @ q @ n)})
    yield Identity("closed form", velocity, f @ closed + closed @ f - closed @ closed, under=commuting)


def commuting_factors() -> Restriction:
    """Suppose that X commutes with F, and that J is the inverse of F."""
    f, inverse, x = Factor(F), Factor(INVERSE), Factor(X)

    def draw(generator: random.Random, shape: Shape) -> Sample:
        size = range(shape(F)[0])
        values = [Fraction(generator.choice((-3, -2, 2, 3)), generator.randint(1, 3)) for _ in size]
        diagonal = {
            F: values,
            INVERSE: [1 / value for value in values],
            X: [Fraction(generator.randint(-3, 3)) for _ in size],
        }
        return {m: [[d[i] * (i == j) for j in size] for i in size] for m, d in diagonal.items()}

    return Restriction(
        name="X commutes with F, and J is the inverse of F",
        rules=(((x, f), (f, x)), ((x, inverse), (inverse, x)), ((f, inverse), ()), ((inverse, f), ())),
        draw=draw,
    )


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of two equal numbers, which the closed form solves with lambda = 0."""
    return experiment(["1/2", "1/2"])


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of two unequal numbers, for which lambda is not 0."""
    return {**experiment(["1/4", "1"]), "without": ["equal_start"]}


def experiment(start: Sequence[str]) -> dict[str, Any]:
    """Return a flow of two numbers towards 1."""
    return {
        "theorem": "mode_closed_forms",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["1"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[[number]] for number in start]},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1/2"}},
        "backend": {"name": "mp", "digits": 20},
    }
