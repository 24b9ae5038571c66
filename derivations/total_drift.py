r"""Over a whole descent two numbers lose a share of their imbalance that a closed form tells, up to a proved error.

Claim
    Let $\ell = \frac{1}{2} r^{2}$, $r = p - s$, $p = w_{2} w_{1}$, $D = w_{2}^{2} - w_{1}^{2}$,
    $q = w_{1}^{2} + w_{2}^{2}$, $u = w_{2} + w_{1}$, $v = w_{2} - w_{1}$. Then $D = u v$, $4 p = u^{2} - v^{2}$,
    $2 q = u^{2} + v^{2}$, and $F = \frac{s}{2} \ln | u / v | - \frac{q}{4}$, where $\sinh \ln | u / v | = 2 p / | D |$,
    has $\partial F / \partial p = (s - p) / q$ at constant $D$ and $\dot{F} = r^{2}$ along the flow. With $e = \eta r$ a
    step of descent gives $u^{+} = u (1 - e)$, $v^{+} = v (1 + e)$, so $D^{+} = D (1 - e^{2})$ and
    $F^{+} - F = \frac{s}{2} \ln | \frac{1 - e}{1 + e} | + e p - \frac{1}{4} e^{2} q$. For $| e | < 1$ therefore
    $| \ln (D^{+} / D) + \eta (F^{+} - F) | \le e^{2} (\frac{1}{4} \eta q + \frac{e^{2} / 2 + \eta | s e | / 3}{1 - e^{2}})$,
    so that $\ln | D_{0} / D_{k} |$ is $\eta (F_{k} - F_{0})$ up to a relative error of the order of $\eta$.

Source
    Worked out for this project; the flow's law is Arora, Cohen and Hazan (2018).

Scope
    Proved for two layers of width 1 and the square loss; a depth other than 2 is refused. D and u, v are not zero.
    Two elementary bounds enter by their slopes, $0 \le - \ln (1 - y) - y \le \frac{y^{2}}{2 (1 - y)}$ and
    $0 \le \frac{1}{2} \ln \frac{1 + e}{1 - e} - e \le \frac{e^{3}}{3 (1 - e^{2})}$ for $e \ge 0$: proved is that each side's slope is at least the
    other's and that all vanish at 0. Not proved by machine: that a function with a slope of at least zero grows, the
    sum over the steps with $e^{2} \le - \ln (1 - e^{2})$, and that descent from a given start converges with q
    bounded as the step goes to 0, which makes $\frac{1}{\eta} (D_{\infty} - D_{0})$ go to $- D_{0} (F(s) - F(p_{0}))$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity, Inequality, Region
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Logarithm, Quotient, as_quotient, equal_quotients, symbol
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1; the drift is worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2,)
least_depth = 2

U, V, S, E, ETA = (symbol(name) for name in ("u", "v", "s", "e", "eta"))
P, TOTAL, D = (U**2 - V**2) * Fraction(1, 4), (U**2 + V**2) * Fraction(1, 2), U * V
HALF = Fraction(1, 2)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the motions of u and v, the closed form, its change in a step and the bounds of the remainder."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    yield from motions(calculus)
    yield from closed_form()
    yield from one_step()
    yield from elementary_bounds()


def motions(calculus: Calculus) -> Iterator[Identity]:
    """Yield what u and v are to p, q and D, and how a step and the flow move them."""
    network = number_network(2)
    lower, upper = (matrix(layer) for layer in network.layers)
    read = read_as_numbers(network, [Polynomial.symbol("w_1"), Polynomial.symbol("w_2")], S.numerator)
    plus, minus, r = (Letter(name, 1, 1) for name in ("u", "v", "r"))
    values = {plus: upper + lower, minus: upper - lower}
    where = (*values.items(), (r, network.error))
    u, v, one = matrix(plus), matrix(minus), identity(1)
    yield Identity("D is u v", network.defect(1), u @ v, where, read)
    yield Identity("4 p is a difference", 4 * network.end_to_end, u**2 - v**2, where, read)
    yield Identity("2 q is a sum", 2 * (lower**2 + upper**2), u**2 + v**2, where, read)
    step = calculus.descent_step(network.loss, network.layers)
    flow = calculus.flow(network.loss, network.layers)
    pull = ETA.numerator * matrix(r)
    for letter, sign in ((plus, 1), (minus, -1)):
        stepped, moving = Letter(f"{letter.name}+", 1, 1), Letter(f"dot {letter.name}", 1, 1)
        new = (stepped, calculus.substitute(values[letter], step))
        after = matrix(letter) @ (one - sign * pull)
        yield Identity(f"step of {letter.name}", matrix(stepped), after, (*where, new), read)
        velocity = (moving, calculus.lie_derivative(values[letter], flow))
        right = -sign * matrix(r) @ matrix(letter)
        yield Identity(f"flow of {letter.name}", matrix(moving), right, (*where, velocity), read)


def primitive_slope(velocities: dict[str, Quotient]) -> Quotient:
    """Return the derivative of F when u and v move."""
    return Logarithm(U / V).derivative(velocities) * S * HALF - TOTAL.derivative(velocities) * Fraction(1, 4)


def closed_form() -> Iterator[Identity]:
    """Yield that F has the slope of the integral, in p and in time, and what its logarithm is."""
    residual = P - S
    yield equal_quotients("F along the flow", primitive_slope({"u": -residual * U, "v": residual * V}), residual**2)
    # At constant D, p moves by one when u and v move by these.
    along = {"u": U / TOTAL, "v": -V / TOTAL}
    yield equal_quotients("p moves by one", P.derivative(along), as_quotient(1))
    yield equal_quotients("D does not move", D.derivative(along), as_quotient(0))
    yield equal_quotients("slope of F in p", primitive_slope(along), (S - P) / TOTAL)
    ratio = U / V
    yield equal_quotients("sinh of the logarithm", (ratio - 1 / ratio) * HALF, 2 * P / D)
    yield equal_quotients("cosh of the logarithm", (ratio + 1 / ratio) * HALF, TOTAL / D)


def one_step() -> Iterator[Identity]:
    """Yield what a step does to D, to the argument of the logarithm and to q, and what that leaves of the drift."""
    after = {"u": U * (1 - E), "v": V * (1 + E)}
    yield equal_quotients("step of D", D.substitute(after), D * (1 - E**2))
    yield equal_quotients("step of the logarithm", (U / V).substitute(after), U / V * (1 - E) / (1 + E))
    change = (TOTAL.substitute(after) - TOTAL) * Fraction(1, 4)
    yield equal_quotients("step of q", change, E**2 * TOTAL * Fraction(1, 4) - E * P)
    # ln((1-e)/(1+e)) = -2 artanh e: its first term and e p make up e^2, the first term of -ln(1 - e^2).
    leading = ETA * (E * P - E * S)
    yield equal_quotients("leading terms", leading.substitute({"e": ETA * (P - S)}), (ETA * (P - S)) ** 2)


def elementary_bounds() -> Iterator[Claim]:
    """Yield that the remainders of the logarithm and of artanh grow, and their bounds at least as fast."""
    y, one = symbol("y"), as_quotient(1)
    along_y, along_e = {"y": one}, {"e": one}
    remainder = -Logarithm(1 - y).derivative(along_y) - 1
    yield from between("logarithm", "y", remainder, (y**2 / (2 * (1 - y))).derivative(along_y))
    remainder = Logarithm((1 + E) / (1 - E)).derivative(along_e) * HALF - 1
    yield from between("artanh", "e", remainder, (E**3 / (3 * (1 - E**2))).derivative(along_e))


def between(name: str, variable: str, middle: Quotient, top: Quotient) -> Iterator[Inequality]:
    """Yield 0 <= middle <= top where the variable is in [0, 1); all denominators are positive there."""
    a, b = Polynomial.symbol("a"), Polynomial.symbol("b")
    region, nothing = Region({variable: (a, a + b)}), Polynomial.constant(0)
    yield Inequality(f"remainder of the {name} grows", nothing, middle.numerator, region)
    left, right = middle.numerator * top.denominator, top.numerator * middle.denominator
    yield Inequality(f"bound of the {name} grows faster", left, right, region)
    yield Inequality(f"denominators of the {name}", nothing, middle.denominator * top.denominator, region)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent, which must drift by the closed form up to the error."""
    return experiment({"name": "gradient_descent"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with momentum, which must not."""
    return {
        **experiment({"name": "heavy_ball", "parameters": {"momentum": "1/2"}}),
        "without": ["plain_descent"],
    }


def experiment(dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of two unequal numbers towards 2."""
    return {
        "theorem": "total_drift",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["1/2"]], [["3/2"]]]},
        },
        "dynamics": {"step_size": "1/32", "stop": {"steps": 100}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
