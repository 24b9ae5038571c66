r"""Regularising every layer toward the identity raises the loss that a negative eigenvalue leaves: the exact new floor.

Statement
    Let $L \ge 2$ and let $\Phi$ be symmetric with the negative eigenvalues $-\lambda_j$, $\lambda$ the largest of the $\lambda_j$. From
    $W_i(0) = I$, descent on $\ell + \frac{\kappa}{2} \sum_i \|W_i - I\|_F^2$, and descent with every layer projected onto $\|W_i - I\|_2 \le r$, obey
    $$\ell(t) \ge \frac{1}{2} \sum_j \left( x_j^L + \lambda_j \right)^2 \quad \text{for every } t ,$$
    where under a penalty $x_j$ is the root in $[0, 1]$ of $\kappa (1 - x) = x^{L-1}(x^L + \lambda_j)$, under the projection $x_j = 1 - r$, and $x_j = 0$ under neither.
    The negative modes go to these $x_j$ under a penalty, so that the floor is the limit where no eigenvalue is positive.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    regularised_descent: descent, plain, with a penalty, or projected
    step_size: $\eta (\kappa + 2L - 1 + (L-1)\lambda) \le 1$; under the projection $r \le 1$ and any $\eta$

Presupposed
    symmetric_target: the floor is one of eigenvalues

Perhaps unnecessary
    negative_eigenvalue: without a negative eigenvalue the floor is zero

Standing
    explicit (proof below); the paper says that regularisation does not help (recalled). Without `symmetric_target` or `negative_eigenvalue` there is no $\lambda_j$ and nothing is claimed.

Proof
    All layers stay equal and diagonal in the basis of $\Phi$ (Lemma 6; a clipped eigenvalue stays one). On a negative mode $x \mapsto f(x) = x + \eta g(x)$ from $x = 1$,
    $g(x) = \kappa(1-x) - x^{L-1}(x^L + \mu)$, $0 < \mu \le \lambda$. On $[0, 1]$ $g$ decreases, $g(0) = \kappa \ge 0$ and $g(1) < 0$: it has one root $x_j$. There $f' \ge 1 - \eta(\kappa + 2L-1 + (L-1)\mu) \ge 0$,
    so that $x \ge x_j$ implies $f(x) \ge f(x_j) = x_j$, and $f(x) \le x$: $x$ decreases to $x_j$. Projected, every eigenvalue is at least $1 - r \ge 0$. Modes do not interact, so that positive ones only add to $\ell$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import FLOAT, averaged, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Theorem 4, regularised versions; the limits are worked out for this project")
observes = ("loss",)
tight = True

_CLASS = ("gradient_descent", "penalised_descent", "projected_descent")

# Bits of a root beyond those of the run.
_GUARD = 32


def _negative(run: Run) -> list[Measured]:
    """Return the lambda_j: the sizes of the eigenvalues that are not known to be nonnegative."""
    found = run.exact_eigenvalues() if run.target.is_symmetric() else ()
    below = [x for x in found if x.value is not None and x.error is not None and x.value - x.error < 0]
    return [Measured(-(x.value or Fraction(0)), x.error) for x in below]


def _step_margin(run: Run) -> Measured | None:
    if run.method == "projected_descent":
        return Measured(1 - run.parameter("radius"))
    sizes, eta = _negative(run), run.step_size
    if eta is None or not sizes:
        return None
    largest = Measured.largest(sizes)
    slope = run.parameter("penalty") + 2 * run.depth - 1 + (run.depth - 1) * (largest.value or Fraction(0))
    return Measured(1 - eta * slope, eta * (run.depth - 1) * (largest.error or Fraction(0)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    sizes = _negative(run)
    return [
        run.setting(),
        Hypothesis.decided("deep", run.depth >= 2),
        run.identity_start(),
        run.symmetric_target(),
        Hypothesis("negative_eigenvalue", Measured.largest(sizes), strict=True),
        Hypothesis.decided("regularised_descent", run.method in _CLASS),
        Hypothesis("step_size", _step_margin(run)),
    ]


def _limit(run: Run, size: Measured) -> Real:
    """Return an enclosure of x_j."""
    if run.method == "projected_descent":
        return run.number(1 - run.parameter("radius"))
    penalty = run.parameter("penalty")
    if not penalty:
        return run.number(0)
    error = size.error or Fraction(0)
    value = size.value or Fraction(0)
    # The root falls as lambda_j grows.
    low, high = (_root(run, penalty, value + side * error)[k] for k, side in ((0, 1), (1, -1)))
    return run.number(Measured.between(low, high))


def _root(run: Run, penalty: Fraction, size: Fraction) -> tuple[Fraction, Fraction]:
    """Return dyadics around the root of kappa (1 - x) = x^(L-1) (x^L + lambda), by bisection."""
    bits = (run.trajectory.arithmetic.precision_bits or 53) + _GUARD
    low, high = 0, 1 << bits
    while high - low > 1:
        middle = (low + high) // 2
        x = Fraction(middle, 1 << bits)
        if penalty * (1 - x) >= x ** (run.depth - 1) * (x**run.depth + size):
            low = middle
        else:
            high = middle
    return Fraction(low, 1 << bits), Fraction(high, 1 << bits)


def predict(run: Run) -> list[Bound]:
    """Return the floor."""
    total = run.number(0)
    for size in _negative(run):
        # An eigenvalue whose sign is open adds nothing that is certain: its lower end may be zero.
        total = total + run.reals.maximum(0, _limit(run, size) ** run.depth + run.number(size)) ** 2
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(total / 2)] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sum_j (x_j^L + \lambda_j)^2",
        )
    ]


_PENALTY: dict[str, Any] = {"dynamics": "penalised_descent", "parameters": {"penalty": "1"}}
_PROJECTION: dict[str, Any] = {"dynamics": "projected_descent", "parameters": {"radius": "1/2"}}

examples = [
    Example(
        "a penalty, to its limit",
        "consistent",
        symmetric(4, ["-1/2"], step_size="1/16", stop={"steps": 200}, **_PENALTY),
    ),
    Example(
        "a projection, on the way to its limit",
        "consistent",
        symmetric(4, ["-1/2", "3/2"], step_size="1/64", stop={"steps": 60}, **_PROJECTION),
    ),
    Example(
        "a penalty in a rotated basis, odd depth",
        "consistent",
        symmetric(3, ["-1/2", "2", "-1/3"], 4, step_size="1/32", stop={"steps": 200}, **_PENALTY),
    ),
    Example("neither", "consistent", symmetric(2, ["-1/2"], step_size="1/8", stop={"steps": 60})),
    Example(
        "a penalty in double precision",
        "consistent",
        symmetric(4, ["-1/2"], step_size="1/16", stop={"steps": 60}, backend=FLOAT, **_PENALTY),
    ),
    Example("a step too long", "vacuous", symmetric(3, ["-1/2"], step_size="3/4", stop={"steps": 40}, **_PENALTY)),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        symmetric(3, ["-1/2"], step_size="1", stop={"steps": 40}, without=["step_size"]),
    ),
    Example(
        "a loss divided by the width, the hypothesis dropped",
        "violated",
        averaged(symmetric(3, ["-1/2", "-1/3"], step_size="1/32", stop={"steps": 100}, **_PENALTY)),
    ),
    Example(
        "one layer, the hypothesis dropped",
        "violated",
        symmetric(1, ["-1/2"], step_size="1/2", stop={"steps": 5}, without=["deep"]),
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        symmetric(
            3,
            ["-1/2"],
            step_size="1/8",
            stop={"steps": 60},
            dynamics="heavy_ball",
            parameters={"momentum": "9/10"},
            without=["regularised_descent"],
        ),
    ),
    Example(
        "a start beyond the saddle, the hypothesis dropped",
        "violated",
        symmetric(
            3,
            ["-1/2"],
            step_size="1/10",
            stop={"steps": 100},
            start={"scheme": "identity", "scale": "-1"},
            without=["identity_start"],
        ),
    ),
]
