r"""The closed forms of a mode's growth along the flow, differentiated back.

Claim
    On equal layers $x$ towards $s$ each layer moves by $\dot{x} = x^{L-1} (s - x^{L})$, so $t = F(x) - F(x_{0})$ with
    $F' = 1 / \dot{x}$. For $L = 1$, $F = -\ln (s - x)$. For $L = 2$, $F = \frac{1}{2s} \ln (x^{2} / (s - x^{2}))$, and
    $\sigma = x^{2} = s \sigma_{0} u / (\sigma_{0} u - \sigma_{0} + s)$ with $u = e^{2 s t}$. For $L = 3$, $s = a^{3}$,
    $F = \frac{1}{s} (-\frac{1}{x} - \frac{1}{3 a} \ln (a - x) + \frac{1}{6 a} \ln (x^{2} + a x + a^{2}) - \frac{1}{\sqrt{3} a} \arctan \frac{2 x + a}{\sqrt{3} a})$.
    For $L = 4$, $s = b^{2}$,
    $F = \frac{1}{2} (-\frac{1}{s x^{2}} + \frac{1}{2 b^{3}} \ln \frac{b + x^{2}}{b - x^{2}})$. For every $L \ge 3$,
    $F = \frac{x^{2-L}}{(2-L) s} H(x^{L} / s)$ with $z H' + c H = c / (1 - z)$, $c = (2-L) / L$, which solves Gauss's
    equation with the parameters $1, c, c + 1$. In the limit $L \to \infty$ with time $L t$, where
    $\dot{\sigma} = \sigma^{2} (s - \sigma)$, $F = \frac{1}{s^{2}} \ln \frac{\sigma}{s - \sigma} - \frac{1}{s \sigma}$.

Source
    Saxe, McClelland and Ganguli (2014) for two layers; the others are worked out for this project.

Scope
    Proved at the depths asked for, for numbers; a mode of aligned balanced layers is such a number. Not proved by
    machine: that H with $H(0) = 1$ is the hypergeometric function (it is the one solution that is regular at 0), and
    that the equation of depth L goes to the limit equation with its solutions; only the limit's closed form is
    proved. The closed forms are stated for $0 < x^{L} < s$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Arctangent, Logarithm, Quotient, as_quotient, equal_quotients, symbol
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Andrew M. Saxe, James L. McClelland, Surya Ganguli",
    "year": 2014,
    "title": "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    "where": "ICLR 2014; arXiv:1312.6120",
    "locator": "two layers; other depths worked out for this project",
    "url": "https://arxiv.org/abs/1312.6120",
}
depths = (1, 2, 3, 4)

X, S, A, B = (symbol(name) for name in ("x", "s", "a", "b"))
ALONG_X = {"x": as_quotient(1)}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield that each closed form of this depth has the slope of one over the velocity."""
    forms = {1: first, 2: second, 3: third, 4: fourth}
    if depth in forms:
        slope, target = forms[depth]()
        yield from inverse_velocities(calculus, depth, slope, target, "closed form")
    if depth == 2:
        yield logistic()
    if depth >= 3:
        yield from inverse_velocities(calculus, depth, hypergeometric(depth), S.numerator, "hypergeometric form")
        yield gauss_equation()
    yield limit()


def inverse_velocities(
    calculus: Calculus, depth: int, slope: Quotient, target: Polynomial, which: str
) -> Iterator[Identity]:
    """Yield, for each layer, that the slope of F times the layer's velocity is 1."""
    network = number_network(depth)
    read = read_as_numbers(network, [X.numerator] * depth, target)
    for j, layer in enumerate(network.layers, start=1):
        velocity = Letter(f"dot {layer.name}", 1, 1)
        where = ((velocity, -calculus.gradient(network.loss, layer)),)
        left, right = matrix(velocity) * slope.numerator, identity(1) * slope.denominator
        yield Identity(f"{which} of layer {j}", left, right, where, read)


