r"""Near zero weights the gradients of a residual network's blocks differ little, and its constants close the argument.

Claim
    With $G_k = S_k^T M_{k+1} h_k^T$ the gradient of block $k$ (see `residual_adjoint`), for neighbouring blocks $k = j + 1$
    $G_k - G_j = (S_k - S_j)^T M_{k+1} h_k^T + S_j^T M_{k+1} (h_k - h_j)^T - S_j^T A_k^T S_k^T M_{k+1} h_j^T$: the slopes, the
    states and the adjoints differ, each by one block. Along the flow $\dot{A}_k = - G_k$ the increment $A_k - A_j$ moves by
    minus this. The rest is arithmetic. Let $c \le \frac{1}{20}$ and $e^c = 1 + c + c^2 w$, $\frac{1}{2} \le w \le 0.5086$. Then
    $q = e^c - 1 + c e^c \le 2.08 c$, $(1 + q)^2 (e^{2c} - 1) + 2 q + q^2 \le 10 c$, $12800 e^{2c} < 16000$,
    $0.4473 e^{2c} \le \frac{1}{2}$ and $0.4473 (2 e^c + c e^{2c}) \le 1$: the constants of `residual_linear_convergence`. For
    $c \le \frac{1}{10}$ and $\frac{1}{2} \le w \le 0.5171$, with $x \in [0, 1]$:
    $(1 - 0.10518 x) (1 - c (1-x)) (1 - c (1 + c x + c^2 x^2 w)) \ge 0.7959$, $e^c + (1+c)^2 e^{2c} \le 2.5832$,
    $\frac{1}{4} 2.5832^2 \cdot 1.10518^4 \le 1500 \cdot 0.0408^2$, $(\frac{7}{4} \cdot 1.10518)^2 \cdot 400 \le 1500$
    and $0.2215 + 0.0408 + \frac{4}{7} \le 1$: those of `residual_descent_convergence`.

Source
    Worked out for this project; Cont, Rossier and Xu (2022) for the setting.

Scope
    The difference of the gradients is proved at the depths asked for, every width, any slopes and states. Not proved by
    machine: the series of $e^c$, which bounds $w$ by its value at the largest $c$; the norms of products by products of
    norms; Gronwall's inequality. Those steps are in the proofs of the two theorems, where each constant is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.derivation.runs import residual_descent
from workbench.symbolic.calculus import Calculus, OpaqueLoss
from workbench.symbolic.identities import Claim, Identity, Inequality, Region
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, identity, matrix, multiply

source = {
    "authors": "Rama Cont, Alain Rossier, Renyuan Xu",
    "year": 2022,
    "title": "Convergence and implicit regularization properties of gradient descent for deep residual networks",
    "where": "arXiv:2204.07261",
    "locator": "linear convergence; the steps are worked out for this project",
    "url": "https://arxiv.org/abs/2204.07261",
}
depths = (2, 3)
least_depth = 2
shape = "square"

C, W, X, A, B, D = (Polynomial.symbol(name) for name in ("c", "w", "x", "a", "b", "d"))
ONE = Polynomial.constant(1)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the difference of neighbouring gradients, then the constants of both theorems."""
    yield from differences(calculus, depth, widths[0])
    yield from flow_constants()
    yield from descent_constants()


