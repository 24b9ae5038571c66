r"""At a balanced critical point of two layers the most negative curvature is a singular value left out, or a difference of two.

Statement
    Let two layers be balanced, $W_2^T W_2 = W_1 W_1^T$, at a critical point, $W = W_2 W_1$, $E = W - \Phi$, with a hidden width $h$. The least eigenvalue of the Hessian is
    $$-\|E\|_2 \quad \text{if } h > \mathrm{rank}\, W , \qquad \min(0, \sigma_{\min}^+(W) - \|E\|_2) \quad \text{if } h = \mathrm{rank}\, W ,$$
    where $\sigma_{\min}^+$ is the least positive singular value, and the loss is $\frac{1}{2} (\|\Phi\|_F^2 - \|W\|_F^2)$. The singular values of $W$ and of $E$ together are those of $\Phi$:
    every saddle is strict, but where the largest $h$ singular values are learned there is no negative curvature.

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    critical: both gradients vanish at the start, exactly; the margin is the negated largest entry
    balanced: $W_2^T W_2 = W_1 W_1^T$ at the start, exactly; the margin is the negated largest entry
    plain_descent: gradient descent with a constant step, which stays there

Presupposed
    setting: what is critical and balanced is that of this loss

Standing
    explicit (proof below), worked out for this project; that there are no bad local minima is published, and recalled

Proof
    $W_2^T E = 0$ and $E W_1^T = 0$ make the singular vectors of $W$ and $E$ those of $\Phi = W - E$, on a set $S$ and off it: with balance $W_2 = \sum_{k \in S} \sqrt{s_k} u_k r_k^T$, $W_1 = \sum_S \sqrt{s_k} r_k v_k^T$ and $E = -\sum_{i \notin S} s_i u_i v_i^T$.
    The second derivative along $(A, B)$ of $W_2$, $W_1$ is $\|A W_1 + W_2 B\|_F^2 + 2 \langle E, A B \rangle$. With $a_{ip}$, $b_{pj}$ in these bases, $p$ over an orthonormal basis of the hidden space that has the $r_k$, it is a sum of squares
    $(\sqrt{s_k} a_{ik} + \sqrt{s_i} b_{ik})^2$ for $i, k \in S$, of $s_k a_{ik}^2 + s_k b_{ki}^2 - 2 s_i a_{ik} b_{ki}$ for $i \notin S$, $k \in S$, with the eigenvalues $s_k \pm s_i$, and of $-2 s_i a_{ip} b_{pi}$ for $p$ orthogonal to all
    $r_k$, with $\pm s_i$, $s_i = 0$ where a side has no partner. The first kind has the eigenvalue 0 as well.

Notes
    At three layers or more the Hessian at zero vanishes: that saddle is not strict.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, experiment
from workbench.theorems._flow_envelope import two_layers, two_linear_layers
from workbench.theorems._margin import imbalances, target_frobenius_squared
from workbench.theorems._singular import Rows, rational_start, squared_singular_values, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="El Mehdi Achour, Francois Malgouyres, Sebastien Gerchinovitz",
    year=2024,
    title="The loss landscape of deep linear neural networks: a second-order analysis",
    where="JMLR 25; arXiv:2107.13289",
    locator="critical values, recalled; the curvature is worked out for this project",
    url="https://arxiv.org/abs/2107.13289",
)
observes = ("loss", "least_curvature")
tight = True

RESOLUTION = Fraction(1, 10**8)


def _error(run: Run, layers: list[Rows]) -> tuple[Rows, Rows]:
    """Return W and W - Phi at the start."""
    whole = product(layers[1], layers[0])
    return whole, [[x - y for x, y in zip(a, b, strict=True)] for a, b in zip(whole, run.target.rows, strict=True)]


def _largest(matrices: list[Rows]) -> Measured:
    return Measured(-max(abs(x) for matrix in matrices for row in matrix for x in row))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    layers = rational_start(run) if two_linear_layers(run) else None
    slope, balance = None, None
    if layers is not None:
        error = _error(run, layers)[1]
        slope = _largest([product(transposed(layers[1]), error), product(error, transposed(layers[0]))])
        balance = _largest(imbalances(run) or [])
    return [two_layers(run), Hypothesis("critical", slope), Hypothesis("balanced", balance), run.plain_descent()]


def curvature(run: Run, layers: list[Rows]) -> Real:
    """Return the least eigenvalue of the Hessian."""
    whole, error = _error(run, layers)
    missed = run.reals.sqrt(run.number(squared_singular_values(error)[-1]))
    count = rank(whole)
    if count < run.widths[1]:
        return -missed
    least = squared_singular_values(whole)[-count]
    return -run.reals.maximum(0, missed - run.reals.sqrt(run.number(least)))


def rank(matrix: Rows) -> int:
    """Return the rank of a rational matrix, by elimination: an enclosure of a small singular value would not tell."""
    rows, found = [list(row) for row in matrix], 0
    for column in range(len(matrix[0])):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column] != 0), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / rows[found][column]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


def predict(run: Run) -> list[Identity]:
    """Return the least curvature and the loss."""
    layers, count = rational_start(run) or [], len(run.steps)
    whole = sum((x * x for row in _error(run, layers)[0] for x in row), Fraction(0))
    least, height = curvature(run, layers), (target_frobenius_squared(run) - whole) / 2
    return [
        Identity(
            "least_curvature",
            "least eigenvalue of the Hessian",
            run.observable("least_curvature"),
            [least] * count,
            RESOLUTION,
            latex=r"\lambda_{\min} = -\|E\|_2 \ \text{or} \ \min(0, \sigma_{\min}^+(W) - \|E\|_2)",
            quantity="least curvature",
        ),
        Identity(
            "height",
            "loss at the critical point",
            run.loss,
            [height] * count,
            RESOLUTION,
            latex=r"\ell = \frac{1}{2} (\|\Phi\|_F^2 - \|W\|_F^2)",
            quantity="loss",
        ),
    ]


def _at(weights: list[list[list[str]]], target: list[list[str]], **options: Any) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    start = {"scheme": "given", "weights": weights}
    options = {"step_size": "1/8", "stop": {"steps": 2}, "backend": BALL, **options}
    return experiment(widths, {"rows": target}, start=start, **options)


_DIAGONAL = [["9", "0", "0"], ["0", "4", "0"], ["0", "0", "1"]]
# The turn times diag(4, 1): its first left singular vector is (3/5, -4/5).
_TURNED = [["12/5", "4/5"], ["-16/5", "3/5"]]
_ONE_LEARNED: list[Any] = [[["2", "0"], ["0", "0"]], [["6/5", "0"], ["-8/5", "0"]]]
_SECOND_ALONE: list[Any] = [[["0", "2", "0"]], [["0"], ["2"], ["0"]]]
_FIRST_ALONE: list[Any] = [[["3", "0", "0"]], [["3"], ["0"], ["0"]]]
_ZERO: list[Any] = [[["0", "0", "0"]] * 2, [["0", "0"]] * 3]
_UNBALANCED: list[Any] = [[["0", "1", "0"]], [["0"], ["4"], ["0"]]]
_NOT_CRITICAL: list[Any] = [[["0", "1", "0"]], [["0"], ["1"], ["0"]]]

examples = [
    Example("one of two learned, a hidden direction free, enclosed", "consistent", _at(_ONE_LEARNED, _TURNED)),
    Example("the second of three alone", "consistent", _at(_SECOND_ALONE, _DIAGONAL)),
    Example("the largest alone, no negative curvature", "consistent", _at(_FIRST_ALONE, _DIAGONAL)),
    Example("zero", "consistent", _at(_ZERO, _DIAGONAL)),
    Example("no critical point", "vacuous", _at(_NOT_CRITICAL, _DIAGONAL)),
    Example(
        "no critical point, the hypothesis dropped", "violated", _at(_NOT_CRITICAL, _DIAGONAL, without=["critical"])
    ),
    Example("unbalanced layers, the hypothesis dropped", "violated", _at(_UNBALANCED, _DIAGONAL, without=["balanced"])),
    Example(
        "weight decay leaves it, the hypothesis dropped",
        "violated",
        _at(
            _SECOND_ALONE,
            _DIAGONAL,
            dynamics="weight_decay",
            parameters={"decay": "1"},
            without=["plain_descent"],
        ),
    ),
]
