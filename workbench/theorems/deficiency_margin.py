r"""With a deficiency margin and nearly balanced layers, descent with a small step learns at a rate that the margin tells.

Statement
    Let $c = s_{\min}(\Phi) - \|W(0) - \Phi\|_F > 0$ be the deficiency margin, $\|D_j(0)\|_F \le \delta$ for every
    $D_j = W_{j+1}^T W_{j+1} - W_j W_j^T$, and
    $$\delta = \frac{c^2}{256 L^3 \|\Phi\|_F^{2 (L-1)/L}}, \qquad
    0 < \eta \le \frac{c^{(4 L - 2)/L}}{6144 L^3 \|\Phi\|_F^{(6 L - 4)/L}} .$$
    Then $\ell(T) \le \varepsilon$ for every $T \ge \frac{1}{\eta c^{2 (L-1)/L}} \ln \frac{\ell(0)}{\varepsilon}$: after $t$ steps
    $$\ell(t) \le \ell(0) e^{-\eta c^{2 - 2/L} t} .$$

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deficiency_margin: $c > 0$, the largest margin that the start has
    nearly_balanced: $\max_j \|D_j(0)\|_F \le \delta$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le c^{(4L-2)/L} / (6144 L^3 \|\Phi\|_F^{(6L-4)/L})$; the margin is the distance to the cap

Standing
    published constant: the numbers 256 and 6144 as they are quoted in later texts, not proved here

Notes
    That every hidden layer is at least as wide as the narrower end, which the paper asks for, follows from $c > 0$:
    $s_{\min}(W(0)) \ge c$, so that no layer can lose rank. Where the margin is dropped, $|c|$ stands for $c$. Near the
    minimum a run's rate is $2 L s_{\min}^{2-2/L}$ of square ends, so that the bound is loose by $2 L (s_{\min}/c)^{2-2/L}$; its
    step is a millionth of the longest stable one or less. `practical_step` has a proved one that is longer.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Count, Example, Hypothesis, Rate, Run
from workbench.theorems._balanced_start import defect_squared
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment
from workbench.theorems._margin import deficiency_margin, initial_loss, linear, size, target_frobenius_squared
from workbench.theorems._sources import ARORA_GOLOWICH_2019

source = ARORA_GOLOWICH_2019.at("Theorem 1")
observes = ("loss",)
tight = False

IMBALANCE = 256
STEP = 6144


def largest_step_size(run: Run) -> Real:
    """Return c^((4L-2)/L) / (6144 L^3 ||Phi||_F^((6L-4)/L))."""
    depth = run.depth
    numerator = run.reals.power(_margin(run), Fraction(4 * depth - 2, depth))
    # The exponent of ||Phi||_F^2 is half that of ||Phi||_F.
    size_of_target = run.reals.power(run.number(target_frobenius_squared(run)), Fraction(3 * depth - 2, depth))
    return numerator / (STEP * depth**3 * size_of_target)


def largest_imbalance(run: Run) -> Real:
    """Return c^2 / (256 L^3 ||Phi||_F^(2-2/L))."""
    depth = run.depth
    size_of_target = run.reals.power(run.number(target_frobenius_squared(run)), Fraction(depth - 1, depth))
    return _margin(run) ** 2 / (IMBALANCE * depth**3 * size_of_target)


def _margin(run: Run) -> Real:
    return size(run, deficiency_margin(run))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = run.setting(square=False)
    margins: list[Measured | None] = [None, None, None]
    if linear(run):
        margins = [run.reals.measured(deficiency_margin(run)), _imbalance_room(run), _step_room(run)]
    return [
        setting,
        Hypothesis("deficiency_margin", margins[0], strict=True),
        Hypothesis("nearly_balanced", margins[1]),
        run.plain_descent(),
        Hypothesis("step_size", margins[2]),
    ]


def _imbalance_room(run: Run) -> Measured | None:
    defect = defect_squared(run)
    return None if defect is None else run.reals.measured(largest_imbalance(run) - run.reals.sqrt(run.number(defect)))


def _step_room(run: Run) -> Measured | None:
    if run.step_size is None:
        return None
    return run.reals.measured(largest_step_size(run) - run.number(run.step_size))


def predict(run: Run) -> list[Bound | Count | Rate]:
    """Return the envelope, the count where the run was to reach a level, and the rate."""
    rate, start = run.reals.power(_margin(run), Fraction(2) - Fraction(2, run.depth)), initial_loss(run)
    envelope = [start * run.reals.exp(-rate * run.number(time)) for time in run.times]
    latex = r"\ell(t) \le \ell(0) e^{-\eta c^{2-2/L} t}"
    found: list[Bound | Count | Rate] = [
        Bound("loss_envelope", "loss against its envelope", run.loss, envelope, latex=latex),
        Rate(rate),
    ]
    if run.until_loss is not None and run.step_size:
        needed = run.reals.log(start / run.until_loss) / (rate * run.step_size)
        allowed = run.reals.maximum(0, needed)
        found.append(Count("steps_to_loss", "steps until the loss is reached", run.loss, run.until_loss, allowed, "T"))
    return found


def _descent(
    weights: list[list[list[str]]], target: list[list[str]], backend: dict[str, Any] = BALL, **options: Any
) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        start={"scheme": "given", "weights": weights},
        backend=backend,
        **{"step_size": "largest", "stop": {"steps": 20}, **options},
    )


_ONE = [["1", "0"], ["0", "1"]]
_THREE = [["1" if i == j else "0" for j in range(3)] for i in range(3)]
_TURNED = [[["1", "1/1048576"], ["0", "1"]], [["3/5", "4/5"], ["-4/5", "3/5"]]]
_WIDE = [[["1", "0", "0"], ["0", "1", "0"]], _ONE, _ONE]
_UNEVEN = [[["1/4", "0"], ["0", "4"]], [["4", "0"], ["0", "1/4"]]]
_SADDLE = [[["0", "0"], ["0", "0"]]] * 2

examples = [
    Example(
        "two layers not quite balanced, enclosed",
        "consistent",
        _descent(_TURNED, [["3/5", "3/4"], ["-4/5", "1/2"]]),
    ),
    Example("three layers, three inputs", "consistent", _descent(_WIDE, [["1", "1/8", "1/8"], ["0", "1", "0"]])),
    Example(
        "one layer, down to a level, in double precision",
        "consistent",
        _descent([[["15/16"]]], [["1"]], FLOAT, stop={"until_loss": "1/600"}),
    ),
    Example("no margin", "vacuous", _descent([_ONE], [["1", "0"], ["0", "-1"]], step_size="1/100000")),
    Example(
        "at the saddle of the origin, the hypothesis dropped",
        "violated",
        _descent(_SADDLE, _ONE, without=["deficiency_margin"]),
    ),
    Example(
        "layers far out of balance, the hypothesis dropped",
        "violated",
        _descent(_UNEVEN, [["1", "0"], ["1/16", "1"]], without=["nearly_balanced"]),
    ),
    Example(
        "a step far above the cap, the hypothesis dropped",
        "violated",
        _descent([[["1"]], [["1"]]], [["5/4"]], step_size="1", stop={"steps": 6}, without=["step_size"]),
    ),
    Example(
        "the mean over three samples, the hypothesis dropped",
        "violated",
        averaged(_descent([_THREE], [["5/4", "0", "0"], *_THREE[1:]])),
    ),
    Example(
        "weight decay leaves the target, the hypothesis dropped",
        "violated",
        _descent(
            [[["1"]], [["1"]]],
            [["1"]],
            dynamics="weight_decay",
            parameters={"decay": "1"},
            step_size="1/65536",
            without=["plain_descent"],
        ),
    ),
]
