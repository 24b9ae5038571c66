r"""Weight decay makes zero the best of all weights from an exact level on, at which the best product jumps.

Statement
    Let $L \ge 2$, $s_1$ the largest singular value of the target and $\lambda_* = \frac{s_1}{L-1} \left( \frac{L-2}{L-1} s_1 \right)^{1 - 2/L}$ ($\lambda_* = s_1$ for $L = 2$). All weights whatever obey
    $$\frac{1}{2} \|W_L \cdots W_1 - \Phi\|_F^2 + \frac{\lambda_*}{2} \sum_j \|W_j\|_F^2 \ge \frac{1}{2} \|\Phi\|_F^2 ,$$
    so that under a weight decay $\lambda \ge \lambda_*$ zero is a global minimum; for $\lambda < \lambda_*$ it is none. At $L \ge 3$ equal positive numbers have equality if and only if $x^L = \frac{L-2}{L-1} s_1$: there the best product jumps.

Hypotheses
    setting: a linear network of at least two layers, any widths, whitened inputs, loss with the factor 1/2

Standing
    explicit (proof below), worked out for this project

Proof
    $\sum_j \|W_j\|_F^2 \ge L \sum_r \sigma_r^{2/L}$ (`schatten_norm`) and $\|W - \Phi\|_F^2 \ge \sum_r (\sigma_r - s_r)^2$ (von Neumann), so it is enough that $f(\sigma) = \sigma^2 - 2 s \sigma + \lambda_* L \sigma^{2/L} \ge 0$ for
    $\sigma \ge 0$, $0 \le s \le s_1$. That is $\lambda_* L \ge \psi(\sigma) = 2 s \sigma^{1 - c} - \sigma^{2 - c}$, $c = 2/L$: $\psi$ is largest at $\sigma = \frac{2 - 2c}{2 - c} s = \frac{L-2}{L-1} s$, where it is
    $\frac{L s}{L-1} \left( \frac{L-2}{L-1} s \right)^{1 - c}$, and grows with $s$. Equality is at this $\sigma$ alone, or at $\sigma = 0$.
    Below $\lambda_*$ balanced layers with the first mode at this $\sigma$, at $L = 2$ at $s_1 - \lambda$, and the others zero have less than zero has.

Notes
    One layer has no such level: its penalised minimum $s / (1 + \lambda)$ always beats zero. Between $\lambda_*$ and the larger $\lambda_c$ of `weight_decay_phases` the nonzero solution is a local minimum, and a worse one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._decay_levels import level_of_choice
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment, spectrum
from workbench.theorems._margin import target_frobenius_squared, target_singular_values
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("setting; the level is worked out for this project")
observes = ("loss", "weights_squared_norm")
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [Hypothesis.decided("setting", run.setting(square=False).holds is True and run.depth >= 2)]


def predict(run: Run) -> list[Bound]:
    """Return the penalised loss at the level against that of zero."""
    level = level_of_choice(run, target_singular_values(run)[0])
    columns = zip(run.loss, run.observable("weights_squared_norm"), strict=True)
    penalised = [run.number(loss) + level * run.number(norm) / 2 for loss, norm in columns]
    label = "loss with the level's weight decay"
    floor = target_frobenius_squared(run) / 2
    latex = r"\ell + \frac{\lambda_*}{2} \sum_j \|W_j\|_F^2 \ge \frac{1}{2} \|\Phi\|_F^2"
    return [Bound("worse_than_zero", label, penalised, [Fraction(floor)] * len(run.steps), ">=", latex, label)]


def _decayed(widths: list[int], target: dict[str, Any], **options: Any) -> dict[str, Any]:
    options = {"dynamics": "weight_decay", "parameters": {"decay": "1/2"}, "step_size": "1/20", **options}
    return experiment(widths, target, **{"stop": {"steps": 40}, "backend": BALL, **options})


_UNIFORM = {"family": "uniform", "shape": [2, 3], "seed": 4}

examples = [
    Example("three numbers beside the jump, enclosed", "consistent", _decayed([1] * 4, {"rows": [["2"]]})),
    Example(
        "rectangular layers from a random start",
        "consistent",
        _decayed([3, 4, 2], _UNIFORM, start={"scheme": "gaussian", "seed": 2, "scale": "1/2"}),
    ),
    Example(
        "descent without decay in double precision",
        "consistent",
        experiment([2] * 5, spectrum(["1/2", "2"], 1), step_size="1/50", stop={"steps": 60}, backend=FLOAT),
    ),
    Example("one layer", "vacuous", _decayed([2, 2], spectrum(["1", "2"]))),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(_decayed([2] * 4, spectrum(["2", "2"]))),
    ),
]
