r"""Beyond the edge of stability two tied groups of numbers move slowly in a plane, along an exact line to an exact gap.

Claim
    Let $m$ copies of $x$ and $m$ copies of $y$ be trained towards 1, $p = x y$, $q = x^{2} + y^{2}$, $D = y^{2} - x^{2}$, $r = p^{m} - 1$,
    $g = \eta r p^{m-1}$. A step of descent gives $p^{+} = p (1 + g^{2}) - g q$ and $D^{+} = D (1 - g^{2})$.
    With $\eta q = a / m$ and the terms in $g^{2}$ left out, $p = 1 + u$ goes to $1 + f(u)$, whose derivatives at 0 are
    $1 - a$, and at $a = 2$ further $f'' = -6 (m-1)$, $f''' = -2 (m-1)(7m-11)$. The second iterate of any $f$ with
    $f(0) = 0$, $f'(0) = -1$ has the third derivative $-2 f''' - 3 f''^{2}$, here $-16 (m-1)(5m-4)$. With
    $c = \frac{8}{3} (m-1)(5m-4) / m^{2}$ the line $v = \frac{2}{c} e + \frac{4}{c^{2}}$ is invariant under $\dot{v} = v (2 e - c v)$,
    $\dot{e} = -2 v$, the distance from it grows by $\frac{c}{2}$ in $e$, and it meets $v = 0$ at
    $-e = 2 / c = \frac{3}{4} m^{2} / ((m-1)(5m-4))$.

Source
    Worked out for this project; Zhu, Wang, Wang, Zhou and Ge (2023) bound the gap for four numbers.

Scope
    Proved at the even depths asked for, $2m \ge 4$. Not proved by machine: that descent with a small step follows the
    plane, $\rho = \eta^{2} v$ being the mean of $r^{2}$ and $\eta S = 2 + \eta^{2} e$. The check is a family of runs, in the
    theorem of this name; here a run of two numbers checks the map of the product and of D.
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
    "authors": "Xingyu Zhu, Zixuan Wang, Xiang Wang, Mo Zhou, Rong Ge",
    "year": 2023,
    "title": "Understanding edge-of-stability training dynamics with a minimalist example",
    "where": "ICLR 2023; arXiv:2210.03294",
    "locator": "setting; the constant is worked out for this project",
    "url": "https://arxiv.org/abs/2210.03294",
}
depths = (4, 6, 8)
least_depth = 4


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the step, its coefficients at the edge and the line of the slow motion."""
    if depth % 2:
        raise InputError(f"this claim is about two groups of equally many layers; depth {depth} was asked for")
    copies = depth // 2
    yield from tied_step(calculus, copies)
    yield from coefficients(copies)
    yield from slow_motion(copies)


def tied_step(calculus: Calculus, copies: int) -> Iterator[Identity]:
    """Yield that the product and the difference of squares of two tied groups move by themselves."""
    network = number_network(2 * copies)
    x, y, eta = (Polynomial.symbol(name) for name in ("x", "y", "eta"))
    read = read_as_numbers(network, [x] * copies + [y] * copies, Polynomial.constant(1))
    lower, upper = network.layers[0], network.layers[-1]
    moved = {layer: matrix(layer) - eta * calculus.gradient(network.loss, layer) for layer in (lower, upper)}
    after_x, after_y = Letter("x+", 1, 1), Letter("y+", 1, 1)
    where = ((after_x, moved[lower]), (after_y, moved[upper]))
    p, q, difference = x * y, x**2 + y**2, y**2 - x**2
    g = eta * (p**copies - 1) * p ** (copies - 1)
    new_product, new_difference = p * (1 + g**2) - g * q, difference * (1 - g**2)
    yield Identity("product", matrix(after_y) @ matrix(after_x), identity(1) * new_product, where, read)
    yield Identity(
        "difference of squares", matrix(after_y) ** 2 - matrix(after_x) ** 2, identity(1) * new_difference, where, read
    )


def limit_step(copies: int) -> Quotient:
    """Return f(u) = u - (a/m) (1 + u)^(m-1) ((1 + u)^m - 1)."""
    u, a = symbol("u"), symbol("a")
    return u - a / copies * (1 + u) ** (copies - 1) * ((1 + u) ** copies - 1)


def slopes(function: Quotient, count: int) -> list[Quotient]:
    """Return the first derivatives in u at u = 0."""
    found = []
    for _ in range(count):
        function = function.derivative({"u": as_quotient(1)})
        found.append(function.substitute({"u": as_quotient(0)}))
    return found


def coefficients(copies: int) -> Iterator[Identity]:
    """Yield the derivatives of the limit of a step, and of its second iterate at the edge."""
    first, *_ = slopes(limit_step(copies), 1)
    yield equal_quotients("multiplier", first, 1 - symbol("a"))
    at_edge = limit_step(copies).substitute({"a": as_quotient(2)})
    _, second, third = slopes(at_edge, 3)
    yield equal_quotients("second derivative", second, as_quotient(-6 * (copies - 1)))
    yield equal_quotients("third derivative", third, as_quotient(-2 * (copies - 1) * (7 * copies - 11)))
    # Of any step with the multiplier -1, by its first three derivatives b and k.
    u, b, k = symbol("u"), symbol("b"), symbol("k")
    twice = [slope.substitute({"b": second, "k": third}) for slope in slopes(_iterated(u, b, k), 3)]
    for name, slope, value in zip(
        ("first", "second", "third"), twice, (1, 0, -16 * (copies - 1) * (5 * copies - 4)), strict=True
    ):
        yield equal_quotients(f"{name} derivative of two steps", slope, as_quotient(value))


def _iterated(u: Quotient, b: Quotient, k: Quotient) -> Quotient:
    """Return f(f(u)) of f(u) = -u + b u^2 / 2 + k u^3 / 6."""

    def step(value: Quotient) -> Quotient:
        return -value + b * value**2 * Fraction(1, 2) + k * value**3 * Fraction(1, 6)

    return step(step(u))


def slow_motion(copies: int) -> Iterator[Identity]:
    """Yield the invariant line of the slow motion and where it ends."""
    c = as_quotient(Fraction(8, 3) * (copies - 1) * (5 * copies - 4) / copies**2)
    # (ln u^2)' = 2 epsilon - c rho with rho = m^2 u^2: the cubic term of two steps is twice -c rho / 2.
    cubic = as_quotient(Fraction(-16 * (copies - 1) * (5 * copies - 4), 6))
    yield equal_quotients("damping", -cubic, c * copies**2)
    e, v = symbol("e"), symbol("v")
    line = 2 / c * e + 4 / c**2
    distance = v - line
    velocities = {"v": v * (2 * e - c * v), "e": -2 * v}
    yield equal_quotients("distance from the line", distance.derivative(velocities), -v * c * distance)
    end = -as_quotient(Fraction(3, 4) * copies**2 / ((copies - 1) * (5 * copies - 4)))
    yield equal_quotients("end of the line", line.substitute({"e": end}), as_quotient(0))
    yield equal_quotients("gap", -end, 2 / c)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent of two numbers, which follows the map of the product and of D."""
    return experiment({"name": "gradient_descent"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with momentum, which does not."""
    return {**experiment({"name": "heavy_ball", "parameters": {"momentum": "1/2"}}), "without": ["plain_descent"]}


def experiment(dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of two unequal numbers towards 1 with a step above the edge."""
    return {
        "theorem": "two_layer_numbers",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["1"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["3"]], [["1/4"]]]},
        },
        "dynamics": {"step_size": "9/40", "stop": {"steps": 30}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
