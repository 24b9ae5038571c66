r"""Heavy ball from rest never turns two neighbouring layers against each other: a skew matrix stays zero.

Statement
    For a deep linear network and heavy ball $V_j' = \beta V_j - \eta G_j$, $W_j' = W_j + V_j'$ (descent: $\beta = 0$; or
    descent with weight decay) from $V_j = 0$, at any step size and for $j = 1, \dots, L-1$,
    $$(W_{j+1}')^T W_{j+1} - W_{j+1}^T W_{j+1}' + W_j' W_j^T - W_j (W_j')^T = 0 .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    unforced: heavy ball, gradient descent or weight decay: no penalty toward the identity and no projection

Standing
    explicit (proof below)

Proof
    From any velocities the matrix is multiplied by $\beta$ in a step, since $W_{j+1}^T G_{j+1} = G_j W_j^T$ cancels the
    gradients; at rest it is zero. In words of noncommuting symbols: `derivations/skew_momentum.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment
from workbench.theorems._sources import MARCOTTE_2024

source = MARCOTTE_2024.at("discrete form, derived for this project")
observes = ("loss", "skew_momentum")
tight = True

RESOLUTION = Fraction(1, 10**8)
UNFORCED = ("heavy_ball", "gradient_descent", "weight_decay")


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    return [Hypothesis.decided("linear_network", linear), Hypothesis.decided("unforced", run.method in UNFORCED)]


def predict(run: Run) -> list[Identity]:
    """Return that the skew matrices are zero."""
    return [
        Identity(
            "skew_law",
            "skew matrix of neighbouring layers",
            run.observable("skew_momentum"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\max_j \|(W_{j+1}')^T W_{j+1} - W_{j+1}^T W_{j+1}' + W_j' W_j^T - W_j (W_j')^T\|_F = 0",
            quantity="skew matrix of neighbouring layers",
        )
    ]


_TILTED = {"rows": [["1", "1/2"], ["0", "2"]]}
_GAUSSIAN = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}
_PENALTY: dict[str, Any] = {"dynamics": "penalised_descent", "parameters": {"penalty": "1/2"}}

examples = [
    Example(
        "heavy ball on rectangular layers, enclosed",
        "consistent",
        experiment([2, 3, 2], _TILTED, step_size="1/10", stop={"steps": 30}, start=_GAUSSIAN, **_MOMENTUM),
    ),
    Example(
        "heavy ball in exact rationals",
        "consistent",
        experiment([2] * 3, _TILTED, step_size="1/8", stop={"steps": 4}, backend={"name": "exact"}, **_MOMENTUM),
    ),
    Example(
        "descent in double precision",
        "consistent",
        experiment([2] * 4, _TILTED, step_size="1/16", stop={"steps": 40}, start=_GAUSSIAN, backend=FLOAT),
    ),
    Example(
        "a penalty toward the identity",
        "vacuous",
        experiment([2] * 3, _TILTED, step_size="1/10", stop={"steps": 10}, start=_GAUSSIAN, **_PENALTY),
    ),
    Example(
        "a penalty toward the identity, the hypothesis dropped",
        "violated",
        experiment(
            [2] * 3,
            _TILTED,
            step_size="1/10",
            stop={"steps": 10},
            start=_GAUSSIAN,
            without=["unforced"],
            **_PENALTY,
        ),
    ),
]

examples += [
    altered(examples[2], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
]
