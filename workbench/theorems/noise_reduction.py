r"""Descent reduces the noise of a linear orbit at a rate that the length of the orbit does not slow, unless it is neutral.

Statement
    Let $\ell(x) = \frac{1}{2} \sum_{i=1}^{n-1} (x_{i+1} - a x_i)^2$ of an orbit $x_1 \dots x_n$, $n \ge 2$, and $0 < \eta \le 1/(1 + |a|)^2$. Under gradient
    descent
    $$\ell_t \le (1 - \eta \mu_1)^{2t}\, \ell_0 \le \left( 1 - \eta (1 - |a|)^2 \right)^{2t} \ell_0 ,$$
    where $\mu_1 = 1 + a^2 - 2 |a| \cos(\pi/n)$ is the smallest of the eigenvalues $1 + a^2 - 2 a \cos(k \pi / n)$, $0 < k < n$.

Hypotheses
    orbit: one layer, $W = x^T$, zero labels, inputs whose column $i$ has $-a$ in row $i$, 1 in row $i + 1$ and zeros; loss with the factor 1/2
    plain_descent: gradient descent with a constant step
    step_size: $\eta \le 1/(1 + |a|)^2$; the margin is the distance to the cap

Presupposed
    orbit: $a$ and $n$ are those of an orbit

Standing
    explicit (proof below); recalled from the paper

Proof
    The residuals $r = X^T x$ have $r' = (I - \eta X^T X) r$, and $X^T X$ is tridiagonal with $1 + a^2$ and $-a$: its eigenvectors are
    $\sin(k \pi i / n)$ times signs. All eigenvalues lie between $(1 - |a|)^2$ and $(1 + |a|)^2$, so that $|1 - \eta \mu| \le 1 - \eta \mu_1$.

Notes
    Equality along the slowest mode. For $|a| = 1$ the second bound says nothing and $\mu_1$ is about $\pi^2 / n^2$. $x$ converges to its orthogonal
    projection on the orbits, since every step lies in the range of $X$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import with_inputs
from workbench.theorems._singular import squared_singular_values
from workbench.theorems._statement import Source

source = Source(
    authors="David Ridout, Kevin Judd",
    year=2002,
    title="Convergence properties of gradient descent noise reduction",
    where="Physica D 165, 26-47",
    locator="linear maps, recalled",
)
observes = ("loss",)
tight = True


def multiplier(run: Run) -> Fraction | None:
    """Return a, None where the problem is not one of noise reduction."""
    problem = run.trajectory.problem
    loss = problem.loss
    one = isinstance(problem.network, LinearNetwork) and problem.depth == 1 and run.widths[-1] == 1
    if (
        not one
        or loss.inputs is None
        or loss.factor != Fraction(1, 2)
        or any(x for row in loss.target.rows for x in row)
    ):
        return None
    rows = loss.inputs.rows
    if loss.inputs.shape[0] != loss.inputs.shape[1] + 1:
        return None
    a = -rows[0][0]
    wanted = [[-a if i == j else Fraction(i == j + 1) for j in range(len(rows) - 1)] for i in range(len(rows))]
    return a if [list(row) for row in rows] == wanted else None


def largest_step_size(run: Run) -> Any:
    """Return 1/(1 + |a|)^2."""
    a = multiplier(run)
    return None if a is None else run.number(1 / (1 + abs(a)) ** 2)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    a = multiplier(run)
    room = None if a is None or run.step_size is None else Measured(1 / (1 + abs(a)) ** 2 - run.step_size)
    return [Hypothesis.decided("orbit", a is not None), run.plain_descent(), Hypothesis("step_size", room)]


def predict(run: Run) -> list[Bound | Rate]:
    """Return both envelopes of the loss, and the rate of the sharper one."""
    inputs, eta = run.trajectory.problem.loss.inputs, run.number(run.step_size or Fraction(0))
    rows = [[Fraction(1)]] if inputs is None else inputs.rows
    slowest, uniform = (
        run.number(squared_singular_values(rows, run.reals.bits)[0]),
        (1 - abs(multiplier(run) or Fraction(0))) ** 2,
    )
    start = run.number(run.loss[0])
    levels = (("slowest_mode", slowest, r"\mu_1"), ("any_length", run.number(uniform), "(1 - |a|)^2"))
    bounds: list[Bound | Rate] = [
        Bound(
            name,
            "loss against its envelope",
            run.loss,
            [start * (1 - eta * level) ** (2 * step) for step in run.steps],
            latex=rf"\ell_t \le (1 - \eta {formula})^{{2t}} \ell_0",
        )
        for name, level, formula in levels
    ]
    return [*bounds, Rate(-2 * run.reals.log(1 - eta * slowest) / eta)] if run.step_size else bounds


def orbit(a: str, noisy: list[str], **options: Any) -> dict[str, Any]:
    """Return a run on the noise of an orbit."""
    size = len(noisy)
    negative = str(-Fraction(a))
    inputs = [[negative if i == j else str(int(i == j + 1)) for j in range(size - 1)] for i in range(size)]
    options = {"step_size": "1/4", "stop": {"steps": 30}, "backend": BALL, **options}
    given = {"start": {"scheme": "given", "weights": [[noisy]]}, **options}
    return with_inputs(experiment([size, 1], {"rows": [["0"] * (size - 1)]}, **given), inputs)


_NOISY = ["1", "1/3", "1/2", "-1/4", "1/8"]
_DECAY: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "9/10"}}

examples = [
    Example("a contracting map, enclosed", "consistent", orbit("1/2", _NOISY)),
    Example("a neutral map", "consistent", orbit("1", ["0", "1/2", "1", "1", "1/2", "0"])),
    Example(
        "nearly the slowest mode",
        "consistent",
        orbit("1/2", ["0", "1", "1501/1000"]),
    ),
    Example(
        "an expanding map in double precision", "consistent", orbit("-3/2", _NOISY, step_size="1/8", backend=FLOAT)
    ),
    Example("a long step", "vacuous", orbit("1/2", _NOISY, step_size="1")),
    Example(
        "a long step, the hypothesis dropped", "violated", orbit("1/2", _NOISY, step_size="1", without=["step_size"])
    ),
    Example("momentum, the hypothesis dropped", "violated", orbit("1/2", _NOISY, without=["plain_descent"], **_DECAY)),
]
