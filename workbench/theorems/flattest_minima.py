r"""Every global minimiser is at least as sharp as a balanced one, whose sharpness is a power of the target's norm.

Statement
    Let $W_L \cdots W_1 = \Phi$ and let $s_1$ be the largest singular value of $\Phi$. The sharpness, the largest eigenvalue of
    the Hessian of $\frac{1}{2} \|W_L \cdots W_1 - \Phi\|_F^2$, is at least
    $$L s_1^{2 - 2/L} ,$$
    with equality where the layers are balanced, $W_{j+1}^T W_{j+1} = W_j W_j^T$.

Hypotheses
    setting: a deep linear network of any widths, whitened inputs, loss with the factor 1/2
    at_minimiser: the layers start at $W_L \cdots W_1 = \Phi$, exactly; the margin is the negated error
    plain_descent: gradient descent with a constant step, which rests there

Presupposed
    setting: the minimiser and its least sharpness are those of this loss

Standing
    explicit (proof below)

Proof
    With $A_j = W_L \cdots W_{j+1}$, $B_j = W_{j-1} \cdots W_1$ and leading singular vectors $u$, $v$ the sharpness is at least
    $\sum_j |A_j^T u|^2 |B_j v|^2 \ge L \prod_j (|A_j^T u| |B_j v|)^{2/L}$, and $|A_j^T u| |B_{j+1} v| \ge u^T W v = s_1$:
    `derivations/flattest_minima.py`. Balanced layers: `derivations/balanced_hessian.py`.

Notes
    Descent with a step above $2 / (L s_1^{2 - 2/L})$ can rest at no global minimiser stably.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Matrix, Measured
from workbench.rotation import product
from workbench.theorems import Bound, Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, experiment
from workbench.theorems._statement import Source

source = Source(
    authors="Rotem Mulayoff, Tomer Michaeli",
    year=2020,
    title="Unique properties of flat minima in deep networks",
    where="ICML 2020; arXiv:2002.04710",
    locator="flattest minima; the proof is worked out for this project",
    url="https://arxiv.org/abs/2002.04710",
)
observes = ("loss", "sharpness")
tight = True

RESOLUTION = Fraction(1, 10**6)
_FORMULA = r"\lambda_{\max} \ge L s_1^{2 - 2/L}"

Rows = list[list[Fraction]]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = run.setting(square=False)
    layers = _layers(run)
    margin = None if layers is None or setting.holds is not True else Measured(-_error(run, layers))
    return [setting, Hypothesis("at_minimiser", margin), run.plain_descent()]


def predict(run: Run) -> list[Bound | Identity]:
    """Return the bound, or the equality where the start is balanced."""
    observed, level = run.observable("sharpness"), _level(run)
    levels = [level] * len(run.steps)
    layers = _layers(run)
    if layers is not None and _error(run, layers) == 0 and _balanced(layers):
        latex = _FORMULA.replace(r"\ge", "=")
        label = "sharpness of a balanced minimiser"
        return [Identity("balanced", label, observed, levels, RESOLUTION, latex=latex, quantity="sharpness")]
    label = "sharpness of a minimiser"
    return [Bound("flattest", label, observed, levels, ">=", latex=_FORMULA, quantity="sharpness")]


def _layers(run: Run) -> list[Rows] | None:
    layers = run.initial_weights()
    if all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return [[list(row) for row in layer] for layer in layers]  # type: ignore[arg-type]
    return None


def _error(run: Run, layers: list[Rows]) -> Fraction:
    """Return the largest entry of W - Phi."""
    whole = layers[0]
    for layer in layers[1:]:
        whole = product(layer, whole)
    rows = zip(whole, run.target.rows, strict=True)
    return max(abs(x - y) for row, wanted in rows for x, y in zip(row, wanted, strict=True))


def _balanced(layers: list[Rows]) -> bool:
    pairs = itertools.pairwise(layers)
    return all(product(_transposed(upper), upper) == product(lower, _transposed(lower)) for lower, upper in pairs)


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _level(run: Run) -> Real:
    """Return L s_1^(2 - 2/L)."""
    rows: Rows = [list(row) for row in run.target.rows]
    gram = Matrix(tuple(map(tuple, product(rows, _transposed(rows)))))
    largest = run.number(run.spectrum(gram)[-1])
    # One layer: the exponent is zero, also of a zero target.
    return run.depth * run.reals.power(largest, 1 - Fraction(1, run.depth))


def _rest(
    weights: list[list[list[str]]], target: list[list[str]], backend: dict[str, Any] = BALL, **options: Any
) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        start={"scheme": "given", "weights": weights},
        backend=backend,
        **{"step_size": "1/256", "stop": {"steps": 2}, **options},
    )


_UNBALANCED = [[["2", "0"], ["0", "1"], ["0", "0"]], [["1", "0", "1/2"]]]
_BALANCED = [[["6/5", "8/5"]], [["2"]], [["6/5"], ["8/5"]]]
_FLAT = [[["1/8"]], [["1/8"]]]
_DECAY: dict[str, Any] = {"dynamics": "weight_decay", "parameters": {"decay": "4"}, "step_size": "1/8"}

examples = [
    Example("an unbalanced rectangular minimiser, enclosed", "consistent", _rest(_UNBALANCED, [["2", "0"]])),
    Example(
        "a balanced minimiser of three layers, enclosed",
        "consistent",
        _rest(_BALANCED, [["72/25", "96/25"], ["96/25", "128/25"]]),
    ),
    Example("one layer", "consistent", _rest([[["1/3", "2"]]], [["1/3", "2"]])),
    Example("near the origin, which is no minimiser", "vacuous", _rest(_FLAT, [["1"]])),
    Example("near the origin, the hypothesis dropped", "violated", _rest(_FLAT, [["1"]], without=["at_minimiser"])),
    Example(
        "weight decay leaves the minimiser, the hypothesis dropped",
        "violated",
        _rest([[["1"]], [["1"]]], [["1"]], without=["plain_descent"], **_DECAY),
    ),
]
