r"""At any two layers one step of descent decreases the loss by what the local spectrum of the tangent kernel tells.

Statement
    Let $\mu_k$ and $\lambda_k$ be the least and the largest eigenvalue of $E \mapsto W_2 W_2^T E + E W_1^T W_1$ at step $k$, and
    $$K_k = \lambda_k + \sqrt{2 \ell_k} + \eta \lambda_k \sqrt{2 \ell_k} + \eta^2 \|W_2 W_1\|_2 \ell_k .$$
    Then $\ell_{k+1} \le \ell_k - \left( \eta - \frac{1}{2} K_k \eta^2 \right) \|\nabla \ell_k\|^2$, and where $\eta K_k \le 2$ also
    $\ell_{k+1} \le \ell_k \left( 1 - 2 \mu_k \eta + \mu_k K_k \eta^2 \right)$.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, both layers at once
    every_step: every step is recorded
    short_step: $\eta K_k \le 2$ at every step; the margin is $2 - \eta \max_k K_k$

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below); the published $K_k$, as recalled, has 3 before its third term and 6 before its last, and follows

Proof
    With $T(E) = W_2 W_2^T E + E W_1^T W_1$ the next error is $E - \eta T(E) + \eta^2 G_2 G_1$, exactly, $G_2 G_1 = E W^T E$. Let
    $s = \langle E, T(E) \rangle = \|\nabla \ell\|^2 = \|G_1\|_F^2 + \|G_2\|_F^2$, so $\|T(E)\|_F^2 \le \lambda s$ and $\|G_2 G_1\|_F \le s/2$. In $\ell_{k+1} = \ell_k - \eta s +
    \frac{\eta^2}{2} \|T(E)\|_F^2 + \eta^2 \langle E, G_2 G_1 \rangle - \eta^3 \langle T(E), G_2 G_1 \rangle + \frac{\eta^4}{2} \|G_2 G_1\|_F^2$ the inner products are
    at most $\sqrt{2 \ell} s/2$ and $\lambda \sqrt{2 \ell} s/2$, and $\|G_2 G_1\|_F^2 \le \frac{s}{2} \|E W^T E\|_F \le \frac{s}{2} \cdot 2 \ell \|W\|_2$. The second
    inequality is the first with $s \ge 2 \mu \ell$.

Notes
    Balanced numbers above their target attain the first up to terms of third order in $\eta$. No problem is known in which a
    run with steps left out of the record breaks the inequalities between its records.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, altered, averaged, experiment
from workbench.theorems._flow_envelope import two_layers, two_linear_layers
from workbench.theorems._statement import Source

source = Source(
    authors="Ziqing Xu, Hancheng Min, Salma Tarmoun, Enrique Mallada, Rene Vidal",
    year=2025,
    title="A local Polyak-Lojasiewicz and descent lemma of gradient descent for overparametrized linear models",
    where="TMLR 2025; arXiv:2505.11664",
    locator="Theorem 3.1, with smaller constants",
    url="https://arxiv.org/abs/2505.11664",
)
_KERNEL = ("kernel_smallest_eigenvalue", "kernel_largest_eigenvalue")
observes = ("loss", "gradient_squared_norm", "end_to_end_norm", *_KERNEL)
tight = True


def curvatures(run: Run) -> list[Real]:
    """Return K_k at each record."""
    eta = run.number(run.step_size or Fraction(0))
    found = []
    columns = (run.loss, run.observable("kernel_largest_eigenvalue"), run.observable("end_to_end_norm"))
    for loss, largest, norm in zip(*(map(run.number, column) for column in columns), strict=True):
        error = run.reals.sqrt(2 * loss)
        found.append(largest + error + eta * largest * error + eta**2 * norm * loss)
    return found


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [
        two_layers(run),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("short_step", _room(run) if two_linear_layers(run) and run.step_size else None),
    ]


def _room(run: Run) -> Measured:
    # The last record has no step after it, unless it is the only one.
    taken = curvatures(run)[: max(1, len(run.steps) - 1)]
    return run.reals.measured(2 - run.number(run.step_size or Fraction(0)) * run.reals.maximum(*taken))


def predict(run: Run) -> list[Bound]:
    """Return both inequalities, of each record by the one before."""
    eta = run.number(run.step_size or Fraction(0))
    losses = [run.number(loss) for loss in run.loss]
    slopes = [run.number(value) for value in run.observable("gradient_squared_norm")]
    least = [run.number(value) for value in run.observable("kernel_smallest_eigenvalue")]
    by_slope, by_loss = [losses[0]], [losses[0]]
    for loss, slope, mu, k in list(zip(losses, slopes, least, curvatures(run), strict=True))[:-1]:
        by_slope.append(loss - (eta - k * eta**2 / 2) * slope)
        by_loss.append(loss * (1 - 2 * mu * eta + mu * k * eta**2))
    return [
        Bound(
            "decrease_by_slope",
            "loss against the decrease by its slope",
            run.loss,
            by_slope,
            latex=r"\ell_{k+1} \le \ell_k - (\eta - \frac{1}{2} K_k \eta^2) \|\nabla \ell_k\|^2",
        ),
        Bound(
            "decrease_by_loss",
            "loss against its local contraction",
            run.loss,
            by_loss,
            latex=r"\ell_{k+1} \le \ell_k (1 - 2 \mu_k \eta + \mu_k K_k \eta^2)",
        ),
    ]


def _descent(weights: list[list[list[str]]], target: list[list[str]], step_size: str, **options: Any) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        step_size=step_size,
        start={"scheme": "given", "weights": weights},
        **{"stop": {"steps": 12}, "backend": BALL, **options},
    )


_NUMBERS = [[["1"]], [["1"]]]
_ONE = [["1", "0"], ["0", "1"]]
_SKEW = [[["1", "1/2"], ["0", "1"]], [["1", "0"], ["1/4", "1"]]]
_WIDE = [[["1", "0"], ["0", "1/2"], ["1/4", "1"]], [["1/2", "1", "0"]]]
_UNEVEN = [[["4", "0"], ["0", "1/4"]], [["4", "0"], ["0", "1/4"]]]

examples = [
    Example("balanced numbers above their target, enclosed", "consistent", _descent(_NUMBERS, [["15/16"]], "1/32")),
    Example("two skew layers, enclosed", "consistent", _descent(_SKEW, [["2", "0"], ["-1", "1"]], "1/16")),
    Example("one output, in double precision", "consistent", _descent(_WIDE, [["2", "-1"]], "1/8", backend=FLOAT)),
    Example("a step too long", "vacuous", _descent(_UNEVEN, [["15", "0"], ["0", "1/16"]], "1/8", stop={"steps": 1})),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        _descent(_UNEVEN, [["15", "0"], ["0", "1/16"]], "1/8", stop={"steps": 1}, without=["short_step"]),
    ),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(_descent([_ONE] * 2, [["15/16", "0"], ["0", "15/16"]], "1/32")),
    ),
    Example(
        "weight decay leaves the target, the hypothesis dropped",
        "violated",
        _descent(
            _NUMBERS,
            [["1"]],
            "1/16",
            dynamics="weight_decay",
            parameters={"decay": "1"},
            without=["plain_descent"],
        ),
    ),
]

examples += [
    altered(examples[0], "setting", "another factor of the loss", loss={"normalisation": "none"}),
]
