r"""One step of descent on a chain of numbers multiplies each difference of squares by an exact factor.

Claim
    Let $\ell = \frac{1}{2} (P - s)^{2}$ with $P = w_{1} \cdots w_{L}$ and let $w_{i}^{+} = w_{i} - \eta g_{i}$, all at
    once. With $r = P - s$ and $M$ the product of the $w_{k}$ with $k \ne i, j$,
    $(w_{i}^{+})^{2} - (w_{j}^{+})^{2} = (w_{i}^{2} - w_{j}^{2}) (1 - \eta^{2} r^{2} M^{2})$ for $i < j$. For any loss of P,
    r is its slope there. While $\eta^{2} r^{2} M^{2} \le 2$ the factor is between $-1$ and 1.

Source
    Derived for this project; the flow's law is Arora, Cohen and Hazan (2018).

Scope
    Proved at the depths asked for, for layers of width 1, all pairs of layers and the square loss; and for any two
    layers of every depth and any loss of P through the letters of the two and of the product M of the others, which
    numbers allow to be taken last. Plain descent only; each step may have a loss and a step size of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from workbench.symbolic.calculus import Calculus, OpaqueLoss
from workbench.symbolic.identities import Claim, Definitions, Identity, Inequality, Region
from workbench.symbolic.networks import NetworkWords
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter, Width, identity, matrix, multiply

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "discrete form for numbers, derived for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2, 3, 4)
least_depth = 2

# The product of the other layers, and the slope of any loss at the product of all.
OTHERS, SLOPE = Letter("M", 1, 1), Letter("g", 1, 1)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the law of each pair of layers, of any two at every depth, and when the difference shrinks."""
    network = number_network(depth)
    symbols = [Polynomial.symbol(f"w_{j}") for j in range(1, depth + 1)]
    read = read_as_numbers(network, symbols, Polynomial.symbol("s"))
    read = replace(read, scalars={**read.scalars, **{m: Polynomial.symbol(m.name) for m in (OTHERS, SLOPE)}})
    yield from pairs(calculus, network, read)
    yield every_depth(calculus, network, read)
    a, b, z = (Polynomial.symbol(name) for name in ("a", "b", "z"))
    region = Region({"z": (2 * a, a + b)})
    yield Inequality("the difference does not grow", (1 - z) ** 2, Polynomial.constant(1), region)


def every_depth(calculus: Calculus, network: NetworkWords, read: Restriction) -> Identity:
    """Return the law of two layers whose product with all others is M w_2 w_1, for any loss with the slope g."""
    first, second = network.layers[:2]
    loss = OpaqueLoss(matrix(OTHERS) @ matrix(second) @ matrix(first), SLOPE)
    step = calculus.descent_step(loss, (first, second))
    after = [Letter(f"{layer.name}+", 1, 1) for layer in (first, second)]
    where: Definitions = ((after[0], step[first]), (after[1], step[second]))
    pull = Polynomial.symbol("eta") * matrix(SLOPE) @ matrix(OTHERS)
    claimed = (matrix(first) ** 2 - matrix(second) ** 2) @ (identity(1) - pull**2)
    left = matrix(after[0]) ** 2 - matrix(after[1]) ** 2
    return Identity("two layers at every depth by every loss", left, claimed, where, read)


def pairs(calculus: Calculus, network: NetworkWords, read: Restriction) -> Iterator[Identity]:
    """Yield the law of each pair of layers for the square loss."""
    depth = network.depth
    step = calculus.descent_step(network.loss, network.layers)
    eta, residual = Polynomial.symbol("eta"), Letter("r", 1, 1)
    for i, j in combinations(range(depth), 2):
        first, second = network.layers[i], network.layers[j]
        after = [Letter(f"{layer.name}+", 1, 1) for layer in (first, second)]
        others = multiply([matrix(layer) for layer in network.layers if layer not in (first, second)], 1)
        where: Definitions = ((residual, network.error), (after[0], step[first]), (after[1], step[second]))
        change = identity(1) - eta**2 * (matrix(residual) @ others) ** 2
        before = matrix(first) ** 2 - matrix(second) ** 2
        left = matrix(after[0]) ** 2 - matrix(after[1]) ** 2
        yield Identity(f"layers {i + 1} and {j + 1}", left, before @ change, where, read)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a plain descent, which must obey the law."""
    return experiment(depth, {"name": "gradient_descent"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with momentum, which must not."""
    momentum = {"name": "heavy_ball", "parameters": {"momentum": "1/2"}}
    return {**experiment(depth, momentum), "without": ["plain_descent"]}


def experiment(depth: int, dynamics: dict[str, Any]) -> dict[str, Any]:
    """Return a run of a chain of unequal numbers towards 2."""
    return {
        "theorem": "scalar_chain_drift",
        "problem": {
            "network": {"kind": "linear", "widths": [1] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[[f"{j + 1}/{j + 2}"]] for j in range(depth)]},
        },
        "dynamics": {"step_size": "1/16", "stop": {"steps": 30}, **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
