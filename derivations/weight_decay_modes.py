r"""Weight decay on equal layers leaves a mode where it meets a power of the mode, and lets go of it at exact levels.

Claim
    On equal numbers $x$ towards $s$ the gradient of
    $\frac{1}{2} (x^{L} - s)^{2} + \frac{\lambda}{2} \sum_{j} w_{j}^{2}$ in each layer is
    $x (x^{L-2} (x^{L} - s) + \lambda)$, which vanishes where $\lambda = x^{L-2} (s - x^{L})$. That level has the slope
    $x^{L-3} ((L-2) s - (2L-2) x^{L})$ for $L \ge 3$, zero at $\sigma = x^{L} = (L-2) s / (2L-2)$. At such a point the
    objective exceeds its value at 0 by $\frac{1}{2} x^{L} ((L-2) s - (L-1) x^{L})$, zero at $\sigma = (L-2) s / (L-1)$;
    for $L = 2$ the point is the soft threshold $\sigma = s - \lambda$.

Source
    Worked out for this project.

Scope
    Proved at the depths asked for, for layers that are equal numbers. Not proved by machine: that descent goes to
    equal layers, that a target of several modes decouples, that the least sum of squares over factorisations is a
    Schatten quasi-norm, and which stationary point is the global minimum between the levels. The check is a run of
    the step on equal numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.numbers import number_network, read_as_numbers
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import partial
from workbench.symbolic.words import Letter, Width, identity, matrix, squared_frobenius_norm, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "setting; the levels are worked out for this project",
    "url": "https://arxiv.org/abs/1802.06509",
}
depths = (2, 3, 4)
least_depth = 2

X, S, LAMBDA = (Polynomial.symbol(name) for name in ("x", "s", "lambda"))
HALF = Fraction(1, 2)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the gradients, the level at which they vanish, its slope and the objective there."""
    objective = HALF * (X**depth - S) ** 2 + HALF * depth * LAMBDA * X**2
    yield from gradients(calculus, depth, objective)
    level = X ** (depth - 2) * (S - X**depth)
    excess = (objective - HALF * S**2).substitute({"lambda": level})
    claimed = HALF * X**depth * ((depth - 2) * S - (depth - 1) * X**depth)
    yield Identity("objective above its value at zero", excess, claimed)
    if depth >= 3:
        slope = X ** (depth - 3) * ((depth - 2) * S - (2 * depth - 2) * X**depth)
        yield Identity("slope of the level", partial(level, "x"), slope)
    else:
        threshold = Polynomial.symbol("sigma")
        yield Identity("soft threshold", S - level, threshold, (("sigma", X**2),))


def gradients(calculus: Calculus, depth: int, objective: Polynomial) -> Iterator[Identity]:
    """Yield the gradient of each layer, that it vanishes at the level, and that they add up to the slope."""
    network = number_network(depth)
    loss = network.loss
    for layer in network.layers:
        loss = loss + squared_frobenius_norm(matrix(layer)) * (HALF * LAMBDA)
    read = read_as_numbers(network, [X] * depth, S)
    total = zero(1, 1)
    level = X ** (depth - 2) * (S - X**depth)
    for j, layer in enumerate(network.layers, start=1):
        slope, gradient = Letter(f"G_{j}", 1, 1), calculus.gradient(loss, layer)
        total = total + gradient
        claimed = X * (LAMBDA - level)
        yield Identity(f"gradient of layer {j}", matrix(slope), identity(1) * claimed, ((slope, gradient),), read)
    yield Identity("sum of the gradients", total, identity(1) * partial(objective, "x"), under=read)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent with weight decay from equal numbers."""
    return experiment([["1"]] * depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return the same from unequal numbers."""
    return {**experiment([["1/2"], ["2"], *[["1"]] * (depth - 2)]), "without": ["equal_start"]}


def experiment(start: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a descent of numbers with weight decay towards 2."""
    return {
        "theorem": "weight_decay_modes",
        "problem": {
            "network": {"kind": "linear", "widths": [1] * (len(start) + 1)},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[row] for row in start]},
        },
        "dynamics": {
            "name": "weight_decay",
            "step_size": "1/32",
            "parameters": {"decay": "1/4"},
            "stop": {"steps": 30},
        },
        "backend": {"name": "ball", "digits": 30},
    }
