r"""Two layers far out of balance converge under descent at the rate that their imbalance tells, with an explicit step of practical size.

Statement
    Let $D = W_2^T W_2 - W_1 W_1^T$ at the start, $\lambda_k$ the $k$-th largest eigenvalue, $[x]_+ = \max(x, 0)$, zero where $k$ exceeds the hidden width, $g = [\lambda_{d_2}(D)]_+ + [\lambda_{d_0}(-D)]_+$, $d_\pm = [\lambda_1(\pm D)]_+$,
    $M = \|\Phi\|_2 + \sqrt{2 \ell_0}$, $e = 2 \eta \ell_0$ and
    $$\Lambda = \frac{1}{2} \sum_\pm \left( d_\pm + e + \sqrt{(d_\pm + e)^2 + 4 M^2} \right) , \qquad K = \Lambda + (1 + \eta \Lambda) \sqrt{2 \ell_0} + \eta^2 M \ell_0 .$$
    If $\eta K \le 1$ and $e < g$ then for every $k$
    $$\ell_k \le \left( 1 - \eta (2 - \eta K)(g - e) \right)^k \ell_0 .$$

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, both layers at once
    step_size: $\eta K \le 1$; the margin is $1 - \eta K$
    positive_gap: $g > e$; the margin is $g - e$

Perhaps unnecessary
    positive_gap: with a rate of zero the bound says that the loss does not grow, which every step below the cap obeys

Standing
    explicit (proof below), worked out for this project. Two published theorems of this kind, recalled, take steps that are smaller by orders of magnitude; that of Zhang and Peyre follows here for whitened inputs.

Proof
    By `local_descent`, where $\eta K_k \le 2$, $\ell_{k+1} \le \ell_k - \eta (1 - \frac{1}{2} \eta K_k) \|\nabla \ell_k\|^2$ and $\ell_{k+1} \le \ell_k (1 - \eta \mu_k (2 - \eta K_k))$. Suppose $K_j \le K$ for $j < k$. Then $\ell$ did not
    grow and $\sum_{j < k} \eta^2 \|\nabla \ell_j\|^2 \le 2 \eta \ell_0 = e$. As $D_{j+1} = D_j + \eta^2 (G_2^T G_2 - G_1 G_1^T)$ exactly, $D_k = D + P - N$ with $P, N \ge 0$ of norms that add up to at most $e$: so each of the two parts of $g$ falls by
    at most $\|N\|$ and $\|P\|$, and $\mu_k \ge g - e$ by Weyl, as in `support_gap`; and $d_\pm$ grow by at most $e$. With $W = W_2 W_1$, $\|W\|_2 \le M$, and $u$ a top left singular vector of $W_1$, $a = \|W_1\|_2^2$,
    $M^2 \ge \|W_2 W_1\|_2^2 \ge a\, u^T (D_k + W_1 W_1^T) u \ge a (a - d_- - e)$, so that $2 a \le d_- + e + \sqrt{(d_- + e)^2 + 4 M^2}$; likewise $\|W_2\|_2^2$ with $d_+$. So $\lambda_k \le \Lambda$ and $K_k \le K$, and the induction goes on.

Notes
    Zhang and Peyre, for whitened inputs, with $S = \|(W_1^T; W_2)\|_2^2$ and $I = 4 \sqrt{\ell_0} / g$: a step $\eta \le g e^{-2I} \min \left( 1 / (4 S \sqrt{\ell_0} + 9 \sqrt{2} S^2 e^{2I}), (\sqrt{2} - 1) / (4 \ell_0) \right)$ gives the factor
    $1 - \eta g / \sqrt{2}$. It follows: $e \le 0.21 g$ by the second part, $M \le S (\frac{1}{2} + \sqrt{2} I)$, $g \le 2 S$ and $d_\pm \le S$, so $K \le S (4 + 4.1 I)$, while the first part gives $1/\eta \ge 6.3\, S e^{4I}$; so $\eta K \le 0.7$
    and $(2 - \eta K)(g - e) \ge 1.3 \cdot 0.79\, g > g / \sqrt{2}$. With the bound at $e \ge g$ nothing is said. Numbers attain the rate to first order in $\eta$ where $D$ is large.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment
from workbench.theorems._flow_envelope import two_layers, two_linear_layers
from workbench.theorems._margin import (
    descending_eigenvalues,
    imbalances,
    initial_loss,
    negated,
    positive_part,
    target_singular_values,
)
from workbench.theorems._statement import Erratum, Source
from workbench.theorems.support_gap import support_gap

source = Source(
    authors="Ziqing Xu, Hancheng Min, Salma Tarmoun, Enrique Mallada, Rene Vidal",
    year=2023,
    title="Linear convergence of gradient descent for finite width over-parametrized linear networks with general "
    "initialization",
    where="AISTATS 2023, PMLR 206",
    locator="Theorems 3.1 and 3.2, recalled; the step and its proof are worked out for this project",
)
observes = ("loss",)
tight = True


def curvature(run: Run) -> Real | None:
    """Return K, None where the start is not rational."""
    found = imbalances(run)
    if found is None:
        return None
    values, start = descending_eigenvalues(run, found[0]), initial_loss(run)
    eta = run.number(run.step_size or Fraction(0))
    drift, error = 2 * eta * start, run.reals.sqrt(2 * start)
    norm = target_singular_values(run)[0] + error
    largest = run.number(0)
    for side in (values, negated(values)):
        spread = positive_part(run, side, 1) + drift
        largest = largest + (spread + run.reals.sqrt(spread**2 + 4 * norm**2)) / 2
    return largest + (1 + eta * largest) * error + eta**2 * norm * start


def _gap(run: Run) -> Real | None:
    """Return g - e, None where the start is not rational."""
    gap = support_gap(run)
    return None if gap is None else gap - 2 * run.number(run.step_size or Fraction(0)) * initial_loss(run)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    two = two_linear_layers(run) and run.step_size is not None
    bound, gap = (curvature(run), _gap(run)) if two else (None, None)
    room = None if bound is None else run.reals.measured(1 - (run.step_size or Fraction(0)) * bound)
    return [
        two_layers(run),
        run.plain_descent(),
        Hypothesis("step_size", room),
        Hypothesis("positive_gap", None if gap is None else run.reals.measured(gap), strict=True),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope of the loss, and its rate."""
    bound, gap = curvature(run), _gap(run)
    if bound is None or gap is None or run.step_size is None:
        return []
    factor, start = 1 - run.step_size * (2 - run.step_size * bound) * gap, initial_loss(run)
    series = [start * factor**step for step in run.steps]
    latex = r"\ell_k \le (1 - \eta (2 - \eta K)(g - e))^k \ell_0"
    return [
        Bound("loss_envelope", "loss against its envelope", run.loss, series, latex=latex),
        Rate(-run.reals.log(factor) / run.step_size),
    ]


