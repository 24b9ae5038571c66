r"""One step of descent with weight decay shrinks the imbalance by an exact factor and adds that of the gradients.

Statement
    For a deep linear network and one step $W_j' = (1 - \eta \lambda) W_j - \eta G_j$, $G_j$ the gradient of the loss,
    $$D_j' = (1 - \eta \lambda)^2 D_j + \eta^2 \left( G_{j+1}^T G_{j+1} - G_j G_j^T \right), \qquad D_j = W_{j+1}^T W_{j+1} - W_j W_j^T ,$$
    with no remainder, for $j = 1, \dots, L-1$.

Hypotheses
    linear_network: a deep linear network, of any widths
    weight_decay: gradient descent with weight decay, all layers at once

Standing
    explicit (proof below)

Proof
    Expand the square: the terms linear in $\eta$ cancel because $W_{j+1}^T G_{j+1} = G_j W_j^T$. In words of
    noncommuting symbols: `derivations/weight_decay_drift.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment, law_of_a_step, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("discrete form with weight decay, derived for this project")
observes = ("loss", "weight_decay_drift_defect")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    decayed = Hypothesis.decided("weight_decay", run.method == "weight_decay")
    return [Hypothesis.decided("linear_network", linear), decayed]


def predict(run: Run) -> list[Identity]:
    """Return that each step obeys the law."""
    return [
        Identity(
            "decay_law",
            "departure from the decay law",
            run.observable("weight_decay_drift_defect"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\max_j \|D_j' - (1 - \eta \lambda)^2 D_j - \eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T)\|_F = 0",
            quantity="departure from the decay law",
        )
    ]


_DECAY: dict[str, Any] = {"dynamics": "weight_decay", "parameters": {"decay": "1/4"}}
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}
_IN_FLOATS = Example(
    "in double precision",
    "consistent",
    experiment([2] * 4, spectrum(["1/2", "2"], 1), step_size="1/16", stop={"steps": 50}, backend=FLOAT, **_DECAY),
)

examples = law_of_a_step(50, _DECAY, _MOMENTUM, "with momentum", "weight_decay", _IN_FLOATS)

examples += [
    altered(examples[1], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
]
