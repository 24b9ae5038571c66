r"""With one output a balanced flow moves in a plane: a length and an angle, solved in closed form for two layers.

Claim
    Let $d_{L} = 1$, let the layers be balanced, $\rho = | W |$, $s = | \Phi |$ and $\cos \theta = W \Phi^{T} / (\rho s)$.
    Along the flow $\dot{\rho} = L \rho^{2-2/L} (s \cos \theta - \rho)$ and
    $\dot{\theta} = - s \rho^{1-2/L} \sin \theta$. For $L = 2$ they are solved by
    $\tan \frac{\theta}{2} = e^{-(s t + b)}$ and
    $\rho = \cosh^{2} (s t + b) / (\frac{1}{\rho_{0}} \cosh^{2} b + t + \frac{1}{2 s} (\sinh (2 s t + 2 b) - \sinh 2 b))$ from any length
    $\rho_{0} > 0$ and any angle $\theta_{0}$ between zero and half a turn, with $e^{-b} = \tan \frac{\theta_{0}}{2}$.

Source
    Worked out for this project; the flow of the product is Arora, Cohen and Hazan (2018).

Scope
    Proved at the depths asked for and every width but the last, which is 1 whatever is given in its place. Balanced
    layers enter as $W_{j} = y Q_{j} Q_{j-1}^{T}$ with unit vectors $Q_{j}$ and $\rho = y^{L}$, $u$ stands for
    $e^{s t + b}$, and half an angle for the whole. Not proved by machine: that balanced layers with one output are of
    rank one and have this form, and that the solution is the only one. The angles zero and half
    a turn are not covered; the length then obeys the first equation with $\cos \theta = 1$ or $-1$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.frames import rank_one_frames
from workbench.symbolic.identities import Claim, Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Quotient, as_quotient, equal_quotients, partial, symbol
from workbench.symbolic.words import TracePolynomial, Width, identity, matrix, trace, trace_constant

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1; the solution is worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
least_depth = 2

# a = Phi v with the direction v of W, its square, and Phi Phi^T.
Y, A, A_SQUARED, TARGET = (Polynomial.symbol(name) for name in ("y", "a", "a2", "s2"))
S, C, TURN, U = (symbol(name) for name in ("s", "c", "h", "u"))


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the velocities in words, in polar coordinates and, for two layers, of the closed form."""
    yield from velocities(calculus, depth, widths)
    yield from polar(depth)
    if depth == 2:
        yield from solution()


def stretching(depth: int) -> Polynomial:
    """Return W' W^T, half the velocity of the squared length."""
    return -depth * Y ** (2 * depth - 2) * (Y ** (2 * depth) - Y**depth * A)


def turning(depth: int) -> Polynomial:
    """Return W' Phi^T, the velocity of the overlap with the target."""
    overlap = Y**depth * A
    return -(Y ** (2 * depth - 2)) * (overlap - TARGET + (depth - 1) * (overlap - A_SQUARED))