def _other_sign(numbers: Mapping[str, str]) -> bool:
    """Say whether x (y - x w) is not the derivative of (y - x w)^2 / 2 in w, which is a difference quotient's middle."""
    x, y, w = (Fraction(numbers[name]) for name in ("x", "y", "w"))

    def loss(weight: Fraction) -> Fraction:
        return (y - x * weight) ** 2 / 2

    # The loss is a parabola: its central difference is its derivative.
    return (loss(w + 1) - loss(w - 1)) / 2 != x * (y - x * w)


errata = [
    Erratum(
        printed=r"$\nabla \ell(W) = X^T (Y - X W)$ for $\ell(W) = \frac{1}{2} \|Y - X W\|_F^2$",
        where="Xu and others (2023), text before Theorem 3.1 (recalled)",
        counterexample={"x": "1", "y": "1", "w": "0"},
        refutation="one number: the loss (1 - w)^2 / 2 falls at w = 0 with the slope -1, not 1; the sign is wrong",
        refutes=_other_sign,
    )
]


def _descent(weights: list[list[list[str]]], target: list[list[str]], step_size: str, **options: Any) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        step_size=step_size,
        start={"scheme": "given", "weights": weights},
        **{"stop": {"steps": 40}, "backend": BALL, **options},
    )


_NUMBERS = [[["2"]], [["1/8"]]]
_ONE_SIDED: list[Any] = [[["0", "0"], ["0", "0"]], [["1", "0"], ["0", "1"]]]
_WHITE: list[Any] = [[["1", "0"], ["0", "1"], ["0", "0"]], [["0", "0", "1"]]]
_BALANCED = [[["1/2"]], [["1/2"]]]
_UNEVEN: list[Any] = [[["0", "0"], ["0", "0"]], [["4", "0"], ["0", "1"]]]
_SMALL: list[Any] = [["1/4", "1/8"], ["0", "-1/4"]]

examples = [
    Example("two numbers, enclosed", "consistent", _descent(_NUMBERS, [["1/2"]], "1/32")),
    Example("one layer zero", "consistent", _descent(_ONE_SIDED, _SMALL, "1/8")),
    Example(
        "three hidden numbers in double precision",
        "consistent",
        _descent(_WHITE, [["1/4", "-1/8"]], "1/8", backend=FLOAT),
    ),
    Example("balanced numbers", "vacuous", _descent(_BALANCED, [["1"]], "1/32")),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        _descent(_UNEVEN, _SMALL, "1/4", stop={"steps": 4}, without=["step_size"]),
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _descent(
            _NUMBERS,
            [["1/2"]],
            "1/32",
            dynamics="heavy_ball",
            parameters={"momentum": "9/10"},
            without=["plain_descent"],
        ),
    ),
    Example(
        "the mean over two samples, the hypothesis dropped", "violated", averaged(_descent(_ONE_SIDED, _SMALL, "1/8"))
    ),
]
