r"""Along a balanced gradient flow the products of outer layers are powers of the end-to-end matrix.

Statement
    Let the layers start balanced, $W_{j+1}^T W_{j+1} = W_j W_j^T$. With $W = W_L \cdots W_1$, $A_j = W_L \cdots W_{j+1}$ and
    $B_j = W_{j-1} \cdots W_1$, along the gradient flow
    $$\left( A_j A_j^T \right)^L = \left( W W^T \right)^{L-j}, \qquad \left( B_j^T B_j \right)^L = \left( W^T W \right)^{j-1},$$
    so that the end-to-end matrix obeys the closed equation
    $$\frac{dW}{dt} = - \sum_{j=1}^{L} \left( W W^T \right)^{\frac{L-j}{L}} \nabla \ell(W) \left( W^T W \right)^{\frac{j-1}{L}} .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect

Standing
    explicit (proof below)

Proof
    Balancedness is conserved, and lets $W W^T$ and $W^T W$ be rewritten layer by layer. In words of noncommuting symbols:
    `derivations/end_to_end_flow.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import FLOAT, MULTIPRECISION, altered, experiment, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("Theorem 1")
observes = ("loss", "balanced_powers_defect")
tight = True

RESOLUTION = Fraction(1, 10**6)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    return [Hypothesis.decided("linear_network", linear), run.gradient_flow(), balanced_start(run)]


def predict(run: Run) -> list[Identity]:
    """Return that the power laws hold."""
    return [
        Identity(
            "power_laws",
            "departure from the power laws",
            run.observable("balanced_powers_defect"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"(A_j A_j^T)^L = (W W^T)^{L-j}, \quad (B_j^T B_j)^L = (W^T W)^{j-1}",
            quantity="departure from the power laws",
        )
    ]


_SKEW = {"rows": [["1", "1/2"], ["-1/4", "1"]]}
_FLOW: dict[str, Any] = {"dynamics": "gradient_flow", "stop": {"time": "1"}}
_TILTED = {
    "scheme": "given",
    "weights": [[["1", "1/2"], ["0", "1"]], [["1", "0"], ["1/4", "1"]]],
}

examples = [
    Example(
        "a target that is not symmetric, at 30 digits",
        "consistent",
        experiment([2] * 4, _SKEW, **_FLOW, backend=MULTIPRECISION),
    ),
    Example(
        "a random orthogonal start",
        "consistent",
        experiment(
            [2] * 3, spectrum(["1/2", "2"], 1), **_FLOW, start={"scheme": "orthogonal", "seed": 3}, backend=FLOAT
        ),
    ),
    Example("one layer", "consistent", experiment([2] * 2, _SKEW, **_FLOW, backend=FLOAT)),
    Example(
        "a balanced factorisation kept by name, enclosed",
        "consistent",
        experiment([2] * 3, _SKEW, **_FLOW, start={"scheme": "balanced", "matrix": [["2", "1"], ["-1", "1"]]}),
    ),
    Example("an unbalanced start", "vacuous", experiment([2] * 3, _SKEW, **_FLOW, start=_TILTED, backend=FLOAT)),
    Example(
        "an unbalanced start, the hypothesis dropped",
        "violated",
        experiment([2] * 3, _SKEW, **_FLOW, start=_TILTED, backend=FLOAT, without=["balanced_start"]),
    ),
    Example(
        "descent, the hypothesis dropped",
        "violated",
        experiment([2] * 3, _SKEW, step_size="1/5", stop={"steps": 10}, without=["gradient_flow"]),
    ),
]

examples += [
    altered(examples[1], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
]
