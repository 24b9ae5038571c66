r"""From a white start the loss of two layers is known along the flow in closed form, mode by mode.

Statement
    Let $W_1^T W_1 = c I$, $W_2 W_2^T = c I$, $W_2 W_1 = 0$ at the start, $c > 0$, and let $s_1, \dots, s_r$,
    $r = \min(d_0, d_2)$, be the singular values of $\Phi$. Along the gradient flow of $\frac{1}{2} \|W_2 W_1 - \Phi\|_F^2$
    $$\ell(t) = \frac{1}{2} \sum_{i=1}^{r} (s_i - a_i(t))^2, \qquad a_i = \frac{c}{2} \left( z_i - \frac{1}{z_i} \right),$$
    $$z_i = \frac{z_+ - C z_-}{1 - C}, \quad C = \frac{1 - z_+}{1 - z_-} e^{-k t}, \quad z_\pm = \frac{2 s_i \pm k}{2 c}, \quad
    k = 2 \sqrt{s_i^2 + c^2} .$$

Hypotheses
    two_layers: a linear network of two layers, any widths, loss with the factor 1/2
    white_start: $W_1^T W_1 = c I$, $W_2 W_2^T = c I$ with one $c > 0$ and $W_2 W_1 = 0$, exactly; the margin is the negated defect
    gradient_flow: the dynamics is the gradient flow

Presupposed
    two_layers: the closed form is that of two layers

Standing
    explicit (proof below)

Proof
    With $Q = (W_1^T; W_2)$, $P = Q Q^T$, $J = \mathrm{diag}(I, -I)$ the flow of $P J P - c^2 J$ is linear in itself, and it is 0
    at the start: `derivations/white_start.py`. So $\dot W = (\Phi - W)(W^T W + c^2)^{1/2} + (W W^T + c^2)^{1/2} (\Phi - W)$ with
    $W(0) = 0$, which the singular vectors of $\Phi$ bring to $\dot a = 2 \sqrt{a^2 + c^2} (s - a)$, $a(0) = 0$.

Notes
    Needs $d_1 \ge d_0 + d_2$. The residual of a mode decays at the rate $2 \sqrt{s^2 + c^2}$ in the end: twice $s$ for small
    $c$ (rich), $2 c$ for large $c$ (lazy).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Matrix, Measured
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment
from workbench.theorems._statement import Source

source = Source(
    authors="Zhenfeng Tu, Santiago Aranguri, Arthur Jacot",
    year=2024,
    title="Mixed dynamics in linear networks: unifying the lazy and active regimes",
    where="arXiv:2405.17580",
    locator="setting; the exact form is worked out for this project",
    url="https://arxiv.org/abs/2405.17580",
)
observes = ("loss",)
tight = True

# The singular values come from counted eigenvalues, each within some 1e-13.
RESOLUTION = Fraction(1, 10**8)

Rows = list[list[Fraction]]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    two = run.setting(square=False).holds is True and run.depth == 2
    defect = _defect(run) if two else None
    margin = None if defect is None else Measured(-defect)
    return [Hypothesis.decided("two_layers", two), Hypothesis("white_start", margin), run.gradient_flow()]


def _layers(run: Run) -> list[Rows] | None:
    layers = run.initial_weights()
    if all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return [[list(row) for row in layer] for layer in layers]  # type: ignore[arg-type]
    return None


def _defect(run: Run) -> Fraction | None:
    """Return the largest entry by which the start is not white, None where it is not rational."""
    layers = _layers(run)
    if layers is None:
        return None
    first, second = layers
    inner, outer = product(_transposed(first), first), product(second, _transposed(second))
    level = inner[0][0]
    defects = [abs(x) for row in product(second, first) for x in row]
    for gram in (inner, outer):
        defects += [abs(x - level * (i == j)) for i, row in enumerate(gram) for j, x in enumerate(row)]
    # All weights zero have no level.
    return max(defects) if level > 0 else max(*defects, Fraction(1))


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def predict(run: Run) -> list[Identity]:
    """Return the loss that the modes add up to."""
    layers = _layers(run)
    level = run.number(sum((row[0] ** 2 for row in layers[0]), Fraction(0)) if layers else Fraction(1))
    modes = [run.reals.sqrt(run.number(square)) for square in _squared_singular_values(run)]
    losses = []
    for time in run.times:
        gaps = [s - _mode(run, s, level, run.number(time)) for s in modes]
        losses.append(sum((gap**2 for gap in gaps), run.number(0)) / 2)
    return [
        Identity(
            "loss_of_the_modes",
            "loss against the sum over the modes",
            run.loss,
            losses,
            RESOLUTION,
            latex=r"\ell(t) = \frac{1}{2} \sum_i (s_i - a_i(t))^2",
            quantity="loss",
        )
    ]


def _squared_singular_values(run: Run) -> tuple[Measured, ...]:
    rows: Rows = [list(row) for row in run.target.rows]
    if len(rows) > len(rows[0]):
        rows = _transposed(rows)
    return run.spectrum(Matrix(tuple(map(tuple, product(rows, _transposed(rows))))))


def _mode(run: Run, s: Real, level: Real, time: Real) -> Real:
    """Return a(t)."""
    rate = 2 * run.reals.sqrt(s**2 + level**2)
    high, low = (2 * s + rate) / (2 * level), (2 * s - rate) / (2 * level)
    decaying = (1 - high) / (1 - low) * run.reals.exp(-rate * time)
    z = (high - decaying * low) / (1 - decaying)
    return level / 2 * (z - 1 / z)


_WHITE = [[["1/2", "0"], ["0", "1/2"], ["0", "0"]], [["0", "0", "1/2"]]]
_TURNED = [[["3/5", "4/5"], ["-4/5", "3/5"], ["0", "0"], ["0", "0"]], [["0", "0", "0", "1"], ["0", "0", "1", "0"]]]
_NUMBERS = [[["3/10"], ["4/10"]], [["-4/10", "3/10"]]]
_UNEQUAL = [[["1/2", "0"], ["0", "1/2"], ["0", "0"]], [["0", "0", "1"]]]


def _run(weights: list[Any], target: list[list[str]], backend: dict[str, Any], **options: Any) -> dict[str, Any]:
    widths = [len(weights[0][0]), len(weights[0]), len(weights[1])]
    return experiment(
        widths,
        {"rows": target},
        start={"scheme": "given", "weights": weights},
        backend=backend,
        **{"dynamics": "gradient_flow", "stop": {"time": "1"}, **options},
    )


_SKEW = [["2", "-1/2"], ["1", "1/3"]]
_DESCENT: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/5", "stop": {"steps": 5}}

examples = [
    Example("a rectangular network, enclosed", "consistent", _run(_WHITE, [["1", "-1/2"]], BALL)),
    Example("a turned start and a target that is not symmetric", "consistent", _run(_TURNED, _SKEW, MULTIPRECISION)),
    Example("numbers in double precision", "consistent", _run(_NUMBERS, [["1"]], FLOAT)),
    Example("a zero target", "consistent", _run(_NUMBERS, [["0"]], BALL)),
    Example("one layer larger", "vacuous", _run(_UNEQUAL, [["1", "-1/2"]], FLOAT)),
    Example(
        "one layer larger, the hypothesis dropped",
        "violated",
        _run(_UNEQUAL, [["1", "-1/2"]], FLOAT, without=["white_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        _run(_WHITE, [["1", "-1/2"]], BALL, without=["gradient_flow"], **_DESCENT),
    ),
]
