r"""Conjugate gradients with some coordinates solved for at once converge at the rate of what is left, never worse.

Statement
    Let one layer have the loss $c \|W X - Y\|_F^2$, $A = 2c\, X X^T$ with a block $A_{11}$ of the first $k$ inputs, and $S = A_{22} - A_{21}
    A_{11}^{-1} A_{12}$ with the condition number $\kappa_1$ ($S = A$ for $k = 0$). Let $q = (\sqrt{\kappa_1} - 1)/(\sqrt{\kappa_1} + 1)$. Conjugate
    gradients that first make the residual vanish on those $k$ inputs, and keep every direction $A$-orthogonal to them, obey after $j$ further steps
    $$\ell_j - \ell^* \le \left( \frac{2}{q^j + q^{-j}} \right)^2 (\ell_0 - \ell^*) \le 4 q^{2j} (\ell_0 - \ell^*) ,$$
    where $\ell_0$ is the loss after the projection. And $\kappa_1 \le \kappa(A)$, so that the bound is at least as good as that of $k = 0$.

Hypotheses
    setting: one linear layer and the loss of the square
    full_rank: $\lambda_{\min}(X X^T) > 0$; the margin is that eigenvalue
    conjugate_gradients: the dynamics is conjugate gradients
    proper: fewer inputs are deflated than there are

Presupposed
    setting: without one layer the loss is not quadratic, and the dynamics refuses it
    proper: with all inputs deflated nothing is left, and there is no condition number

Perhaps unnecessary
    full_rank: the steps stay in the range of $A$, where the same holds with the condition number on that range; as stated there would be no finite $\kappa_1$

Standing
    explicit (proof below); recalled from the paper, for any augmentation; here that of coordinate vectors, where the matrix of the paper is a Schur complement

Proof
    $\ell - \ell^* = \frac{1}{2} \|e\|_A^2$ with $e$ the error of $W$. The iterates minimise it over $e_0 + K_j$, $K_j$ the Krylov space of $H^T A H$ and $H^T r_0$ with $H = I - P$,
    $P$ the $A$-orthogonal projection on the coordinates: $H^T A H = \mathrm{diag}(0, S)$. So $\|e_j\|_A \le \min_p \max_\lambda |p(\lambda)|\, \|e_0\|_A$ over polynomials of degree $j$ with
    $p(0) = 1$ and $\lambda$ in the spectrum of $S$; Chebyshev's has $1/T_j((\kappa_1+1)/(\kappa_1-1)) = 2/(q^j + q^{-j})$. $S^{-1}$ is a principal block of $A^{-1}$ and $S \preceq A_{22}$, so that the spectrum
    of $S$ lies within that of $A$.

Notes
    Equality after one step from a residual with two equal modes. Exactly, the error vanishes after as many steps as $S$ has eigenvalues.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.exact import Matrix
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import moments, with_inputs
from workbench.theorems._singular import Rows, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="Jocelyne Erhel, Frederic Guyomarc'h",
    year=2000,
    title="An augmented conjugate gradient method for solving consecutive symmetric positive definite linear systems",
    where="SIAM Journal on Matrix Analysis and Applications 21(4), 1279-1299",
    locator="convergence of the augmented method, recalled",
)
observes = ("loss",)
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    one = isinstance(run.trajectory.problem.network, LinearNetwork) and run.depth == 1
    smallest = moments(run.trajectory.problem.loss).spectrum[0] if one else None
    return [
        Hypothesis.decided("setting", one),
        Hypothesis("full_rank", smallest, strict=True),
        Hypothesis.decided("conjugate_gradients", run.method == "conjugate_gradients"),
        Hypothesis.decided("proper", run.parameter("deflated") < run.widths[0]),
    ]


def schur_complement(run: Run) -> Rows:
    """Return S, up to the factor 2c that no condition number sees."""
    size, inputs = run.widths[0], run.trajectory.problem.loss.inputs
    rows: Any = [[Fraction(i == j) for j in range(size)] for i in range(size)] if inputs is None else inputs.rows
    found = product(rows, transposed(rows))
    # Eliminating one coordinate after the other leaves the Schur complement of them all.
    for _ in range(int(run.parameter("deflated"))):
        pivot, top = found[0][0], found[0][1:]
        found = [[x - row[0] * y / pivot for x, y in zip(row[1:], top, strict=True)] for row in found[1:]]
    return found


def ratio(run: Run) -> Real:
    """Return q."""
    spectrum = symmetric_eigenvalues(Matrix(tuple(map(tuple, schur_complement(run)))))
    root = run.reals.sqrt(run.number(spectrum[-1]) / run.number(spectrum[0]))
    return (root - 1) / (root + 1)


def predict(run: Run) -> list[Bound]:
    """Return both envelopes of the loss, from the projection on."""
    least, q = run.number(moments(run.trajectory.problem.loss).least or Fraction(0)), ratio(run)
    first = min(1 if run.parameter("deflated") else 0, len(run.loss) - 1)
    excess = run.number(run.loss[first]) - least
    chebyshev, geometric = [], []
    for step in run.steps:
        power = q ** max(step - first, 0)
        # The projection lowers the loss: up to it the bound is that of the start.
        base = run.number(run.loss[0]) - least if step <= first else excess
        chebyshev.append(least + base * (2 * power / (1 + power**2)) ** 2)
        geometric.append(least + base * 4 * power**2)
    return [
        Bound(
            "chebyshev",
            "loss against its envelope",
            run.loss,
            chebyshev,
            latex=r"\ell_j - \ell^* \le (2/(q^j + q^{-j}))^2 (\ell_0 - \ell^*)",
        ),
        Bound(
            "geometric",
            "loss against its geometric envelope",
            run.loss,
            geometric,
            latex=r"\ell_j - \ell^* \le 4 q^{2j} (\ell_0 - \ell^*)",
        ),
    ]


def _solve(
    inputs: list[list[str]],
    labels: list[list[str]],
    start: list[list[str]] | None = None,
    deflated: int = 0,
    **options: Any,
) -> dict[str, Any]:
    layer = start or [["0"] * len(inputs)] * len(labels)
    given: dict[str, Any] = {
        "dynamics": "conjugate_gradients",
        "parameters": {"deflated": str(deflated)},
        "stop": {"steps": len(inputs)},
        "backend": BALL,
        "start": {"scheme": "given", "weights": [layer]},
    }
    return with_inputs(experiment([len(inputs), len(labels)], {"rows": labels}, **{**given, **options}), inputs)


_TWO = [["1", "0"], ["0", "3"]]
_FOUR = [["1/10", "0", "0", "0"], ["1/4", "1", "0", "0"], ["0", "1/2", "3/2", "0"], ["1/3", "0", "-1", "2"]]
_RIGHT = [["1", "-1", "2", "1/2"]]
_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/1000", "parameters": {}}
_LONG: dict[str, Any] = {"stop": {"steps": 4}}

examples = [
    Example("four inputs, enclosed", "consistent", _solve(_FOUR, _RIGHT)),
    Example("the slowest input deflated", "consistent", _solve(_FOUR, _RIGHT, deflated=1)),
    Example(
        "two equal modes, one step of equality within one in a million",
        "consistent",
        _solve(_TWO, [["1", "333333/1000000"]], stop={"steps": 1}),
    ),
    Example(
        "two outputs, in exact rationals",
        "consistent",
        _solve(_FOUR, [*_RIGHT, ["0", "1", "1", "0"]], backend={"name": "exact"}),
    ),
    Example(
        "two inputs deflated, rounded to double precision",
        "consistent",
        _solve(_FOUR, _RIGHT, deflated=2, backend=FLOAT),
    ),
    Example("inputs that are dependent", "vacuous", _solve([["1", "1"], ["1", "1"]], [["1", "0"]])),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _solve(_FOUR, _RIGHT, without=["conjugate_gradients"], **{**_DESCENT, **_LONG}),
    ),
]