def velocities(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield both velocities, read off the flow of the layers."""
    network = linear_network(depth, (*widths[:-1], 1))
    frames = rank_one_frames(network.layers, Y * identity(1))
    direction, target = frames.frames[0], matrix(network.target)
    flow = calculus.flow(network.loss, network.layers)
    moving = calculus.lie_derivative(network.end_to_end, flow)
    meaning = {
        A.symbols[0]: trace(target @ direction),
        A_SQUARED.symbols[0]: trace(target @ direction @ direction.T @ target.T),
        TARGET.symbols[0]: trace(target @ target.T),
    }
    for name, factor, claimed in (
        ("half the velocity of the squared length", network.end_to_end, stretching(depth)),
        ("velocity of the overlap", target, turning(depth)),
    ):
        left = frames.apply(calculus, moving @ factor.T)
        yield Identity(name, trace(left), as_trace(claimed, meaning))


def as_trace(polynomial: Polynomial, meaning: dict[str, TracePolynomial]) -> TracePolynomial:
    """Return a polynomial that is linear in some symbols, with these read as traces."""
    total = trace_constant(polynomial.substitute(dict.fromkeys(meaning, 0)))
    for name, value in meaning.items():
        total = total + value * partial(polynomial, name)
    return total


def polar(depth: int) -> Iterator[Identity]:
    """Yield the velocities of the length and of the angle."""
    length = as_quotient(Y**depth)
    read = {A.symbols[0]: S * C, A_SQUARED.symbols[0]: (S * C) ** 2, TARGET.symbols[0]: S**2}
    growth = as_quotient(stretching(depth)).substitute(read) / length
    yield equal_quotients("length", growth, depth * Y ** (2 * depth - 2) * (S * C - length))
    overlap = as_quotient(turning(depth)).substitute(read)
    cosine = (overlap - growth * S * C) / (length * S)
    yield equal_quotients("cosine of the angle", cosine, S * Y ** (depth - 2) * (1 - C**2))
    # With h = tan(theta/2) the angle has cosine and sine rational in h, and (cos)' = -sin theta'.
    angle = -S * Y ** (depth - 2) * sine()
    yield equal_quotients("angle", cosine.substitute({"c": cosine_of_half()}), -sine() * angle)


def cosine_of_half() -> Quotient:
    """Return the cosine of an angle in the tangent of half of it."""
    return (1 - TURN**2) / (1 + TURN**2)


def sine() -> Quotient:
    """Return the sine of an angle in the tangent of half of it."""
    return 2 * TURN / (1 + TURN**2)


def solution() -> Iterator[Identity]:
    """Yield that the closed form of two layers solves both equations and starts where it should."""
    start, time, offset, below, term = (symbol(name) for name in ("rho_0", "t", "k", "n", "z"))
    along = {"u": S * U, "t": as_quotient(1)}
    cosine = cosine_of_half().substitute({"h": 1 / U})
    yield equal_quotients("closed form of the angle", cosine.derivative(along), S * (1 - cosine**2))
    denominator = offset + time + sinh_of_twice(U) / (2 * S)
    growth = 2 * cosh(U) ** 2
    yield equal_quotients("velocity of the denominator", denominator.derivative(along), growth)
    length = cosh(U) ** 2 / below
    moving = length.derivative({**along, "n": growth})
    yield equal_quotients("closed form of the length", moving, 2 * length * (S * cosine - length))
    # At t = 0 the denominator is k + z with z = sinh(2b) / (2s).
    first = (cosh(U) ** 2 / start - term) + term
    yield equal_quotients("start of the length", cosh(U) ** 2 / first, start)


def cosh(exponential: Quotient) -> Quotient:
    """Return cosh x at e^x."""
    return (exponential + 1 / exponential) * Fraction(1, 2)


def sinh_of_twice(exponential: Quotient) -> Quotient:
    """Return sinh 2x at e^x."""
    return (exponential**2 - 1 / exponential**2) * Fraction(1, 2)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of two balanced layers from more than a right angle off the target."""
    # Both layers are 1/2 times unit vectors: (-3/5, 4/5) in, (4/5, 3/5) between.
    return experiment([[["-6/25", "8/25"], ["-9/50", "6/25"]], [["2/5", "3/10"]]])


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return the same with the second layer doubled, which is not balanced."""
    layers = [[["-6/25", "8/25"], ["-9/50", "6/25"]], [["4/5", "3/5"]]]
    return {**experiment(layers), "without": ["balanced_start"]}


def experiment(layers: Sequence[Any]) -> dict[str, Any]:
    """Return a flow of two layers with one output towards a vector of length 5/4."""
    return {
        "theorem": "vector_output",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 2, 1]},
            "loss": {"kind": "square", "target": {"rows": [["1", "3/4"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": list(layers)},
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1"}},
        "backend": {"name": "mp", "digits": 20},
    }
