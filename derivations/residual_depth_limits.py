r"""A block of a residual network moves the loss, in great depth, by a linear, a nonlinear or a diffusive generator.

Claim
    Let $\ell = \frac{1}{2} \|H - Y\|_F^2$ with gradient $G$ in the states $H$, and let a block move them by $V$:
    $\ell(H + V) - \ell(H) = \langle G, V \rangle + \frac{1}{2} \|V\|_F^2$. Put $\varepsilon = 1/L$, $z = B h + b$ and
    $\sigma(x) = x + \frac{1}{2} \sigma''(0) x^2 + O(x^3)$.
    *Linear equation.* Where $\delta = L^{-\alpha}$, $A = L^{-\beta} B$, $\alpha + \beta = 1$, $0 < \beta < 1$, and
    $u = L^{-\beta}$, the block moves by $V = \varepsilon (z + \frac{1}{2} \sigma''(0) u z^2 + O(u^2))$, and the
    loss by $\varepsilon \langle G, z \rangle$ first: $dH = (B H + b) ds$. The first correction is
    $\frac{1}{2} \varepsilon u \sigma''(0) \langle G, z^2 \rangle$, of relative order $L^{-\beta}$.
    *Neural equation.* For $\beta = 0$ it is $V = \varepsilon \sigma(z)$, Euler's step of $dH = \sigma(B H + b) ds$, and the
    loss moves by $\varepsilon \langle G, \sigma(z) \rangle + \frac{1}{2} \varepsilon^2 \|\sigma(z)\|_F^2$.
    *Diffusion.* For $V = \sigma(\varepsilon m + \varepsilon^{1/2} n)$, $n = W h + w$ with independent $W$, $w$ of mean
    zero, covariances $\Sigma^A_{ij,ik}$ of $W_{ij}, W_{ik}$ and $\Sigma^b_{ii}$ of $w_i$, the mean of the change of order
    $\varepsilon$ is $\langle G, m + \frac{1}{2} \sigma''(0) Q \rangle + \frac{1}{2} \sum Q$,
    $Q_i = \sum_{jk} h_j h_k \Sigma^A_{ij,ik} + \Sigma^b_{ii}$: the drift gains
    $\frac{1}{2} \sigma''(0) Q$, and $Q$ is the rate of the quadratic variation. The term of order $\varepsilon^{1/2}$ has mean zero.

Source
    The three limits are those of Cohen, Cont, Rossier and Xu (2021), recalled; the expansion is worked out here.

Scope
    The change of the square loss is proved in words, at every width and number of samples; the expansions entry by
    entry for two samples of width 2, the remainders of $\sigma$ being symbols of which nothing is used. Not proved by machine:
    that the blocks' moves add up to the limit (Euler's method and its stochastic form). The check is a descent to the
    linear regime.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.derivation.runs import residual_descent
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.identities import Identity
from workbench.symbolic.polynomials import Polynomial, collect
from workbench.symbolic.quotients import partial
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    Width,
    frobenius_inner,
    matrix,
    squared_frobenius_norm,
)

source = {
    "authors": "Alain-Sam Cohen, Rama Cont, Alain Rossier, Renyuan Xu",
    "year": 2021,
    "title": "Scaling properties of deep residual networks",
    "where": "ICML 2021; arXiv:2105.12245",
    "locator": "depth regimes, recalled; the expansion is worked out for this project",
    "url": "https://arxiv.org/abs/2105.12245",
}
depths = (1,)
shape = "rectangular"

Grid = list[list[Polynomial]]
HALF = Fraction(1, 2)
EPSILON, U, ROOT, CURVATURE = (Polynomial.symbol(name) for name in ("epsilon", "u", "rho", "kappa"))
PAIR = (0, 1)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the change of the loss in words, then the three expansions."""
    states, labels, move = (Letter(name, widths[0], widths[-1]) for name in ("H", "Y", "V"))
    loss = squared_frobenius_norm(matrix(states) - matrix(labels)) * HALF
    gradient = calculus.gradient(loss, states)
    moved = squared_frobenius_norm(matrix(states) + matrix(move) - matrix(labels)) * HALF
    right = frobenius_inner(gradient, matrix(move)) + squared_frobenius_norm(matrix(move)) * HALF
    yield Identity("change of the loss in a block", moved - loss, right)
    slope = at_two_samples(gradient, states, labels)
    yield from linear_equation(slope)
    yield from neural_equation(slope)
    yield from diffusion(slope)


def grid(name: str) -> Grid:
    """Return two rows of two symbols."""
    return [[Polynomial.symbol(f"{name}[{r},{c}]") for c in (1, 2)] for r in (1, 2)]


def at_two_samples(gradient: MatrixPolynomial, states: Letter, labels: Letter) -> Grid:
    """Return the entries of the gradient for two samples of width 2."""
    return evaluate(gradient, {states: grid("H"), labels: grid("Y")}, {}, Polynomial.constant)


