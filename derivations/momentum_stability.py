r"""Heavy ball and Nesterov's descent are stable up to exact step sizes, by a quadratic form that never grows.

Claim
    Let the Hessian of a loss have the eigenvalue $S$ in the direction $Z$. Along $z^{k} Z$ heavy ball is linear with
    $z^{2} = (1 + \beta - \eta S) z - \beta$, and Nesterov's step, whose points obey
    $Y^{+} = (1 + \beta) (Y - \eta G) - \beta (Y^{-} - \eta G^{-})$, with
    $z^{2} = (1 + \beta) (1 - \eta S) z - \beta (1 - \eta S)$. Write $p(z) = z^{2} - \tau z + \delta$. Then
    $p(1) = \eta S$ for both, $p(-1) = 2 (1 + \beta) - \eta S$ for heavy ball and
    $p(-1) = 2 (1 + \beta) - (1 + 2 \beta) \eta S$ for Nesterov. On $w = \tau u - \delta v$ the form
    $2 Q(u, v) = p(1) (u + v)^{2} + p(-1) (u - v)^{2}$ has $Q(w, u) = Q(u, v) - (1 - \delta) (w - v)^{2}$ and
    $2 p(1) p(-1) v^{2} \le (p(1) + p(-1)) Q(u, v)$. So a mode stays bounded where $0 < \eta S < 2 (1 + \beta)$, and
    where $0 < \eta S < 2 (1 + \beta) / (1 + 2 \beta)$, if $0 \le \beta < 1$.

Source
    The bounds are those of Cohen, Kaur, Li, Kolter and Talwalkar (2021); the form is worked out for this project.

Scope
    Proved for any loss of any weights in one eigendirection of its Hessian, linearised there, for a constant step and
    momentum. Not proved by machine: that Q is positive definite where $p(1)$ and $p(-1)$ are positive, that a form which
    falls until $w = v$ lets the mode go to zero, and what nonlinear runs do. The two forms of Nesterov's step are the
    same in $Y = W + \beta V$. The check is a run of one layer, which is linear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.symbolic.calculus import Calculus, OpaqueLoss
from workbench.symbolic.dynamics import BETA, ETA, heavy_ball, look_ahead, nesterov, shifted_nesterov, velocity_of
from workbench.symbolic.identities import Claim, Identity, Inequality, Region
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Factor, Letter, MatrixPolynomial, Width, matrix

source = {
    "authors": "Jeremy M. Cohen, Simran Kaur, Yuanzhi Li, J. Zico Kolter, Ameet Talwalkar",
    "year": 2021,
    "title": "Gradient descent on neural networks typically occurs at the edge of stability",
    "where": "ICLR 2021; arXiv:2103.00065",
    "locator": "stability with momentum; the form is worked out for this project",
    "url": "https://arxiv.org/abs/2103.00065",
}
any_gradient = ("Nesterov's points in two steps", "point of the step that looks ahead")
depths = (1,)
least_depth = 1

HALF = Fraction(1, 2)
Z, S, TAU, DELTA, U, V = (Polynomial.symbol(name) for name in ("z", "S", "tau", "delta", "u", "v"))
ONE = Polynomial.constant(1)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Claim]:
    """Yield the characteristic polynomials, their values at 1 and -1, and the form that never grows."""
    now, before = (Letter(name, widths[-1], widths[0]) for name in ("W", "W_{-}"))
    slope, slope_before = (Letter(name, widths[-1], widths[0]) for name in ("G", "G_{-}"))
    loss, loss_before = OpaqueLoss(matrix(now), slope), OpaqueLoss(matrix(before), slope_before)
    direction = Letter("Z", widths[-1], widths[0])
    mode = {
        now: Z * matrix(direction),
        before: matrix(direction),
        slope: S * Z * matrix(direction),
        slope_before: S * matrix(direction),
    }
    ball = heavy_ball(calculus, loss, (now,))[now].substitute({velocity_of(now): matrix(now) - matrix(before)})
    last = 2 * (1 + BETA) - ETA * S
    yield from linear(calculus, "heavy ball", ball, mode, direction, ((1 + BETA - ETA * S), BETA, last))
    shifted = shifted_nesterov(calculus, loss, (now,))
    old = matrix(before) - ETA * calculus.gradient(loss_before, before)
    two_steps = (1 + BETA) * (matrix(now) - ETA * calculus.gradient(loss, now)) - BETA * old
    yield Identity("Nesterov's points in two steps", shifted[now], two_steps, under=carried(now, before, slope_before))
    kept = 1 - ETA * S
    last = 2 * (1 + BETA) - (1 + 2 * BETA) * ETA * S
    yield from linear(calculus, "Nesterov", two_steps, mode, direction, ((1 + BETA) * kept, BETA * kept, last))
    yield from forms(calculus, loss, now)
    yield from energy()


def linear(
    calculus: Calculus,
    name: str,
    step: MatrixPolynomial,
    mode: dict[Letter, MatrixPolynomial],
    direction: Letter,
    claimed: tuple[Polynomial, Polynomial, Polynomial],
) -> Iterator[Claim]:
    """Yield how a step moves the mode z^k Z, and the values of its characteristic polynomial at 1 and -1."""
    tau, delta, last = claimed
    moved = Letter("dot W+", direction.rows, direction.columns)
    velocity = calculus.lie_derivative(step, mode)
    yield Identity(f"{name} on a mode", matrix(moved), (tau * Z - delta) * matrix(direction), ((moved, velocity),))
    found = velocity.terms.get((Factor(direction),), Polynomial({}))
    characteristic = Z**2 - found
    yield Identity(f"{name} at z = 1", characteristic.substitute({"z": 1}), ETA * S)
    yield Identity(f"{name} at z = -1", characteristic.substitute({"z": -1}), last)
    # 1 - delta is positive: beta = b / (1 + b) runs through [0, 1).
    b = Polynomial.symbol("b")
    region = Region({"S": (S, ONE), "eta": (ETA, ONE), "beta": (b, 1 + b)})
    product = characteristic.substitute({"z": 0})
    yield Inequality(f"product of the roots of {name}", product, ONE, region)


def carried(now: Letter, before: Letter, slope: Letter) -> Restriction:
    """Suppose that Y_- - eta G_- = Y - beta V, the point that the last step led to."""
    point = matrix(now) - BETA * matrix(velocity_of(now)) + ETA * matrix(slope)
    return Restriction(name="the velocity is that of the last step", letters={before: point})


def forms(calculus: Calculus, loss: OpaqueLoss, now: Letter) -> Iterator[Claim]:
    """Yield that the step which looks ahead is the shifted one in Y = W + beta V; G is the gradient at Y."""
    ahead = nesterov(calculus, loss, (now,))
    shifted = shifted_nesterov(calculus, loss, (now,))
    speed = velocity_of(now)
    point = ahead[now] + BETA * ahead[speed]
    yield Identity("point of the step that looks ahead", point, shifted[now].substitute(look_ahead((now,))))


def energy() -> Iterator[Claim]:
    """Yield that Q falls by a square, and that it bounds each of its arguments."""
    high, low = 1 - TAU + DELTA, 1 + TAU + DELTA

    def form(u: Polynomial, v: Polynomial) -> Polynomial:
        return (high * (u + v) ** 2 + low * (u - v) ** 2) * HALF

    after = TAU * U - DELTA * V
    yield Identity("fall of Q", form(after, U), form(U, V) - (1 - DELTA) * (after - V) ** 2)
    gap = (high + low) * form(U, V) - 2 * high * low * V**2
    yield Identity("bound by Q", gap, (high * (U + V) + low * (U - V)) ** 2 * HALF)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a run of one layer below the edge."""
    return experiment(widths, "6/5")


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a run above the edge."""
    return {**experiment(widths, "9/5"), "without": ["below_edge"]}


def experiment(widths: Sequence[int], step_size: str) -> dict[str, Any]:
    """Return a run of Nesterov's step with momentum 1/4, whose edge is 5/3, on one layer."""
    target = [[f"1/{1 + r + c}" for c in range(widths[0])] for r in range(widths[-1])]
    return {
        "theorem": "momentum_stability",
        "problem": {
            "network": {"kind": "linear", "widths": [widths[0], widths[-1]]},
            "loss": {"kind": "square", "target": {"rows": target}, "normalisation": "half"},
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": {
            "name": "nesterov",
            "parameters": {"momentum": "1/4"},
            "step_size": step_size,
            "stop": {"steps": 60},
        },
        "backend": {"name": "ball", "digits": 30},
    }
