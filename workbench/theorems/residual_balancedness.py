r"""The imbalance of neighbouring residual blocks, with their skips, is conserved by the gradient flow.

Statement
    For a linear residual network with the blocks $W_j = I + \delta A_j$, along the gradient flow of the $A_j$
    $$\frac{d}{dt} \left( W_{j+1}^T W_{j+1} - W_j W_j^T \right) = 0, \qquad j = 1, \dots, L-1 .$$

Hypotheses
    linear_blocks: a residual network whose activation is the identity, without biases, its branch scale not trained
    gradient_flow: the dynamics is the gradient flow

Standing
    explicit (proof below)

Proof
    The gradient in $A_j$ is $\delta$ times that in $W_j$, so the blocks move by a gradient flow of their own.
    In words of noncommuting symbols: `derivations/residual_blocks.py`.

Notes
    A flow is integrated, not solved: the run is an estimate, and the change that it shows must lie within its error.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import ResidualNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION
from workbench.theorems._statement import Source

source = Source(
    authors="Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    year=2025,
    title="Transformative or conservative? Conservation laws for ResNets and transformers",
    where="arXiv:2506.06194",
    locator="linear form, worked out for this project",
    url="https://arxiv.org/abs/2506.06194",
)
observes = ("loss", "residual_balancedness_change")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    network = run.trajectory.problem.network
    linear = isinstance(network, ResidualNetwork) and network.plain and network.activation == "identity"
    return [Hypothesis.decided("linear_blocks", linear), run.gradient_flow()]


def predict(run: Run) -> list[Identity]:
    """Return that nothing changes."""
    return [
        Identity(
            "imbalance_change",
            "change of the blocks' imbalance",
            run.observable("residual_balancedness_change"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\max_j \|D_j(t) - D_j(0)\|_F = 0",
            quantity="change of the blocks' imbalance",
        )
    ]


_FLOW: dict[str, Any] = {"name": "gradient_flow", "stop": {"time": "1/2"}}
_DESCENT: dict[str, Any] = {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 10}}


def _blocks(
    depth: int,
    dynamics: dict[str, Any] = _FLOW,
    backend: dict[str, Any] = FLOAT,
    activation: str = "identity",
    without: list[str] | None = None,
) -> dict[str, Any]:
    network = {"kind": "residual", "width": 2, "depth": depth, "activation": activation, "branch_scale": f"1/{depth}"}
    return {
        "problem": {
            "network": network,
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": dynamics,
        "backend": backend,
        "without": without or [],
    }


examples = [
    Example("three blocks", "consistent", _blocks(3, backend=MULTIPRECISION)),
    Example("two blocks in balls", "consistent", _blocks(2, backend=BALL)),
    Example("five blocks in double precision", "consistent", _blocks(5)),
    Example("descent", "vacuous", _blocks(3, _DESCENT)),
    Example("descent, the hypothesis dropped", "violated", _blocks(3, _DESCENT, without=["gradient_flow"])),
    Example(
        "blocks with tanh, the hypothesis dropped",
        "violated",
        _blocks(3, activation="tanh", without=["linear_blocks"]),
    ),
]
