r"""At distance one from the identity descent still converges, but no faster than a power of the time: exact exponent and constant.

Statement
    Let $L \ge 2$, $\Phi = \Phi^T = \Phi^2$ with $k \ge 1$ eigenvalues 0, such as $\operatorname{diag}(0, 1)$, and $0 < \eta < 1$. From $W_i(0) = I$
    $$\ell(t) \le \frac{k}{2} \left( 1 + 2(L-1) \eta t \right)^{-L/(L-1)} ,$$
    and this is sharp: $\ell(t) \sim \frac{k}{2} (2(L-1)\eta t)^{-L/(L-1)}$ as $t \to \infty$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 2$
    identity_start: $W_i(0) = I$ for every layer
    projection_target: $\Phi = \Phi^T = \Phi^2$ and $\Phi \ne I$, exactly
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta < 1$

Presupposed
    deep: at one layer convergence is linear, and the exponent has no meaning

Standing
    explicit (proof below), worked out for this project: the case $r = 1$ between convergence and `failure_beyond_radius`. At $L = 1$ convergence is linear and the exponent has no meaning.

Proof
    The eigenvalue 1 is there from the start. A mode of the eigenvalue 0 obeys $x_{t+1} = x_t (1 - u_t)$, $u = \eta x^{2L-2} \in (0, 1)$. For $y = x^{-(2L-2)}$ Bernoulli's inequality gives
    $y_{t+1} = y_t (1 - u_t)^{-(2L-2)} \ge y_t + 2(L-1) y_t u_t = y_t + 2(L-1)\eta$, and $y_{t+1} - y_t \to 2(L-1)\eta$ as $u_t \to 0$. The loss is $\frac{k}{2} x^{2L} = \frac{k}{2} y^{-L/(L-1)}$.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.rotation import product
from workbench.theorems import Bound, Example, FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import FLOAT, averaged, family, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("at the radius one, worked out for this project")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 100)


def _kernel(run: Run) -> int:
    """Return the dimension k of the kernel of a projection, zero where the target is none."""
    rows = [list(row) for row in run.target.rows]
    projects = run.target.is_symmetric() and product(rows, rows) == rows
    return int(len(rows) - sum((row[i] for i, row in enumerate(rows)), Fraction(0))) if projects else 0


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    step = run.step_size
    return [
        run.setting(),
        Hypothesis.decided("deep", run.depth >= 2),
        run.identity_start(),
        Hypothesis.decided("projection_target", _kernel(run) > 0),
        run.plain_descent(),
        Hypothesis("step_size", None if step is None else Measured(min(step, 1 - step)), strict=True),
    ]


def _decay(run: Run, step: int, offset: int) -> Real:
    """Return (k/2) (offset + 2 (L-1) eta t)^(-L/(L-1))."""
    time = run.number(offset + 2 * (run.depth - 1) * (run.step_size or Fraction(0)) * step)
    return run.reals.power(time, Fraction(-run.depth, max(run.depth - 1, 1))) * Fraction(_kernel(run), 2)


def predict(run: Run) -> list[Bound]:
    """Return the envelope of the loss."""
    return [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            [run.reals.measured(_decay(run, step, 1)) for step in run.steps],
            latex=r"\ell(t) \le \frac{k}{2} \left( 1 + 2(L-1) \eta t \right)^{-L/(L-1)}",
        )
    ]


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return that the loss over its asymptotic form tends to one, and the slope of ln(loss) in ln(t) to the exponent."""
    ratios = [run.number(run.loss[-1]) / _decay(run, run.steps[-1], 0) for run in runs]
    logs = [(run.reals.log(run.number(run.steps[-1])), run.reals.log(run.number(run.loss[-1]))) for run in runs]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(logs)]
    exponent = Fraction(-runs[0].depth, runs[0].depth - 1)
    found = [
        Limit(
            "decay",
            "loss over its asymptotic form",
            ratios,
            Fraction(1),
            RESOLUTION,
            r"\ell(t) (2(L-1)\eta t)^{L/(L-1)} \to \frac{k}{2}",
        )
    ]
    if len(slopes) > 1:
        label = "slope of ln(loss) in ln(t)"
        found.append(Limit("exponent", label, slopes, exponent, RESOLUTION, r"\ln \ell / \ln t \to -\frac{L}{L-1}"))
    return found


def _descent(
    depth: int, eigenvalues: list[str], step_size: str = "1/4", rotate: int | None = None, **options: Any
) -> Any:
    return symmetric(depth, eigenvalues, rotate, step_size=step_size, **{"stop": {"steps": 60}, **options})


examples = [
    Example("two layers", "consistent", _descent(2, ["0", "1"])),
    Example("four layers in a rotated basis", "consistent", _descent(4, ["0", "1", "0"], "1/8", 2)),
    Example("three layers in double precision", "consistent", _descent(3, ["0", "1"], backend=FLOAT)),
    Example("the zero target", "consistent", _descent(2, ["0"])),
    Example("a definite target", "vacuous", _descent(2, ["1/2", "1"])),
    Example(
        "a negative eigenvalue, the hypothesis dropped",
        "violated",
        _descent(2, ["-1/2", "1"], without=["projection_target"]),
    ),
    Example(
        "a start beyond the identity, the hypothesis dropped",
        "violated",
        _descent(2, ["0", "1"], "1/32", start={"scheme": "identity", "scale": "2"}, without=["identity_start"]),
    ),
    Example(
        "a penalty, the hypothesis dropped",
        "violated",
        _descent(2, ["0", "1"], dynamics="penalised_descent", parameters={"penalty": "1"}, without=["plain_descent"]),
    ),
    Example("a long step, the hypothesis dropped", "violated", _descent(2, ["0", "1"], "2", without=["step_size"])),
    Example(
        "a loss without its half, the hypothesis dropped", "violated", averaged(_descent(2, ["0", "1"], "1/64"), "none")
    ),
]

families = [
    FamilyExample(
        "two layers, ever longer", "consistent", family(_descent(2, ["0", "1"]), "steps", [100, 400, 1600, 6400])
    ),
    FamilyExample(
        "three layers, ever longer", "consistent", family(_descent(3, ["0", "1"]), "steps", [100, 400, 1600, 6400])
    ),
    FamilyExample("the zero target", "consistent", family(_descent(5, ["0"]), "steps", [100, 400, 1600, 6400])),
    FamilyExample("a definite target", "vacuous", family(_descent(2, ["1/2", "1"]), "steps", [10, 20])),
    FamilyExample(
        "a penalty, the hypothesis dropped",
        "violated",
        family(
            _descent(
                2, ["0", "1"], dynamics="penalised_descent", parameters={"penalty": "1"}, without=["plain_descent"]
            ),
            "steps",
            [50, 100, 200],
        ),
    ),
]
