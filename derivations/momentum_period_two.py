r"""Heavy ball's orbits of period two are those of descent at a shorter step, and on two layers they are stable in a window.

Claim
    Let $h = \eta / (1 + \beta)$. Heavy ball from $W^{-}$ to $W$ to $W^{+}$ has
    $W^{+} - W^{-} = (1 + \beta) (W - h G - W^{-})$ for every loss: it returns to $W^{-}$ exactly where descent with the
    step $h$ leads from $W$ to $W^{-}$. On two equal numbers $x$ towards $s$, with $z = \sqrt{h} x$ and $a = h s$, it is
    $z^{+} = (1 + \beta) ((1 + a) z - z^{3}) - \beta z^{-}$, which alternates between $z$ and $1/z$ at
    $1 + a = z^{2} + z^{-2}$. Two steps near that orbit have the characteristic polynomial $p$ with
    $p(0) = \beta^{2}$, $p(1) = 2 (1 + \beta)^{2} ((1 + a)^{2} - 4)$ and
    $p(-1) = 2 (5 \beta^{2} + 8 \beta + 5 - (1 + \beta)^{2} (1 + a)^{2})$. Both are positive where
    $1 < a < \sqrt{5 \beta^{2} + 8 \beta + 5} / (1 + \beta) - 1$, whose end falls from $\sqrt{5} - 1$ at $\beta = 0$ to
    $3 / \sqrt{2} - 1$ at $\beta = 1$.

Source
    Worked out for this project; Chen and Bruna (2022) study the cycle of descent.

Scope
    The first claim is proved for any loss of any weights, constant step and momentum; the others for two layers of
    width 1, equal to each other, and the square loss; a depth other than 2 is refused. Not proved by machine: that p
    has its roots inside the unit disc where $p(1)$, $p(-1)$ are positive and $p(0)$ is below 1, and what layers do that
    are not equal. Nesterov's step has other orbits of period two and is not treated. The check is a run from rest,
    which comes ever nearer to the orbit, against the map whose orbit it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus, OpaqueLoss
from workbench.symbolic.identities import Identity
from workbench.symbolic.numbers import number_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Quotient, as_quotient, equal_quotients, symbol
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Lei Chen, Joan Bruna",
    "year": 2022,
    "title": "On gradient descent convergence beyond the edge of stability",
    "where": "arXiv:2206.04172",
    "locator": "setting; momentum is worked out for this project",
    "url": "https://arxiv.org/abs/2206.04172",
}
depths = (2,)
least_depth = 2

A, B, Z, BEFORE = (symbol(name) for name in ("a", "beta", "z", "y"))
BETA = Polynomial.symbol("beta")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the return of heavy ball for any loss, then the map of two equal numbers, its orbit and its window."""
    if depth != 2:
        raise InputError(f"the orbit of this claim is of two layers; depth {depth} was asked for")
    yield returns(calculus, widths)
    yield from steps(calculus)
    yield from orbit()
    yield from window()


def returns(calculus: Calculus, widths: Sequence[Width]) -> Identity:
    """Return the claim that heavy ball comes back where descent with the step h leads there."""
    now, before = (Letter(name, widths[-1], widths[0]) for name in ("W", "W_{-}"))
    loss = OpaqueLoss(matrix(now), Letter("G", widths[-1], widths[0]))
    slope, h = calculus.gradient(loss, now), Polynomial.symbol("h")
    after = Letter("W+", widths[-1], widths[0])
    step = matrix(now) + BETA * (matrix(now) - matrix(before)) - (1 + BETA) * h * slope
    # On the right the gradient of the loss itself, so that a fault in what was derived shows.
    shorter = matrix(now) - h * matrix(loss.gradient)
    right = (1 + BETA) * (shorter - matrix(before))
    return Identity("return of heavy ball for any loss", matrix(after) - matrix(before), right, ((after, step),))


def ball(z: Quotient, before: Quotient, a: Quotient) -> Quotient:
    """Return (1 + beta) ((1 + a) z - z^3) - beta y: heavy ball from y to z and on."""
    return (1 + B) * ((1 + a) * z - z**3) - B * before


def steps(calculus: Calculus) -> Iterator[Identity]:
    """Yield that each layer, times the root r of h, moves by the map."""
    network = number_network(2)
    x, y, s, r = (Polynomial.symbol(name) for name in ("x", "y", "s", "r"))
    image = ball(Quotient(r * x), Quotient(r * y), Quotient(r**2 * s))
    for j, layer in enumerate(network.layers, start=1):
        before, after = Letter(f"Y_{j}", 1, 1), Letter(f"{layer.name}+", 1, 1)
        scalars = {**dict.fromkeys(network.layers, x), before: y, network.target: s}
        read = Restriction(name="the layers are one number, after another", scalars=scalars)
        step = matrix(layer) + BETA * (matrix(layer) - matrix(before))
        where = ((after, step - (1 + BETA) * r**2 * calculus.gradient(network.loss, layer)),)
        left, right = r * matrix(after) * image.denominator, identity(1) * image.numerator
        yield Identity(f"step of layer {j}, r the root of h", left, right, where, read)


def orbit() -> Iterator[Identity]:
    """Yield that z and 1/z take turns, for heavy ball and for descent with the step h."""
    other, size = 1 / Z, Z**2 + 1 / Z**2 - 1
    yield equal_quotients("first half of the orbit", ball(Z, other, size), other)
    yield equal_quotients("second half of the orbit", ball(other, Z, size), Z)
    yield equal_quotients("orbit of descent", (1 + size) * Z - Z**3, other)


def window() -> Iterator[Identity]:
    """Yield the characteristic polynomial of two steps near the orbit, at 0, 1 and -1."""
    size = Z**2 + 1 / Z**2 - 1
    one = as_quotient(1)
    along = ball(Z, BEFORE, A).derivative({"z": one})
    back = ball(Z, BEFORE, A).derivative({"y": one})
    first, second = (along.substitute({"z": z, "a": size}) for z in (Z, 1 / Z))
    # Two steps are [[c_2, b], [1, 0]] [[c_1, b], [1, 0]] on (z, y), with b the slope in y.
    trace, product = second * first + 2 * back, back * back
    square = (1 + size) ** 2
    yield equal_quotients("p(0)", product, B**2)
    yield equal_quotients("p(1)", 1 - trace + product, 2 * (1 + B) ** 2 * (square - 4))
    last = 2 * (5 * B**2 + 8 * B + 5 - (1 + B) ** 2 * square)
    yield equal_quotients("p(-1)", 1 + trace + product, last)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return heavy ball on two equal numbers in the window: a = 11/10 with h = 1/4."""
    return experiment({"name": "heavy_ball", "parameters": {"momentum": "1/2"}})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return Nesterov's step in its place."""
    return {**experiment({"name": "nesterov", "parameters": {"momentum": "1/2"}}), "without": ["heavy_ball"]}


def experiment(dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of two equal numbers towards 22/5 with the step 3/8."""
    return {
        "theorem": "momentum_period_two",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["22/5"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["11/5"]], [["11/5"]]]},
        },
        "dynamics": {"step_size": "3/8", "stop": {"steps": 30}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
