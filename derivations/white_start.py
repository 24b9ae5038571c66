r"""From a white start the end-to-end matrix of two layers has a flow of its own, and each mode a closed form.

Claim
    Let $P_{11} = W_{1}^{T} W_{1}$, $P_{22} = W_{2} W_{2}^{T}$, $W = W_{2} W_{1}$ and
    $R_{11} = P_{11}^{2} - W^{T} W - c^{2} I$, $R_{21} = W P_{11} - P_{22} W$,
    $R_{22} = W W^{T} - P_{22}^{2} + c^{2} I$. With the gradient $G$ of any loss of $W$ the flow has
    $\dot{R}_{11} = - G^{T} R_{21} - R_{21}^{T} G$, $\dot{R}_{21} = - G R_{11} - R_{22} G$,
    $\dot{R}_{22} = - G R_{21}^{T} - R_{21} G^{T}$: linear in $R$, which is 0 at $P_{11} = c I$, $W = 0$,
    $P_{22} = c I$ and so stays 0. Then $P_{11} = (W^{T} W + c^{2} I)^{1/2}$, $P_{22} = (W W^{T} + c^{2} I)^{1/2}$, and
    for the square loss $\dot{W} = (\Phi - W) P_{11} + P_{22} (\Phi - W)$. A mode $a$ towards $s$ with
    $m^{2} = a^{2} + c^{2}$ has $\dot{a} = 2 m (s - a)$. With $a = \frac{c}{2} (z - \frac{1}{z})$ it is
    $\dot{z} = 2 z (s - a)$, solved by $z = (z_{1} - C z_{2}) / (1 - C)$ with $\dot{C} = -k C$, $c z_{1} = s + k/2$,
    $c z_{2} = s - k/2$, $k^{2} = 4 (s^{2} + c^{2})$, and $z = 1$ at $C = (1 - z_{1}) / (1 - z_{2})$.

Source
    Tu, Aranguri and Jacot (2024) for the setting; the exact form is worked out for this project.

Scope
    Proved for two layers of any widths; a depth other than 2 is refused. $z_{1}$ stands for k and s, which makes the
    root rational. Not proved by machine: that a linear flow keeps 0, that a matrix has one positive square root, that
    the singular vectors of the target bring W to modes, and that $\dot{C} = -k C$ is an exponential.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import multiply_rows
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import as_quotient, equal_quotients, symbol
from workbench.symbolic.restrictions import Restriction, Sample, Shape
from workbench.symbolic.words import Factor, Letter, MatrixPolynomial, Width, identity, matrix, zero

source = {
    "authors": "Zhenfeng Tu, Santiago Aranguri, Arthur Jacot",
    "year": 2024,
    "title": "Mixed dynamics in linear networks: unifying the lazy and active regimes",
    "where": "arXiv:2405.17580",
    "locator": "setting; the exact form is worked out for this project",
    "url": "https://arxiv.org/abs/2405.17580",
}
depths = (2,)
least_depth = 2

HALF = Fraction(1, 2)
LEVEL = Polynomial.symbol("c")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the invariance, the flow that it closes, and the closed form of a mode."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    network = linear_network(2, widths)
    yield from invariance(calculus, network)
    yield from start(network)
    yield from closure(calculus, network)
    inner, hidden, _ = network.widths
    yield from aligned(calculus, linear_network(2, (inner, hidden, inner)))
    yield from mode()


def departures(inner: MatrixPolynomial, side: MatrixPolynomial, outer: MatrixPolynomial) -> list[MatrixPolynomial]:
    """Return the blocks of P J P - c^2 J for P with these blocks and J = diag(I, -I)."""
    square = LEVEL**2
    return [
        inner @ inner - side.T @ side - square * identity(inner.rows),
        side @ inner - outer @ side,
        side @ side.T - outer @ outer + square * identity(outer.rows),
    ]


def invariance(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield that each block of R moves linearly in R, whatever the loss."""
    first, second = network.layer(1), network.layer(2)
    values = departures(first.T @ first, second @ first, second @ second.T)
    names = [Letter(name, v.rows, v.columns) for name, v in zip(("R_11", "R_21", "R_22"), values, strict=True)]
    r11, r21, r22 = (matrix(name) for name in names)
    loss = network.general_loss
    slope = matrix(loss.gradient)
    flow = calculus.flow(loss, network.layers)
    claimed = [
        -(slope.T @ r21) - r21.T @ slope,
        -(slope @ r11) - r22 @ slope,
        -(slope @ r21.T) - r21 @ slope.T,
    ]
    for name, value, right in zip(names, values, claimed, strict=True):
        moving = Letter(f"dot {name.name}", name.rows, name.columns)
        where = (*zip(names, values, strict=True), (moving, calculus.lie_derivative(value, flow)))
        yield Identity(f"flow of {name.name}", matrix(moving), right, where)


