r"""From the identity, descent nears the saddle of a negative eigenvalue at a polynomial rate, with an exact constant.

Statement
    Let $L \ge 3$ and let $\Phi$ be symmetric with all eigenvalues negative, $-\lambda_j$, and $0 < \eta (1 + \lambda_{\max}) < 1$. From $W_i(0) = I$
    $$\ell(t) \le \frac{1}{2} \sum_j \left( \lambda_j + \bar x_j(t)^L \right)^2 , \qquad \bar x_j(t) = \left( 1 + (L-2) \eta \lambda_j t \right)^{-1/(L-2)} ,$$
    and this is sharp: as $t \to \infty$
    $$\ell(t) - \frac{1}{2} \sum_j \lambda_j^2 \;\sim\; \sum_j \lambda_j \left( (L-2) \eta \lambda_j t \right)^{-L/(L-2)} .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 3$
    identity_start: $W_i(0) = I$ for every layer
    negative_definite: $\Phi^T = \Phi$ and every eigenvalue is negative; the margin is the smallest $\lambda_j$
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta (1 + \lambda_{\max}) < 1$

Presupposed
    deep: at two layers the approach is exponential, and the exponent has no meaning

Standing
    explicit (proof below), worked out for this project. Other eigenvalues do not change the negative modes, only the loss. At $L = 2$ the approach is exponential, $\bar x_j(t) = (1 - \eta\lambda_j)^t$, and the formula has no meaning.

Proof
    A negative mode obeys $x_{t+1} = x_t (1 - u_t)$, $u = \eta x^{L-2} (x^L + \lambda) \in (0, 1)$, so that $x_t$ decreases to 0. For $y = x^{-(L-2)}$
    Bernoulli's inequality gives $y_{t+1} = y_t (1 - u_t)^{-(L-2)} \ge y_t + (L-2) y_t u_t \ge y_t + (L-2) \eta \lambda$, as $y u = \eta (x^L + \lambda)$. Hence $y_t \ge 1 + (L-2)\eta\lambda t$.
    Moreover $y_{t+1} - y_t \to (L-2)\eta\lambda$, so that $y_t / t \to (L-2)\eta\lambda$ (Stolz and Cesaro), and $\ell - \frac{1}{2}\sum \lambda_j^2 = \sum (\lambda_j x_j^L + \frac{1}{2} x_j^{2L})$.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import FLOAT, averaged, family, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Theorem 4, approach to the saddle, worked out for this project")
observes = ("loss",)
tight = True

# The correction is of the order ln(t)/t; the family goes far enough for this.
RESOLUTION = Fraction(1, 100)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    symmetric = run.target.is_symmetric()
    values = run.exact_eigenvalues() if symmetric else (Measured(Fraction(1)),)
    smallest = Measured(Fraction(0)).minus(values[-1])
    step, largest = run.step_size, Measured(Fraction(1)).minus(values[0])
    margin = None
    if step is not None and largest.value is not None and largest.error is not None:
        margin = Measured(1 - step * largest.value, step * largest.error)
    return [
        run.setting(),
        Hypothesis.decided("deep", run.depth >= 3),
        run.identity_start(),
        Hypothesis("negative_definite", smallest if symmetric else Measured(Fraction(-1)), strict=True),
        run.plain_descent(),
        Hypothesis("step_size", margin, strict=True),
    ]


def _sizes(run: Run) -> list[Real]:
    """Return the lambda_j; of a target that is not symmetric, none."""
    return [-x for x in run.eigenvalues()] if run.target.is_symmetric() else []


def _decay(run: Run, size: Real, step: int, offset: int) -> Real:
    """Return (offset + (L-2) eta lambda t)^(-L/(L-2))."""
    exponent = Fraction(-run.depth, max(run.depth - 2, 1))
    speed = size * run.number((run.step_size or Fraction(0)) * (run.depth - 2))
    return run.reals.power(offset + speed * step, exponent)


def predict(run: Run) -> list[Bound]:
    """Return the envelope of the loss."""
    sizes = _sizes(run)
    envelope = []
    for step in run.steps:
        terms = [(size + _decay(run, size, step, 1)) ** 2 for size in sizes]
        envelope.append(run.reals.measured(sum(terms, run.number(0)) / 2))
    return [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            envelope,
            latex=r"\ell(t) \le \frac{1}{2} \sum_j \left( \lambda_j + \bar x_j(t)^L \right)^2",
        )
    ]


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return that what is left above the floor, over its asymptotic form, tends to one in the number of steps."""
    ratios = []
    for run in runs:
        sizes, last = _sizes(run), run.steps[-1]
        above = run.number(run.loss[-1]) - sum((s * s for s in sizes), run.number(0)) / 2
        form = sum((s * _decay(run, s, last, 0) for s in sizes), run.number(0))
        ratios.append(above / form)
    latex = r"(\ell(t) - \frac{1}{2} \sum_j \lambda_j^2) / \sum_j \lambda_j ((L-2) \eta \lambda_j t)^{-L/(L-2)} \to 1"
    return [
        Limit("approach", "loss above the saddle, over its asymptotic form", ratios, Fraction(1), RESOLUTION, latex)
    ]


def _descent(
    depth: int, eigenvalues: list[str], step_size: str = "1/4", rotate: int | None = None, **options: Any
) -> Any:
    return symmetric(depth, eigenvalues, rotate, step_size=step_size, **{"stop": {"steps": 60}, **options})


examples = [
    Example("three layers", "consistent", _descent(3, ["-1"])),
    Example("four layers in a rotated basis", "consistent", _descent(4, ["-1/2", "-3/2"], "1/8", 2)),
    Example("five layers in double precision", "consistent", _descent(5, ["-1"], backend=FLOAT)),
    Example("a positive eigenvalue", "vacuous", _descent(3, ["-1", "1"])),
    Example(
        "a positive eigenvalue, the hypothesis dropped",
        "violated",
        _descent(3, ["-1", "3"], "1/32", without=["negative_definite"]),
    ),
    Example(
        "a start beyond the identity, the hypothesis dropped",
        "violated",
        _descent(3, ["-1"], "1/256", start={"scheme": "identity", "scale": "2"}, without=["identity_start"]),
    ),
    Example(
        "a penalty, the hypothesis dropped",
        "violated",
        _descent(
            3, ["-1"], "1/16", dynamics="penalised_descent", parameters={"penalty": "1"}, without=["plain_descent"]
        ),
    ),
    Example("a long step, the hypothesis dropped", "violated", _descent(3, ["-1"], "3/2", without=["step_size"])),
    Example("a loss without its half, the hypothesis dropped", "violated", averaged(_descent(3, ["-1", "-1"]), "none")),
]

families = [
    FamilyExample(
        "three layers, ever longer", "consistent", family(_descent(3, ["-1"], "2/5"), "steps", [100, 1000, 8000])
    ),
    FamilyExample(
        "four layers, ever longer", "consistent", family(_descent(4, ["-1"], "2/5"), "steps", [100, 1000, 8000])
    ),
    FamilyExample(
        "two modes, ever longer",
        "consistent",
        family(_descent(3, ["-1/2", "-1"], "2/5", 1), "steps", [100, 1000, 8000]),
    ),
    FamilyExample("a step too long", "vacuous", family(_descent(3, ["-1"], "3/5"), "steps", [10, 20])),
    FamilyExample(
        "a penalty, the hypothesis dropped",
        "violated",
        family(
            _descent(
                3, ["-1"], "1/16", dynamics="penalised_descent", parameters={"penalty": "1"}, without=["plain_descent"]
            ),
            "steps",
            [50, 100, 200],
        ),
    ),
]
