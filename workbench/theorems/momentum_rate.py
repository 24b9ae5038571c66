r"""On one layer heavy ball decays like the square root of its momentum, with a constant that is exact for every mode.

Statement
    Let $L = 1$, $\ell = \frac{1}{2} \|W X - Y\|_F^2$ with linearly independent samples, the columns of $X$, and heavy ball from rest
    with $(1 - \sqrt{\beta})^2 < \eta \lambda < (1 + \sqrt{\beta})^2$ for every eigenvalue $\lambda$ of $X^T X$. Then
    $$\ell_k \le \beta^k A\, \ell_0, \qquad A = \max_{z \in \{\eta \lambda_{\min}, \eta \lambda_{\max}\}} \frac{4 \beta z}{h(z)}, \quad
    h(z) = 2 \beta (1 + z) - \beta^2 - (1 - z)^2 .$$

Hypotheses
    setting: a linear network of one layer, loss with the factor 1/2; whitened inputs have $X = I$
    independent_samples: $\lambda_{\min}(X^T X) > 0$
    heavy_ball: heavy ball from rest with a constant step and momentum
    oscillating_modes: $h(\eta \lambda) > 0$ for every positive eigenvalue $\lambda$; the margin is the least $h$

Standing
    explicit (proof below); the published one, as recalled, has a constant that grows like $\kappa$, at one choice of $\eta$ and $\beta$

Proof
    The residual $R = W X - Y$ obeys $R_{k+1} = R_k (1 + \beta - \eta X^T X) - \beta R_{k-1}$, $R_{-1} = R_0$. On a mode with $z = \eta \lambda$ the
    roots are $\sqrt{\beta} e^{\pm i \theta}$, $2 \sqrt{\beta} \cos \theta = 1 + \beta - z$, $4 \beta \sin^2 \theta = h(z) > 0$, and with $r_1 = (1 - z) r_0$
    $r_k = \beta^{k/2} (\cos k \theta + b \sin k \theta) r_0$, $b = (1 - \beta - z) / \sqrt{h(z)}$. So $r_k^2 \le \beta^k (1 + b^2) r_0^2$ and
    $1 + b^2 = (h(z) + (1 - \beta - z)^2) / h(z) = 4 \beta z / h(z)$. As $h(z)/z = 2 + 2 \beta - z - (1 - \beta)^2 / z$ is concave, the largest
    constant is at an end of the spectrum. Sum the squares.

Notes
    Attained, up to the phase, by a single mode; exactly where $k \theta$ meets it, as with $\eta = \beta = 1/2$. With $\eta = 1/\lambda_{\max}$ and $\beta = (1 - 1/(2 \sqrt{\kappa}))^2$, the choice of the
    paper, $A < 4/3$ for every condition number $\kappa$ of $X^T X$, and $\beta^k = (1 - 1/(2 \sqrt{\kappa}))^{2k}$. Its theorem on deep
    networks asks for a width whose constant is not explicit. Where a hypothesis is dropped the bound is read with $|h|$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Matrix, Measured
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment
from workbench.theorems._margin import size, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="Jun-Kun Wang, Chi-Heng Lin, Jacob Abernethy",
    year=2021,
    title="A modular analysis of provable acceleration via Polyak's momentum: training a wide ReLU network and a deep "
    "linear network",
    where="ICML 2021, PMLR 139; arXiv:2010.01618",
    locator="quadratic problems; the constant is worked out for this project",
    url="https://arxiv.org/abs/2010.01618",
)
observes = ("loss",)
tight = True


def eigenvalues(run: Run) -> tuple[Measured, ...]:
    """Return the eigenvalues of X^T X, ascending."""
    inputs = run.trajectory.problem.loss.inputs
    if inputs is None:
        return (Measured(Fraction(1)),)
    return run.spectrum(Matrix(tuple(map(tuple, product(transposed(inputs.rows), inputs.rows)))))


def ends(run: Run) -> list[Real]:
    """Return eta times the smallest and the largest positive eigenvalue."""
    positive = [x for x in eigenvalues(run) if x != Measured(Fraction(0))]
    return [run.number(run.step_size or Fraction(0)) * run.number(x) for x in (positive[:1] + positive[-1:])]


def discriminant(run: Run, z: Real) -> Real:
    """Return h(z)."""
    beta = run.parameter("momentum")
    return 2 * beta * (1 + z) - beta**2 - (1 - z) ** 2


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    problem = run.trajectory.problem
    linear = isinstance(problem.network, LinearNetwork) and run.depth == 1
    least = [-discriminant(run, z) for z in ends(run)]
    room = run.reals.measured(-run.reals.maximum(*least)) if linear and least and run.step_size else None
    return [
        Hypothesis.decided("setting", linear and problem.loss.factor == Fraction(1, 2)),
        Hypothesis("independent_samples", eigenvalues(run)[0], strict=True),
        Hypothesis.decided("heavy_ball", run.method == "heavy_ball"),
        Hypothesis("oscillating_modes", room, strict=True),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    beta, start = run.number(run.parameter("momentum")), run.number(run.loss[0])
    amplitude = run.reals.maximum(*(4 * beta * z / size(run, discriminant(run, z)) for z in ends(run)))
    found: list[Bound | Rate] = [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            [start * amplitude * beta**step for step in run.steps],
            latex=r"\ell_k \le \beta^k A\, \ell_0",
        )
    ]
    if run.parameter("momentum") > 0 and run.step_size:
        found.append(Rate(-run.reals.log(beta) / run.step_size))
    return found


def _momentum(step_size: str, momentum: str, inputs: list[list[str]] | None = None, **options: Any) -> dict[str, Any]:
    rows = [["1", "-2"], ["1/3", "0"]]
    specification = experiment(
        [2, 2],
        {"rows": rows},
        step_size=step_size,
        dynamics=options.pop("dynamics", "heavy_ball"),
        parameters={"momentum": momentum},
        **{"stop": {"steps": 60}, "backend": BALL, **options},
    )
    if inputs is not None:
        columns = [row[: len(inputs[0])] for row in [[*row, "1"] for row in rows]]
        loss = {"kind": "square", "inputs": {"rows": inputs}, "target": {"rows": columns}, "normalisation": "half"}
        specification["problem"]["loss"] = loss
    return specification


_SKEW = [["1", "0"], ["1/2", "1/2"]]

examples = [
    Example("one mode, enclosed", "consistent", _momentum("2/5", "1/2")),
    Example("two samples of unlike size, enclosed", "consistent", _momentum("1/2", "9/16", _SKEW)),
    Example("a step near the largest, enclosed", "consistent", _momentum("23/10", "9/16", _SKEW)),
    Example("fewer samples than inputs", "consistent", _momentum("1", "1/4", [["1"], ["1/2"]])),
    Example("a few steps in double precision", "consistent", _momentum("1", "1/2", stop={"steps": 6}, backend=FLOAT)),
    Example("a step too short", "vacuous", _momentum("1/16", "1/4")),
    Example(
        "a step too short, the hypothesis dropped",
        "violated",
        _momentum("1/16", "1/4", without=["oscillating_modes"]),
    ),
    Example(
        "the momentum of Nesterov, the hypothesis dropped",
        "violated",
        _momentum("2", "1/2", dynamics="nesterov", without=["heavy_ball"]),
    ),
    Example(
        "three samples of two inputs, the hypothesis dropped",
        "violated",
        _momentum("1/2", "1/2", [["1", "0", "1"], ["0", "1", "0"]], without=["independent_samples"]),
    ),
    Example("the mean over two samples, the hypothesis dropped", "violated", averaged(_momentum("3/8", "1/4"))),
]
