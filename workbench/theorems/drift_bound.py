r"""Over a whole descent no balancedness defect drifts by more than the step size times twice the decrease of the loss.

Statement
    Let every step of gradient descent decrease the loss by at least $\frac{\eta}{2} \|\nabla l\|^2$, as it does where $\eta$ times
    the largest curvature along the step is at most 1. Then for every $j$ and every step $k$
    $$\left\| D_j(k) - D_j(0) \right\|_F \le 2 \eta \left( l_0 - l_k \right), \qquad D_j = W_{j+1}^T W_{j+1} - W_j W_j^T .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    sufficient_decrease: $l_i - l_{i+1} \ge \frac{\eta}{2} \|\nabla l_i\|^2$ at every step of the run

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below)

Proof
    $D_j(i+1) - D_j(i) = \eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T)$ at step $i$, of norm at most $\eta^2 (\|G_{j+1}\|_F^2 + \|G_j\|_F^2) \le
    \eta^2 \|\nabla l_i\|^2 \le 2 \eta (l_i - l_{i+1})$; sum over the steps. `derivations/drift_bound.py`.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("Theorem 1; the discrete bound is worked out for this project")
observes = ("loss", "gradient_squared_norm", "balancedness_change")


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [
        Hypothesis.decided("linear_network", isinstance(run.trajectory.problem.network, LinearNetwork)),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("sufficient_decrease", _least_surplus(run)),
    ]


def _least_surplus(run: Run) -> Measured | None:
    """Return the least of l_i - l_{i+1} - eta/2 |grad|^2 over the steps."""
    half = run.number((run.step_size or Fraction(0)) / 2)
    losses = [run.number(loss) for loss in run.loss]
    slopes = [run.number(value) for value in run.observable("gradient_squared_norm")]
    missing = [after - before + half * g for (before, after), g in zip(pairwise(losses), slopes, strict=False)]
    return run.reals.measured(-run.reals.maximum(*missing)) if missing else None


def predict(run: Run) -> list[Bound]:
    """Return the bound of the drift by the decrease of the loss."""
    twice, start = run.number(2 * (run.step_size or Fraction(0))), run.number(run.loss[0])
    return [
        Bound(
            "drift",
            "change of the balancedness defects since the start",
            run.observable("balancedness_change"),
            [twice * (start - run.number(loss)) for loss in run.loss],
            latex=r"\left\| D_j(k) - D_j(0) \right\|_F \le 2 \eta (l_0 - l_k)",
            quantity="change of the balancedness defects",
        )
    ]


_GAUSSIAN = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}


def _descent(widths: list[int], target: dict[str, Any], step_size: str, **options: Any) -> dict[str, Any]:
    return experiment(widths, target, **{"stop": {"steps": 40}, "backend": BALL, "step_size": step_size, **options})


_WIDE = {"rows": [["1", "1/2", "1/3"], ["1/2", "1/3", "1/4"]]}
_UNBALANCED = {"scheme": "given", "weights": [[["2", "0"], ["1", "1"]], [["1/2", "0"], ["0", "1/4"]]]}

examples = [
    Example(
        "rectangular layers from a Gaussian start, enclosed",
        "consistent",
        _descent([3, 4, 2], _WIDE, "1/8", start=_GAUSSIAN),
    ),
    Example(
        "two layers far out of balance",
        "consistent",
        _descent([2] * 3, spectrum(["1", "3"], 1), "1/16", start=_UNBALANCED),
    ),
    Example(
        "three layers in double precision",
        "consistent",
        _descent([2] * 4, {"rows": [["1", "3"], ["-1", "1"]]}, "1/16", backend=FLOAT, start=_GAUSSIAN),
    ),
    Example(
        "a step that is too large",
        "vacuous",
        _descent([2] * 3, spectrum(["1", "3"], 1), "1/2", stop={"steps": 3}, start=_UNBALANCED),
    ),
    Example(
        "a step that is too large, the hypothesis dropped",
        "violated",
        _descent(
            [2] * 3,
            spectrum(["1", "3"], 1),
            "1/2",
            stop={"steps": 3},
            start=_UNBALANCED,
            without=["sufficient_decrease"],
        ),
    ),
]

examples += [
    altered(examples[1], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
    altered(
        examples[0], "plain_descent", "momentum", dynamics={"name": "heavy_ball", "parameters": {"momentum": "1/2"}}
    ),
]
