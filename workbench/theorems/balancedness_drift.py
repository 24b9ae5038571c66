r"""One step of gradient descent changes the imbalance by exactly the step size squared times that of the gradients.

Statement
    For a deep linear network and one step $W_j' = W_j - \eta G_j$ of gradient descent,
    $$D_j' - D_j = \eta^2 \left( G_{j+1}^T G_{j+1} - G_j G_j^T \right), \qquad D_j = W_{j+1}^T W_{j+1} - W_j W_j^T ,$$
    with no remainder, for $j = 1, \dots, L-1$.

Hypotheses
    linear_network: a deep linear network, of any widths
    plain_descent: gradient descent with a constant step, all layers at once

Standing
    explicit (proof below)

Proof
    Expand the square: the terms linear in $\eta$ are those that the flow conserves. In words of noncommuting symbols:
    `derivations/balancedness_drift.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment, law_of_a_step, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("discrete form, derived for this project")
observes = ("loss", "balancedness_drift_defect")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    return [Hypothesis.decided("linear_network", linear), run.plain_descent()]


def predict(run: Run) -> list[Identity]:
    """Return that each step drifts by the law."""
    return [
        Identity(
            "drift_law",
            "departure from the drift law",
            run.observable("balancedness_drift_defect"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\max_j \|D_j' - D_j - \eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T)\|_F = 0",
            quantity="departure from the drift law",
        )
    ]


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}
_IN_FLOATS = Example(
    "in double precision",
    "consistent",
    experiment([2] * 4, spectrum(["1/2", "2"], 1), step_size="1/16", stop={"steps": 50}, backend=FLOAT),
)

examples = law_of_a_step(50, {}, _MOMENTUM, "with momentum", "plain_descent", _IN_FLOATS)

examples += [
    altered(examples[1], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
]