def change(move: Grid) -> Polynomial:
    """Return what the move of a block adds to the loss: the loss itself at both places."""
    before, labels = grid("H"), grid("Y")
    total = Polynomial.constant(0)
    for i in PAIR:
        for j in PAIR:
            error = before[i][j] - labels[i][j]
            total = total + ((error + move[i][j]) ** 2 - error**2) * HALF
    return total


def inner(left: Grid, right: Grid) -> Polynomial:
    """Return the inner product of two matrices."""
    return sum((left[i][j] * right[i][j] for i in PAIR for j in PAIR), Polynomial.constant(0))


def arguments() -> Grid:
    """Return B H + b, the bias being added to each sample."""
    weights, states = grid("B"), grid("H")
    bias = [Polynomial.symbol(f"b[{i}]") for i in (1, 2)]
    return [
        [sum((weights[i][k] * states[k][j] for k in PAIR), Polynomial.constant(0)) + bias[i] for j in PAIR]
        for i in PAIR
    ]


def each(function: Any, *grids: Grid) -> Grid:
    """Return a function of the entries."""
    return [[function(*(g[i][j] for g in grids)) for j in PAIR] for i in PAIR]


def linear_equation(slope: Grid) -> Iterator[Identity]:
    """Yield the first two terms where the weights shrink with the depth."""
    z, rest = arguments(), grid("R")
    move = each(lambda x, r: EPSILON * (x + CURVATURE * HALF * U * x**2 + U**2 * r), z, rest)
    first = partial(change(move), "epsilon").substitute({"epsilon": 0})
    yield Identity("linear equation", first.substitute({"u": 0}), inner(slope, z))
    second = partial(first, "u").substitute({"u": 0})
    yield Identity("correction of order u", second, CURVATURE * HALF * inner(slope, each(lambda x: x**2, z)))


def neural_equation(slope: Grid) -> Iterator[Identity]:
    """Yield both terms of Euler's step where the weights keep their size."""
    values = grid("sigma")
    move = each(lambda x: EPSILON * x, values)
    right = EPSILON * inner(slope, values) + EPSILON**2 * HALF * inner(values, values)
    yield Identity("neural equation", change(move), right)


def diffusion(slope: Grid) -> Iterator[Identity]:
    """Yield the means of the terms of order rho = epsilon^(1/2) and epsilon."""
    states, drift, rest = grid("H"), grid("m"), grid("R")
    weights, bias = grid("W"), [Polynomial.symbol(f"w[{i}]") for i in (1, 2)]
    noise = [
        [sum((weights[i][k] * states[k][j] for k in PAIR), Polynomial.constant(0)) + bias[i] for j in PAIR]
        for i in PAIR
    ]
    z = each(lambda m, n: ROOT**2 * m + ROOT * n, drift, noise)
    move = each(lambda x, r: x + CURVATURE * HALF * x**2 + r * x**3, z, rest)
    first = partial(change(move), "rho")
    yield Identity("no drift of order rho", mean(first.substitute({"rho": 0})), Polynomial.constant(0))
    second = partial(first, "rho").substitute({"rho": 0}) * HALF
    variation = [[quadratic_variation(i, [states[k][j] for k in PAIR]) for j in PAIR] for i in PAIR]
    corrected = each(lambda m, q: m + CURVATURE * HALF * q, drift, variation)
    spread = sum((variation[i][j] for i in PAIR for j in PAIR), Polynomial.constant(0))
    yield Identity("drift of order epsilon", mean(second), inner(slope, corrected) + HALF * spread)


def quadratic_variation(i: int, state: Sequence[Polynomial]) -> Polynomial:
    """Return Q_i = sum_jk h_j h_k Sigma^A_{ij,ik} + Sigma^b_ii."""
    total = Polynomial.symbol(f"S_b[{i + 1}]")
    for j in PAIR:
        for k in PAIR:
            total = total + state[j] * state[k] * covariance(f"W[{i + 1},{j + 1}]", f"W[{i + 1},{k + 1}]")
    return total


def covariance(a: str, b: str) -> Polynomial:
    """Return the mean of a product of two entries of the noise: weights and biases are independent."""
    a, b = sorted((a, b))
    if a[0] != b[0]:
        return Polynomial.constant(0)
    return Polynomial.symbol(f"S_b[{a[2]}]" if a == b and a[0] == "w" else f"S_A[{a[2:-1]};{b[2:-1]}]")


def mean(polynomial: Polynomial) -> Polynomial:
    """Return the mean over the noise of a polynomial with at most two factors of it in each term."""
    total = Polynomial.constant(0)
    for monomial, coefficient in polynomial.terms.items():
        noise = [name for name, power in monomial for _ in range(power) if name[0] in "Ww"]
        known = collect([(tuple(pair for pair in monomial if pair[0][0] not in "Ww"), coefficient)])
        if len(noise) != 1:
            total = total + (known * covariance(*noise) if noise else known)
    return total


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent near zero weights, where the linear equation is the limit."""
    return residual_descent(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return one towards a label that asks for large weights."""
    return residual_descent(depth, far=True)
