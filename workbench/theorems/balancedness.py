r"""The imbalance of every two neighbouring layers is conserved by the gradient flow.

Statement
    For a deep linear network of any widths, any data and any loss of the end-to-end matrix, along the gradient flow
    $$\frac{d}{dt} \left( W_{j+1}^T W_{j+1} - W_j W_j^T \right) = 0, \qquad j = 1, \dots, L-1 .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    gradient_flow: the dynamics is the gradient flow

Standing
    explicit (proof below)

Proof
    With $G_j = dl/dW_j$, $W_{j+1}^T G_{j+1} = G_j W_j^T$, both being $A_j^T E B_{j+1}^T$ with one more factor; so the
    derivative, $-2 \mathrm{sym}(W_{j+1}^T G_{j+1}) + 2 \mathrm{sym}(G_j W_j^T)$, vanishes. In words of noncommuting symbols:
    `derivations/balancedness_flow.py`.

Notes
    On balls the flow is enclosed, elsewhere integrated with an estimate; the change must lie within the error.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, altered, experiment, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("Theorem 1; Du, Hu, Lee 2018")
observes = ("loss", "balancedness_change")
tight = True

# An error above this says nothing about a conserved quantity of order one.
RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    return [Hypothesis.decided("linear_network", linear), run.gradient_flow()]


def predict(run: Run) -> list[Identity]:
    """Return that nothing changes."""
    return [
        Identity(
            "imbalance_change",
            "change of the imbalance",
            run.observable("balancedness_change"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\max_j \|D_j(t) - D_j(0)\|_F = 0",
            quantity="change of the imbalance",
        )
    ]


_RECTANGULAR = {"family": "uniform", "shape": [2, 2], "seed": 1}
_GAUSSIAN = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}

examples = [
    Example(
        "rectangular layers, in double precision",
        "consistent",
        experiment(
            [2, 3, 2], _RECTANGULAR, dynamics="gradient_flow", stop={"time": "2"}, start=_GAUSSIAN, backend=FLOAT
        ),
    ),
    Example(
        "from the identity, at 30 digits",
        "consistent",
        experiment(
            [2] * 4, spectrum(["1/2", "2"], 1), dynamics="gradient_flow", stop={"time": "1"}, backend=MULTIPRECISION
        ),
    ),
    Example(
        "one layer, nothing to conserve",
        "consistent",
        experiment([2, 2], spectrum(["1/2", "2"]), dynamics="gradient_flow", stop={"time": "1"}, backend=FLOAT),
    ),
    Example(
        "descent is not a flow",
        "vacuous",
        experiment([2, 3, 2], _RECTANGULAR, step_size="1/10", stop={"steps": 20}, start=_GAUSSIAN, backend=BALL),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        experiment(
            [2, 3, 2],
            _RECTANGULAR,
            step_size="1/10",
            stop={"steps": 20},
            start=_GAUSSIAN,
            backend=BALL,
            without=["gradient_flow"],
        ),
    ),
]

examples += [
    altered(
        examples[0],
        "linear_network",
        "residual blocks",
        network={"kind": "residual", "width": 2, "depth": 2},
        start={"scheme": "gaussian", "seed": 1, "scale": "1/2"},
    ),
]
