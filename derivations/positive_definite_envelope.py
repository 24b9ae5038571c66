r"""Towards a positive definite target each eigenvalue goes monotonically to its root, at a geometric rate.

Claim
    From equal symmetric layers one step takes an eigenvalue $x$ to $x^{+} = x - \eta x^{L-1} (x^{L} - \rho^{L})$.
    If $1 \le x \le \rho$ and $\eta L \rho^{2L-2} \le 1$ then $x \le x^{+} \le \rho$,
    $\rho - x^{+} \le (1 - \eta L)(\rho - x)$ and $\rho^{L} - x^{L} \le L \rho^{L-1} (\rho - x)$.
    If $\rho \le x \le 1$ and $\eta L \le 1$ then $\rho \le x^{+} \le x$,
    $x^{+} - \rho \le (1 - \eta L \rho^{2L-2})(x - \rho)$ and $x^{L} - \rho^{L} \le L (x - \rho)$.

Source
    Bartlett, Helmbold and Long (2018), with the constants worked out for this project.

Scope
    Proved at the depths asked for, by certificates with no negative coefficient. Not proved by machine: the
    induction over the steps, the start $L (\rho - 1) \le \rho \ln \lambda$ (and $L (1 - \rho) \le \ln (1/\lambda)$)
    from $1 - 1/\rho \le \ln \rho$, and the count of steps that follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Definitions, Identity, Inequality, Region
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction, eigenvalues
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "Theorem 2",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (1, 2, 3, 4)
shape = "square"

ONE = Polynomial.constant(1)
A, B, C, X, RHO, ETA = (Polynomial.symbol(name) for name in ("a", "b", "c", "x", "rho", "eta"))


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the recursion of every layer and the inequalities on both sides of 1."""
    network = linear_network(depth, widths)
    read = eigenvalues(network.layers, network.target, RHO**depth)
    steps = []
    for j, layer in enumerate(network.layers, start=1):
        after = Letter(f"W_{j}+", layer.rows, layer.columns)
        gradient = calculus.gradient(network.loss, layer)
        calculus.restrict(gradient, read)
        steps.append((after, matrix(layer) - ETA * gradient))
        recursion = X - ETA * X ** (depth - 1) * (X**depth - RHO**depth)
        yield Identity(f"recursion of layer {j}", matrix(after), recursion, (steps[-1],), read)
    first = matrix(steps[0][0])
    yield from growing(depth, first, (steps[0],), read)
    yield from shrinking(depth, first, (steps[0],), read)


def growing(depth: int, after: MatrixPolynomial, where: Definitions, read: Restriction) -> Iterator[Inequality]:
    """Yield the inequalities for 1 <= x <= rho, through x = 1 + a and rho = 1 + a + b."""
    free = {"x": (ONE + A, ONE), "rho": (ONE + A + B, ONE), "eta": (ETA, ONE)}
    # eta = 1/(L rho^(2L-2) + c) runs through the step sizes with eta L rho^(2L-2) <= 1.
    small = {**free, "eta": (ONE, depth * RHO ** (2 * depth - 2) + C)}
    contracted = RHO - (1 - depth * ETA) * (RHO - X)
    yield Inequality("x <= x+ for x >= 1", X, after, Region(free), where, read)
    yield Inequality("x+ <= rho for x >= 1", after, RHO, Region(small), where, read)
    yield Inequality("contraction for x >= 1", contracted, after, Region(free), where, read)
    bound = depth * RHO ** (depth - 1) * (RHO - X)
    region = Region({name: free[name] for name in ("x", "rho")})
    yield Inequality("error of the power for x >= 1", RHO**depth - X**depth, bound, region)


def shrinking(depth: int, after: MatrixPolynomial, where: Definitions, read: Restriction) -> Iterator[Inequality]:
    """Yield the inequalities for rho <= x <= 1, through the ratios c : c + a : c + a + b."""
    whole = A + B + C
    free = {"x": (C + A, whole), "rho": (C, whole), "eta": (ETA, ONE)}
    small = {**free, "eta": (ONE, depth + Polynomial.symbol("e"))}
    contracted = RHO + (1 - depth * ETA * RHO ** (2 * depth - 2)) * (X - RHO)
    yield Inequality("x+ <= x for x <= 1", after, X, Region(free), where, read)
    yield Inequality("rho <= x+ for x <= 1", RHO, after, Region(small), where, read)
    yield Inequality("contraction for x <= 1", after, contracted, Region(free), where, read)
    region = Region({name: free[name] for name in ("x", "rho")})
    yield Inequality("error of the power for x <= 1", X**depth - RHO**depth, depth * (X - RHO), region)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent at a step size that the claim allows."""
    # The largest eigenvalue is 2, and M^2 = 2^(2-2/L) < 4: a rational on the safe side.
    descent = {"step_size": f"1/{4 * depth}", "stop": {"steps": 60}}
    return experiment(widths, descent, {"scheme": "identity"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent at a step size that the claim does not allow; one layer bears any, and starts far away."""
    if depth == 1:
        run = experiment(widths, {"step_size": "1/4", "stop": {"steps": 8}}, {"scheme": "identity", "scale": "5"})
        return {**run, "without": ["identity_start"]}
    # Near its root the eigenvalue 2 is multiplied by 1 - eta L 2^(2-2/L), larger in size than 1 - eta L.
    run = experiment(widths, {"step_size": f"9/{10 * depth}", "stop": {"steps": 8}}, {"scheme": "identity"})
    return {**run, "without": ["step_size"]}


def experiment(widths: Sequence[int], dynamics: dict[str, Any], start: dict[str, Any]) -> dict[str, Any]:
    """Return a run to a rotated target with the eigenvalues 2, 1/2, 2/3, 3/4, ..."""
    spectrum = ["2", *(f"{r}/{r + 1}" for r in range(1, widths[0]))]
    return {
        "theorem": "positive_definite",
        "problem": {
            "network": {"kind": "linear", "widths": list(widths)},
            "loss": {
                "kind": "square",
                "target": {"family": "spectrum", "eigenvalues": spectrum, "rotate": 1},
                "normalisation": "half",
            },
            "start": start,
        },
        "dynamics": {"name": "gradient_descent", **dynamics},
        "backend": {"name": "ball", "digits": 30},
    }
