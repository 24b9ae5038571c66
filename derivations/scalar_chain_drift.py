r"""One step of descent on a chain of numbers multiplies each difference of squares by an exact factor.

Claim
    Let $\ell = \frac{1}{2} (P - s)^{2}$ with $P = w_{1} \cdots w_{L}$ and let $w_{i}^{+} = w_{i} - \eta g_{i}$, all at
    once. With $r = P - s$ and $M$ the product of the $w_{k}$ with $k \ne i, j$,
    $(w_{i}^{+})^{2} - (w_{j}^{+})^{2} = (w_{i}^{2} - w_{j}^{2}) (1 - \eta^{2} r^{2} M^{2})$ for $i < j$.

Source
    Derived for this project; the flow's law is Arora, Cohen and Hazan (2018).

Scope
    Proved at the depths asked for, for layers of width 1, all pairs of layers and the square loss with or without
    its factor: r may be any multiple of the slope of a loss at P. That the differences shrink while
    $\eta | r M | \le \sqrt{2}$ is plain from the factor and not proved by machine. Plain descent only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Definitions, Identity
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
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


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the law of each pair of layers."""
    network = number_network(depth)
    symbols = [Polynomial.symbol(f"w_{j}") for j in range(1, depth + 1)]
    read = read_as_numbers(network, symbols, Polynomial.symbol("s"))
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