def differences(calculus: Calculus, depth: int, width: Width) -> Iterator[Identity]:
    """Yield how the gradients of neighbouring blocks differ, and how the increment moves."""
    branches, slopes = ([Letter(f"{name}_{k}", width, width) for k in range(depth)] for name in ("A", "S"))
    states, end = [Letter(f"h_{k}", width, 1) for k in range(depth)], Letter("G", width, 1)

    def above(k: int) -> MatrixPolynomial:
        """Return the linear map from h_{k+1} to h_L."""
        chain = [identity(width) + matrix(slopes[j]) @ matrix(branches[j]) for j in range(depth - 1, k, -1)]
        return multiply(chain, width)

    gradients = []
    for k, branch in enumerate(branches):
        moved = above(k) @ matrix(slopes[k]) @ matrix(branch) @ matrix(states[k])
        gradients.append(calculus.gradient(OpaqueLoss(moved, end), branch))
    for j in range(depth - 1):
        k = j + 1
        adjoint, upper, lower = (Letter(name, width, size) for name, size in (("M", 1), ("G_k", width), ("G_j", width)))
        where = ((adjoint, above(k).T @ matrix(end)), (upper, gradients[k]), (lower, gradients[j]))
        s_k, s_j, m, h_k, h_j = (matrix(letter) for letter in (slopes[k], slopes[j], adjoint, states[k], states[j]))
        right = (s_k - s_j).T @ m @ h_k.T + s_j.T @ m @ (h_k - h_j).T
        right = right - s_j.T @ matrix(branches[k]).T @ s_k.T @ m @ h_j.T
        yield Identity(f"difference of blocks {k} and {j}", matrix(upper) - matrix(lower), right, where)


def exponential(argument: Polynomial, remainder: Polynomial) -> Polynomial:
    """Return 1 + x + x^2 w."""
    return ONE + argument + argument**2 * remainder


def region(largest: int, remainder: Fraction, *, place: bool = False) -> Region:
    """Return 0 < c <= 1 / largest and 1/2 <= w <= remainder, with x in (0, 1] where it is asked for."""
    ratios = {"c": (ONE, largest + A), "w": (remainder * B + Fraction(1, 2), ONE + B)}
    return Region({**ratios, "x": (ONE, ONE + D)} if place else ratios)


def flow_constants() -> Iterator[Inequality]:
    """Yield the arithmetic of the flow's theorem."""
    small = region(20, Fraction(5086, 10000))
    e = exponential(C, W)
    q = e - 1 + C * e
    yield Inequality("slopes and adjoints together", q, Fraction(208, 100) * C, small)
    yield Inequality("deviation of a block of the kernel", (1 + q) ** 2 * (e**2 - 1) + 2 * q + q**2, 10 * C, small)
    yield Inequality("threshold of the loss", 12800 * e**2, 16000 * ONE, small)
    share = Fraction(4473, 10000)
    yield Inequality("exponent of the increments", share * e**2, Fraction(1, 2) * ONE, small)
    yield Inequality("slope of the increments", share * (2 * e + C * e**2), ONE, small)


def descent_constants() -> Iterator[Inequality]:
    """Yield the arithmetic of the theorem on descent."""
    near, growth = region(10, Fraction(5171, 10000)), Fraction(110518, 100000)
    e = exponential(C, W)
    yield Inequality("states against the inputs", e - 1, (growth - 1) * 10 * C, near)
    path = (1 - (growth - 1) * X) * (1 - C * (1 - X)) * (1 - C * exponential(C * X, W))
    along = region(10, Fraction(5171, 10000), place=True)
    yield Inequality("kernel from below", Fraction(7959, 10000) * ONE, path, along)
    second = Fraction(25832, 10000)
    yield Inequality("second order", e + (1 + C) ** 2 * e**2, second * ONE, near)
    rest = Fraction(408, 10000)
    yield Inequality("remainder", second**2 * growth**4 * Fraction(1, 4) * ONE, 1500 * rest**2 * ONE, near)
    yield Inequality("drift", 400 * (Fraction(7, 4) * growth) ** 2 * ONE, 1500 * ONE, near)
    yield Inequality("largest mode", (growth**2 - 1 + rest + Fraction(4, 7)) * ONE, ONE, near)
    yield Inequality("smallest mode", Fraction(4, 7) * ONE, (Fraction(7959, 10000) ** 2 - rest) * ONE, near)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent that keeps the norms and the increments within their bounds."""
    return residual_descent(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return one towards a label that asks for larger weights."""
    return residual_descent(depth, far=True)
