r"""From the identity a mode's time of growth has a limit in great depth, and a first correction in one over the depth.

Claim
    On equal numbers $x$ towards $s$ with $\sigma = x^{L}$ the flow has $x^{2} \dot{\sigma} = L \sigma^{2} (s - \sigma)$.
    So the time times $L$ from $\sigma = 1$ is the integral of $\sigma^{2/L} / (\sigma^{2} (s - \sigma))$, and with
    $\sigma^{2/L} = 1 + \frac{2}{L} \ln \sigma + \dots$ it is $t_{0} + \frac{2}{L} t_{1} + \dots$ with
    $t_{0} = \frac{1}{s} (1 - \frac{1}{\sigma}) + \frac{1}{s^{2}} \ln \frac{\sigma (s - 1)}{s - \sigma}$, which has
    $t_{0}' = 1 / (\sigma^{2} (s - \sigma))$ and is 0 at 1, and
    $t_{1} = - \frac{1}{s \sigma} (\ell + 1) + \frac{\ell^{2}}{2 s^{2}} - \frac{1}{s^{2}} (\ell m + d)$ less its value at 1,
    where $\ell = \ln \sigma$, $m = \ln (1 - \sigma / s)$ and $d$ is the dilogarithm of $\sigma / s$, $d' = - m / \sigma$:
    $t_{1}' = \ell / (\sigma^{2} (s - \sigma))$.

Source
    Worked out for this project; Bartlett, Helmbold and Long (2018) for the start.

Scope
    Proved at the depths asked for, for numbers; from the identity a symmetric target decouples into such numbers. Not
    proved by machine: $1 + y \le e^{y} \le 1 + y + \frac{1}{2} y^{2} e^{y}$ for $y \ge 0$, by which for $s > 1$ the rest
    is between 0 and $\frac{2}{L^{2}} (\ln \sigma)^{2} \sigma^{2/L} t_{0}$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Logarithm, Quotient, as_quotient, equal_quotients, symbol
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "setting; the limit is worked out for this project",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (1, 2, 3, 4, 5)

SIGMA, S, LOG, GAP, DILOG = (symbol(name) for name in ("sigma", "s", "l", "m", "d"))
# How each symbol moves with sigma: the logarithms and the dilogarithm by their derivatives.
ALONG = {
    "sigma": as_quotient(1),
    "l": 1 / SIGMA,
    "m": Logarithm(1 - SIGMA / S).derivative({"sigma": as_quotient(1)}),
    "d": -GAP / SIGMA,
}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the velocity of a mode at this depth, and the slopes of the limit and of the correction."""
    yield velocity(calculus, depth)
    speed = SIGMA**2 * (S - SIGMA)
    yield equal_quotients("slope of the limit", limit_slope(), 1 / speed)
    yield equal_quotients("limit at the start", limit_argument().substitute({"sigma": as_quotient(1)}), as_quotient(1))
    yield equal_quotients("slope of the correction", correction().derivative(ALONG), LOG / speed)


def velocity(calculus: Calculus, depth: int) -> Identity:
    """Return that the product moves by L sigma^2 (s - sigma) / x^2."""
    network = number_network(depth)
    x, s = Polynomial.symbol("x"), S.numerator
    read = read_as_numbers(network, [x] * depth, s)
    moved = calculus.lie_derivative(network.end_to_end, calculus.flow(network.loss, network.layers))
    moving = Letter("dot W", 1, 1)
    value = x**depth
    right = identity(1) * (depth * value**2 * (s - value))
    return Identity("velocity of a mode", x**2 * matrix(moving), right, ((moving, moved),), read)


def limit_argument() -> Quotient:
    """Return what the limit takes the logarithm of; it is 1 at the start, and 1 - 1/sigma is 0."""
    return SIGMA * (S - 1) / (S - SIGMA)


def limit_slope() -> Quotient:
    """Return the derivative of the limit."""
    along = {"sigma": as_quotient(1)}
    return (1 - 1 / SIGMA).derivative(along) / S + Logarithm(limit_argument()).derivative(along) / S**2


def correction() -> Quotient:
    """Return the correction up to a constant."""
    rational = -(LOG + 1) / (S * SIGMA)
    return rational + LOG**2 * Fraction(1, 2) / S**2 - (LOG * GAP + DILOG) / S**2


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from ones, which takes the time that the limit and its correction bound."""
    return experiment(depth, ["1"] * depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from smaller numbers."""
    return {**experiment(depth, ["9/10"] * depth), "without": ["identity_start"]}


def experiment(depth: int, start: Sequence[str]) -> dict[str, Any]:
    """Return a flow of numbers towards 3 that stops before it is there."""
    return {
        "theorem": "depth_limit",
        "problem": {
            "network": {"kind": "linear", "widths": [1] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["3"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[[number]] for number in start]},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": f"1/{8 * depth}"}},
        "backend": {"name": "ball", "digits": 20},
    }
