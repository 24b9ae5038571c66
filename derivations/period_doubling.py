r"""Descent on two equal layers is a cubic map, and its first bifurcations are at exact algebraic step sizes.

Claim
    On equal numbers $x$ towards $s$, with $z = \sqrt{\eta} x$ and $a = \eta s$, a step of descent is
    $f(z) = (1 + a) z - z^{3}$. Its minimum $z^{2} = a$ has the multiplier $1 - 2 a$, which is $-1$ at $a = 1$. Numbers
    with $z_{1} z_{2} = 1$, $z_{1}^{2} + z_{2}^{2} = 1 + a$ are a cycle of period two with the multiplier
    $m = 9 - 2 (1 + a)^{2}$: $m = 1$ at $a = 1$, $m = 0$ at $(1 + a)^{2} = 9/2$, that is $a = 3/\sqrt{2} - 1$, and
    $m = -1$ at $(1 + a)^{2} = 5$, that is $a = \sqrt{5} - 1$, where $g = z_{1} / z_{2}$ has
    $(g^{2} - g - 1)(g^{2} + g - 1) = 0$: the golden ratio. From the critical point $3 z^{2} = 1 + a$ two steps give
    0 at $(1 + a)^{2} = 27/4$, that is $a = 3 \sqrt{3}/2 - 1$, and one step gives the boundary $z^{2} = 2 + a$, where
    $f(z) = -z$, at $a = 2$. There $f(2 \cos \theta) = -2 \cos 3 \theta$.

Source
    Worked out for this project; Chen and Bruna (2022) study the same cycle.

Scope
    Proved for two layers of width 1, equal to each other, and the square loss; a depth other than 2 is refused. It is
    proved where the multipliers and orbits are as said, by factors that vanish there; not by machine: that a multiplier
    between -1 and 1 makes a cycle attract, that the root 2 of $(1 + a - 3)(2 (1 + a) + 3)^{2}$ is the only one with
    $a \ge 0$, and that orbits stay bounded up to $a = 2$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Quotient, as_quotient, equal_quotients, symbol
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Lei Chen, Joan Bruna",
    "year": 2022,
    "title": "On gradient descent convergence beyond the edge of stability",
    "where": "arXiv:2206.04172",
    "locator": "setting; the constants are worked out for this project",
    "url": "https://arxiv.org/abs/2206.04172",
}
depths = (2,)
least_depth = 2

A, Z = symbol("a"), symbol("z")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the cubic map, its cycle of period two and the step sizes at which it changes."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    yield from cubic_steps(calculus)
    yield from cycle()
    yield from critical_orbits()


def cubic(z: Quotient, a: Quotient) -> Quotient:
    """Return f(z) = (1 + a) z - z^3."""
    return (1 + a) * z - z**3


def slope(z: Quotient, a: Quotient) -> Quotient:
    """Return f'(z), by differentiating."""
    return cubic(Z, A).derivative({"z": as_quotient(1)}).substitute({"z": z, "a": a})


def cubic_steps(calculus: Calculus) -> Iterator[Identity]:
    """Yield that each layer, times the root h of the step size, moves by the cubic map."""
    network = number_network(2)
    x, s, h = (Polynomial.symbol(name) for name in ("x", "s", "h"))
    read = read_as_numbers(network, [x, x], s)
    image = cubic(Quotient(h * x), Quotient(h**2 * s))
    for j, layer in enumerate(network.layers, start=1):
        after = Letter(f"{layer.name}+", 1, 1)
        where = ((after, matrix(layer) - h**2 * calculus.gradient(network.loss, layer)),)
        left, right = h * matrix(after) * image.denominator, identity(1) * image.numerator
        yield Identity(f"step of layer {j}, h the root of eta", left, right, where, read)


def cycle() -> Iterator[Identity]:
    """Yield the fixed point's multiplier, the cycle of period two and its multiplier."""
    minimum = A.substitute({"a": Z**2})
    yield equal_quotients("minimum is fixed", cubic(Z, minimum), Z)
    yield equal_quotients("multiplier of the minimum", slope(Z, minimum), 1 - 2 * minimum)
    other = 1 / Z
    size = Z**2 + other**2 - 1
    yield equal_quotients("first half of the cycle", cubic(Z, size), other)
    yield equal_quotients("second half of the cycle", cubic(other, size), Z)
    multiplier = slope(Z, size) * slope(other, size)
    # Each factor names the step size at which the multiplier is what is subtracted.
    for value, square in ((1, Fraction(4)), (0, Fraction(9, 2)), (-1, Fraction(5))):
        name = f"multiplier of the cycle less {value}"
        yield equal_quotients(name, multiplier - value, 2 * (square - (1 + size) ** 2))
    # z_1 / z_2 = z^2 = g: where the multiplier is -1, g is the golden ratio or its inverse.
    ratio = Z**2
    golden = (ratio**2 - ratio - 1) * (ratio**2 + ratio - 1) / ratio**2
    yield equal_quotients("ratio of the cycle at its loss of stability", (1 + size) ** 2 - 5, golden)


def critical_orbits() -> Iterator[Identity]:
    """Yield where the critical point goes to zero, to the boundary, and the map at the boundary's step size."""
    # The critical point as the parameter: 3 z^2 = 1 + a.
    size = 3 * Z**2 - 1
    yield equal_quotients("critical point", slope(Z, size), as_quotient(0))
    once = cubic(Z, size)
    twice = cubic(once, size)
    factor = Fraction(4, 27) * (1 + size) * (Fraction(27, 4) - (1 + size) ** 2)
    yield equal_quotients("two steps from the critical point", twice, once * factor)
    whole = (1 + size - 3) * (2 * (1 + size) + 3) ** 2 / 27
    yield equal_quotients("boundary from the critical point", once**2 - (2 + size), whole)
    boundary = Z**2 - 2
    yield equal_quotients("boundary is turned over", cubic(Z, boundary), -Z)
    # z = w + 1/w is 2 cos(theta) at w = e^(i theta).
    w = symbol("w")
    yield equal_quotients("cosine of the triple angle", cubic(w + 1 / w, as_quotient(2)), -(w**3) - 1 / w**3)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent on a cycle of period two: z = 4/5 and 5/4 at a = 481/400."""
    return experiment("8/5")


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent that starts beside the cycle."""
    return {**experiment("3/2"), "without": ["on_cycle"]}


def experiment(start: str) -> dict[str, Any]:
    """Return a descent of two equal numbers towards 481/100 with step 1/4."""
    return {
        "theorem": "period_doubling",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["481/100"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[[start]], [[start]]]},
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/4", "stop": {"steps": 20}},
        "backend": {"name": "ball", "digits": 30},
    }
