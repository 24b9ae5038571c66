r"""Along a balanced gradient flow the layers' sum of squares is a Schatten quasi-norm of their product, the least there is.

Statement
    Among all layers with the product $W$ the least $\sum_{j} \|W_j\|_F^2$ is
    $$L \sum_r \sigma_r(W)^{2/L} ,$$
    attained by balanced layers, $W_{j+1}^T W_{j+1} = W_j W_j^T$, and no others. A flow that starts balanced stays there.

Hypotheses
    linear_network: a deep linear network, of any widths
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect

Presupposed
    linear_network: a residual network has no product of its layers

Standing
    explicit (proof below)

Proof
    A least sum is stationary under $W_j \mapsto g W_j$, $W_{j+1} \mapsto W_{j+1} g^{-1}$, hence balanced; balanced layers have
    $(W_1^T W_1)^L = W^T W$ and equal norms: `derivations/schatten_norm.py`. The flow keeps the balance.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment, spectrum
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("setting; worked out for this project")
observes = ("loss", "schatten_excess")
tight = True

RESOLUTION = Fraction(1, 10**6)

Rows = list[list[Fraction]]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    defect = _defect(run) if linear else None
    margin = None if defect is None else Measured(-defect)
    return [Hypothesis.decided("linear_network", linear), run.gradient_flow(), Hypothesis("balanced_start", margin)]


def _defect(run: Run) -> Fraction | None:
    """Return the largest entry of an imbalance at the start, None where it is not rational."""
    layers = run.initial_weights()
    if not all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
        return None
    rational: list[Rows] = [[list(row) for row in layer] for layer in layers]  # type: ignore[arg-type]
    largest = Fraction(0)
    for lower, upper in itertools.pairwise(rational):
        inner, outer = product(_transposed(upper), upper), product(lower, _transposed(lower))
        rows = zip(inner, outer, strict=True)
        largest = max(largest, *(abs(x - y) for a, b in rows for x, y in zip(a, b, strict=True)))
    return largest


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def predict(run: Run) -> list[Identity]:
    """Return that nothing exceeds the quasi-norm."""
    return [
        Identity(
            "least_sum",
            "sum of squares above the quasi-norm",
            run.observable("schatten_excess"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\sum_j \|W_j\|_F^2 = L \sum_r \sigma_r(W)^{2/L}",
            quantity="excess over the quasi-norm",
        )
    ]


_SKEW = {"rows": [["1", "1/2"], ["-1/4", "1"]]}
_FLOW: dict[str, Any] = {"dynamics": "gradient_flow", "stop": {"time": "1/2"}}
_TILTED = {"scheme": "given", "weights": [[["1", "1/2"], ["0", "1"]], [["1", "0"], ["1/4", "1"]]]}
_ROWS = {"scheme": "given", "weights": [[["3/5", "4/5"]], [["1"]], [["4/5"], ["3/5"]]]}

examples = [
    Example("three layers, enclosed", "consistent", experiment([2] * 4, _SKEW, **_FLOW, backend=BALL)),
    Example(
        "a rectangular network through one neuron",
        "consistent",
        experiment([2, 1, 1, 2], {"rows": [["1", "0"], ["1/2", "2"]]}, **_FLOW, start=_ROWS, backend=BALL),
    ),
    Example(
        "a random orthogonal start",
        "consistent",
        experiment(
            [2] * 3,
            spectrum(["1/2", "2"], 1),
            **_FLOW,
            start={"scheme": "orthogonal", "seed": 3},
            backend=MULTIPRECISION,
        ),
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