def start(network: NetworkWords) -> Iterator[Identity]:
    """Yield that R is zero at a white start."""
    inner, _, outer = network.widths
    values = departures(LEVEL * identity(inner), zero(outer, inner), LEVEL * identity(outer))
    for name, value in zip(("R_11", "R_21", "R_22"), values, strict=True):
        yield Identity(f"{name} at the start", value, zero(value.rows, value.columns))


def closure(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the flow of the end-to-end matrix through the two roots."""
    first, second = network.layer(1), network.layer(2)
    moving = Letter("dot W", network.target.rows, network.target.columns)
    velocity = (moving, calculus.lie_derivative(network.end_to_end, calculus.flow(network.loss, network.layers)))
    gap = -network.error
    right = gap @ first.T @ first + second @ second.T @ gap
    yield Identity("flow of W", matrix(moving), right, (velocity,))


def aligned(calculus: Calculus, network: NetworkWords) -> Iterator[Identity]:
    """Yield the flow of a mode of W, aligned with the target; W is taken square."""
    a, m, s = (Polynomial.symbol(name) for name in ("a", "m", "s"))
    width = network.target.rows
    p11, p22 = (Letter(name, width, width, symmetric=True) for name in ("P_11", "P_22"))
    moving = Letter("dot W", width, width)
    velocity = (moving, calculus.lie_derivative(network.end_to_end, calculus.flow(network.loss, network.layers)))
    read = on_a_mode(network, p11, p22, {"W": a, "P": m, "Phi": s})
    yield Identity("flow of a mode", matrix(moving), 2 * m * (s - a), (velocity,), read)


def on_a_mode(network: NetworkWords, p11: Letter, p22: Letter, values: dict[str, Polynomial]) -> Restriction:
    """Name the three products, and read them as numbers on a common singular pair."""
    lower, upper = network.layers
    product = Letter("W", upper.rows, lower.columns)
    below, above = Factor(lower), Factor(upper)

    def draw(generator: random.Random, shape: Shape) -> Sample:
        one, two = (
            [[Fraction(generator.randint(-3, 3)) for _ in range(c)] for _ in range(r)]
            for r, c in map(shape, (lower, upper))
        )
        gram = multiply_rows([list(row) for row in zip(*one, strict=True)], one)
        outer = multiply_rows(two, [list(row) for row in zip(*two, strict=True)])
        return {lower: one, upper: two, product: multiply_rows(two, one), p11: gram, p22: outer}

    return Restriction(
        name="the products are named, and read on a common singular pair",
        rules=(
            ((above, below), (Factor(product),)),
            ((below.T, below), (Factor(p11),)),
            ((above, above.T), (Factor(p22),)),
        ),
        scalars={product: values["W"], p11: values["P"], p22: values["P"], network.target: values["Phi"]},
        draw=draw,
    )


def mode() -> Iterator[Identity]:
    """Yield that the closed form solves the flow of a mode."""
    c, root, decaying, z = (symbol(name) for name in ("c", "z_1", "C", "z"))
    # The other root is -1/z_1, since z_1 z_2 = (s^2 - k^2/4) / c^2 = -1.
    other = -1 / root
    target, rate = c * (root + other) * HALF, c * (root - other)
    yield equal_quotients("rate", rate**2, 4 * (target**2 + c**2))
    value, size = c * (z - 1 / z) * HALF, c * (z + 1 / z) * HALF
    yield equal_quotients("root in z", size**2, value**2 + c**2)
    velocity = 2 * z * (target - value)
    yield equal_quotients("flow in z", value.derivative({"z": velocity}), 2 * size * (target - value))
    closed = (root - decaying * other) / (1 - decaying)
    wanted = velocity.substitute({"z": closed})
    yield equal_quotients("closed form", closed.derivative({"C": -rate * decaying}), wanted)
    first = (1 - root) / (1 - other)
    yield equal_quotients("start of the closed form", closed.substitute({"C": first}), as_quotient(1))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from a white start, whose loss the modes add up to."""
    return experiment([[["1/2", "0"], ["0", "1/2"], ["0", "0"]], [["0", "0", "1/2"]]])


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from a start of which one layer is larger."""
    return {**experiment([[["1/2", "0"], ["0", "1/2"], ["0", "0"]], [["0", "0", "1"]]]), "without": ["white_start"]}


def experiment(weights: Sequence[Sequence[Sequence[str]]]) -> dict[str, Any]:
    """Return a flow of 3 x 2 and 1 x 3 layers."""
    return {
        "theorem": "white_start",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 3, 1]},
            "loss": {"kind": "square", "target": {"rows": [["1", "-1/2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[list(row) for row in layer] for layer in weights]},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1"}},
        "backend": {"name": "ball", "digits": 20},
    }
