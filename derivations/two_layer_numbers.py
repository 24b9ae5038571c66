r"""Two layers that are numbers: one step of descent is a map of the product and the imbalance, the flow is solved.

Claim
    Let $p = w_{2} w_{1}$, $q = w_{1}^{2} + w_{2}^{2}$, $D = w_{2}^{2} - w_{1}^{2}$, $r = p - s$, $\ell = \frac{1}{2} r^{2}$.
    Then $q^{2} = D^{2} + 4 p^{2}$, and a step of descent gives $p^{+} = p (1 + \eta^{2} r^{2}) - \eta r q$,
    $q^{+} = q (1 + \eta^{2} r^{2}) - 4 \eta r p$ and $D^{+} = D (1 - \eta^{2} r^{2})$, so that
    $D^{2} - (D^{+})^{2} = D^{2} \eta^{2} r^{2} (2 - \eta^{2} r^{2})$: the sharpness $\sqrt{D^{2} + 4 s^{2}}$ of the minimum
    that the flow would reach falls where $\eta |r| \le \sqrt{2}$. The flow has
    $\dot{p} = q (s - p)$, $\dot{q} = 4 p (s - p)$, $\dot{D} = 0$. With
    $p = \frac{D}{4} (z - \frac{1}{z})$, $q = \frac{D}{2} (z + \frac{1}{z})$, $(w_{1} + w_{2})^{2} = D z$ it is $\dot{z} = 2 s z - \frac{D}{2} (z^{2} - 1)$,
    solved by $z = (z_{1} - C z_{2}) / (1 - C)$ with $\dot{C} = -k C$, $D z_{1} = 2 s + k$, $D z_{2} = 2 s - k$,
    $k^{2} = D^{2} + 4 s^{2}$.

Source
    Saxe, McClelland and Ganguli (2014) for the unbalanced solution; the map is worked out for this project.

Scope
    Proved for two layers of width 1 and the square loss; a depth other than 2 is refused. The solution is for D not
    zero; $z_{1}$ stands for k and s, which makes the root rational. Not proved by machine: that $\dot{C} = -k C$ is
    an exponential, and that the residual decays at the rate k in the limit, which is q at $p = s$.
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
from workbench.symbolic.quotients import equal_quotients, symbol
from workbench.symbolic.words import Letter, Width, identity, matrix

source = {
    "authors": "Andrew M. Saxe, James L. McClelland, Surya Ganguli",
    "year": 2014,
    "title": "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    "where": "ICLR 2014; arXiv:1312.6120",
    "locator": "appendix; the map is worked out for this project",
    "url": "https://arxiv.org/abs/1312.6120",
}
depths = (2,)
least_depth = 2


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the map, the flow and its solution."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    yield from motions(calculus)
    yield from solution()


def motions(calculus: Calculus) -> Iterator[Identity]:
    """Yield what a step and the flow do to the product, the sum of squares and the imbalance."""
    network = number_network(2)
    lower, upper = (matrix(layer) for layer in network.layers)
    read = read_as_numbers(network, [Polynomial.symbol("w_1"), Polynomial.symbol("w_2")], Polynomial.symbol("s"))
    p, q, difference, r = (Letter(name, 1, 1) for name in ("p", "q", "D", "r"))
    values = {p: upper @ lower, q: lower**2 + upper**2, difference: network.defect(1)}
    where = (*values.items(), (r, network.error))
    kept = {name: matrix(name) for name in (p, q, difference, r)}
    yield Identity("root", kept[q] ** 2, kept[difference] ** 2 + 4 * kept[p] ** 2, where, read)
    eta, square = Polynomial.symbol("eta"), kept[r] @ kept[r]
    grown = identity(1) + eta**2 * square
    after = {
        p: kept[p] @ grown - eta * kept[r] @ kept[q],
        q: kept[q] @ grown - 4 * eta * kept[r] @ kept[p],
        difference: kept[difference] @ (identity(1) - eta**2 * square),
    }
    step = calculus.descent_step(network.loss, network.layers)
    flow = calculus.flow(network.loss, network.layers)
    velocities = {p: -kept[q] @ kept[r], q: -4 * kept[p] @ kept[r], difference: 0 * kept[difference]}
    for name, value in values.items():
        stepped, moving = Letter(f"{name.name}+", 1, 1), Letter(f"dot {name.name}", 1, 1)
        new = (stepped, calculus.substitute(value, step))
        yield Identity(f"step of {name.name}", matrix(stepped), after[name], (*where, new), read)
        velocity = (moving, calculus.lie_derivative(value, flow))
        yield Identity(f"flow of {name.name}", matrix(moving), velocities[name], (*where, velocity), read)
        if name == difference:
            pull = eta**2 * square
            lost = kept[name] ** 2 @ pull @ (identity(1) * 2 - pull)
            yield Identity("loss of sharpness", kept[name] ** 2 - matrix(stepped) ** 2, lost, (*where, new), read)


def solution() -> Iterator[Identity]:
    """Yield that the closed form solves the flow, in the coordinate z and back in the product."""
    difference, root, decaying, z = (symbol(name) for name in ("D", "z_1", "C", "z"))
    # k^2 - 4 s^2 = D^2 says that the other root is -1/z_1.
    target, rate = difference * (root - 1 / root) * Fraction(1, 4), difference * (root + 1 / root) * Fraction(1, 2)
    yield equal_quotients("rate", rate**2, difference**2 + 4 * target**2)
    velocity = 2 * target * z - difference * (z**2 - 1) * Fraction(1, 2)
    product, total = difference * (z - 1 / z) * Fraction(1, 4), difference * (z + 1 / z) * Fraction(1, 2)
    yield equal_quotients("root in z", total**2, difference**2 + 4 * product**2)
    # The layers' sum, squared, is q + 2 p.
    yield equal_quotients("sum of the layers", total + 2 * product, difference * z)
    yield equal_quotients("flow in z", product.derivative({"z": velocity}), total * (target - product))
    closed = (root + decaying / root) / (1 - decaying)
    moving = closed.derivative({"C": -rate * decaying})
    wanted = 2 * target * closed - difference * (closed**2 - 1) * Fraction(1, 2)
    yield equal_quotients("closed form", moving, wanted)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent, which must follow the map."""
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
        "theorem": "two_layer_numbers",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["1/2"]], [["3/2"]]]},
        },
        "dynamics": {"step_size": "1/8", "stop": {"steps": 30}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
