r"""With one idempotent matrix in every layer neither the loss nor any gradient depends on the depth.

Statement
    Let all $L \ge 2$ layers start at one matrix $M = M^2$. With $E = M - \Phi$
    $$\ell = \frac{1}{2} \|E\|_F^2, \qquad \|\nabla \ell\|^2 = \|M^T E\|_F^2 + \|E M^T\|_F^2 + (L - 2) \|M^T E M^T\|_F^2$$
    at the start. Let them start at one orthogonal matrix $Q$ instead: $\ell = \frac{1}{2} \|Q^L - \Phi\|_F^2$ and $\|\nabla \ell\|^2 = 2 L \ell$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss with the factor 1/2, at least two layers
    one_matrix: all layers start at one matrix, exactly
    idempotent: $M^2 = M$ or $M^T M = I$, exactly; the margin is the smaller negated defect

Standing
    explicit (proof below); recalled from the paper

Proof
    $M^k = M$ for $k \ge 1$: layer $j$ has the gradient $(M^T)^{L-j} E (M^T)^{j-1}$, with one factor at either end and two between. Orthogonal
    factors keep the norm of $Q^L - \Phi$.

Notes
    An oblique idempotent has $\|M\|_2 = 1/\sin \theta$, at any depth. The statement is about the start of a run.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._singular import Rows, rational_start, transposed
from workbench.theorems._statement import Source

source = Source(
    authors="Jingdong Wang, Yajie Xing, Kexin Zhang, Cha Zhang",
    year=2017,
    title="Orthogonal and idempotent transformations for learning deep neural networks",
    where="arXiv:1707.05974",
    locator="idempotent skip connections, recalled",
    url="https://arxiv.org/abs/1707.05974",
)
observes = ("loss", "gradient_squared_norm")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    deep = run.setting().holds is True and run.depth >= 2
    square = isinstance(run.trajectory.problem.network, LinearNetwork) and len(set(run.widths)) == 1
    layers = rational_start(run) if square else None
    one = layers is not None and all(layer == layers[0] for layer in layers)
    margin = None
    if layers is not None:
        margin = -min(
            _defect(product(layers[0], layers[0]), layers[0]), _defect(_gram(layers[0]), _identity(layers[0]))
        )
    return [
        Hypothesis.decided("setting", deep),
        Hypothesis.decided("one_matrix", one),
        Hypothesis("idempotent", None if margin is None else Measured(margin)),
    ]


def _gram(matrix: Rows) -> Rows:
    return product(transposed(matrix), matrix)


def _identity(matrix: Rows) -> Rows:
    return [[Fraction(i == j) for j in range(len(matrix))] for i in range(len(matrix))]


def _defect(found: Rows, wanted: Rows) -> Fraction:
    return max(abs(x - y) for row, other in zip(found, wanted, strict=True) for x, y in zip(row, other, strict=True))


def _square(matrix: Rows) -> Fraction:
    return sum((x**2 for row in matrix for x in row), Fraction(0))


def values(run: Run) -> tuple[Fraction, Fraction]:
    """Return the loss and the squared gradient of the start by the statement."""
    matrix = (rational_start(run) or [[[Fraction(1)]]])[0]
    whole = matrix
    if _defect(_gram(matrix), _identity(matrix)) == 0:
        for _ in range(run.depth - 1):
            whole = product(whole, matrix)
    error = [[x - y for x, y in zip(*rows, strict=True)] for rows in zip(whole, run.target.rows, strict=True)]
    if _defect(_gram(matrix), _identity(matrix)) == 0:
        return _square(error) / 2, run.depth * _square(error)
    turned = transposed(matrix)
    left, right = product(turned, error), product(error, turned)
    total = _square(left) + _square(right) + (run.depth - 2) * _square(product(left, turned))
    return _square(error) / 2, total


def predict(run: Run) -> list[Identity]:
    """Return the loss and the squared gradient at the start."""
    loss, gradient = values(run)
    count = len(run.steps)
    return [
        Identity(name, label, [observed[0]] * count, [value] * count, RESOLUTION, latex=latex, quantity=label)
        for name, label, observed, value, latex in (
            ("loss_at_start", "loss at the start", run.loss, loss, r"\ell = \frac{1}{2} \|M - \Phi\|_F^2"),
            (
                "gradient_at_start",
                "squared gradient at the start",
                run.observable("gradient_squared_norm"),
                gradient,
                r"\|\nabla \ell\|^2 = \|M^T E\|^2 + \|E M^T\|^2 + (L-2) \|M^T E M^T\|^2",
            ),
        )
    ]


def _equal(matrix: list[list[str]], depth: int, **options: Any) -> dict[str, Any]:
    options = {"step_size": "1/256", "stop": {"steps": 1}, "backend": BALL, **options}
    given = {"start": {"scheme": "given", "weights": [matrix] * depth}, **options}
    return experiment([2] * (depth + 1), {"rows": [["1", "1/2"], ["-1/3", "2"]]}, **given)


_OBLIQUE = [["1", "2"], ["0", "0"]]
_ROTATION = [["3/5", "4/5"], ["-4/5", "3/5"]]
_OTHER = [["1", "2"], ["0", "1/2"]]
_TWO: dict[str, Any] = {"start": {"scheme": "given", "weights": [_OBLIQUE, _OTHER, _OBLIQUE]}}

examples = [
    Example("an oblique projection in five layers, enclosed", "consistent", _equal(_OBLIQUE, 5)),
    Example("the same in two layers", "consistent", _equal(_OBLIQUE, 2)),
    Example("a rotation in seven layers, in double precision", "consistent", _equal(_ROTATION, 7, backend=FLOAT)),
    Example("a matrix that is neither", "vacuous", _equal(_OTHER, 3)),
    Example("a matrix that is neither, the hypothesis dropped", "violated", _equal(_OTHER, 3, without=["idempotent"])),
    Example(
        "another matrix between, the hypothesis dropped",
        "violated",
        _equal(_OBLIQUE, 3, without=["one_matrix"], **_TWO),
    ),
]

examples += [
    altered(examples[0], "setting", "twice the loss", loss={"normalisation": "none"}),
]