def first() -> tuple[Quotient, Polynomial]:
    """Return the slope of F for one layer, and the target."""
    return -Logarithm(S - X).derivative(ALONG_X), S.numerator


def second() -> tuple[Quotient, Polynomial]:
    """Return the slope of F for two layers, and the target."""
    return Logarithm(X**2 / (S - X**2)).derivative(ALONG_X) / (2 * S), S.numerator


def third() -> tuple[Quotient, Polynomial]:
    """Return the slope of F for three layers, and the target a^3."""
    slope = (-1 / X).derivative(ALONG_X) - Logarithm(A - X).derivative(ALONG_X) / (3 * A)
    slope = slope + Logarithm(X**2 + A * X + A**2).derivative(ALONG_X) / (6 * A)
    slope = slope - Arctangent(2 * X + A, 3 * A.numerator**2).derivative(ALONG_X)
    return slope / A**3, A.numerator**3


def fourth() -> tuple[Quotient, Polynomial]:
    """Return the slope of F for four layers, and the target b^2."""
    rational = (-1 / (B**2 * X**2)).derivative(ALONG_X)
    logarithm = Logarithm((B + X**2) / (B - X**2)).derivative(ALONG_X) / (2 * B**3)
    return (rational + logarithm) * Fraction(1, 2), B.numerator**2


def hypergeometric(depth: int) -> Quotient:
    """Return the slope of F at any depth from three on, through the equation of H."""
    function, exponent, argument = symbol("H"), Fraction(2 - depth, depth), X**depth / S
    moving = (exponent / (1 - argument) - exponent * function) / argument * argument.derivative(ALONG_X)
    power = 1 / ((2 - depth) * S * X ** (depth - 2))
    return (power * function).derivative({**ALONG_X, "H": moving})


def gauss_equation() -> Identity:
    """Return that the first-order equation implies Gauss's with the parameters 1, c and c + 1."""
    z, function, c = symbol("z"), symbol("H"), symbol("c")
    once = (c / (1 - z) - c * function) / z
    twice = once.derivative({"z": as_quotient(1), "H": once})
    left = z * (1 - z) * twice + (c + 1 - (c + 2) * z) * once
    return equal_quotients("Gauss's equation", left, c * function)


def logistic() -> Identity:
    """Return that the closed form of two layers solves the equation of the product."""
    u, start = symbol("u"), symbol("sigma_0")
    sigma = S * start * u / (start * u - start + S)
    return equal_quotients("logistic form", sigma.derivative({"u": 2 * S * u}), 2 * sigma * (S - sigma))


def limit() -> Identity:
    """Return that the closed form of the limit has the slope of one over its velocity."""
    sigma, along = symbol("sigma"), {"sigma": as_quotient(1)}
    slope = Logarithm(sigma / (S - sigma)).derivative(along) / S**2 - (1 / (S * sigma)).derivative(along)
    return equal_quotients("limit of great depth", slope, 1 / (sigma**2 * (S - sigma)))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from equal numbers, which takes the time of the closed form."""
    return experiment(depth, [["1/2"]] * depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from unequal numbers; one layer has nothing to be unequal to, and descends with large steps."""
    if depth == 1:
        run = experiment(depth, [["1/2"]])
        descent = {"name": "gradient_descent", "step_size": "1/4", "stop": {"steps": 3}}
        return {**run, "dynamics": descent, "without": ["gradient_flow"]}
    return {**experiment(depth, [["1/4"], ["1"], *[["1/2"]] * (depth - 2)]), "without": ["equal_start"]}


def experiment(depth: int, start: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a flow of numbers towards 1 that stops before it is there."""
    return {
        "theorem": "mode_closed_forms",
        "problem": {
            "network": {"kind": "linear", "widths": [1] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[row] for row in start]},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1/2"}},
        "backend": {"name": "mp", "digits": 20},
    }
