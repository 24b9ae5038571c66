r"""Heavy ball changes the imbalance by an exact recursion of its last change and the squares of the velocities.

Statement
    For a deep linear network and heavy ball $V_j' = \beta V_j - \eta G_j$, $W_j' = W_j + V_j'$ from rest, let
    $S_k = \|W_L\|_F^2 - \|W_1\|_F^2$ be the sum of the traces of the imbalances at step $k$ and
    $B_k = \|V_L\|_F^2 - \|V_1\|_F^2$. Then with no remainder
    $$S_{k+1} - S_k = \beta (S_k - S_{k-1} + B_k) + B_{k+1}, \qquad S_1 - S_0 = B_1 .$$

Hypotheses
    linear_network: a deep linear network, of any widths
    heavy_ball: heavy ball with a constant step and momentum, or plain descent
    every_step: every step is recorded

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below)

Proof
    The trace, summed over the layers, of an identity between matrices that `derivations/heavy_ball_drift.py` proves in
    words of noncommuting symbols; the velocities are zero at the start.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment, law_of_a_step, spectrum
from workbench.theorems._sources import MARCOTTE_2024

source = MARCOTTE_2024.at("setting; the identity is derived for this project")
observes = ("loss", "imbalance_trace", "velocity_imbalance")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    return [
        Hypothesis.decided("linear_network", linear),
        Hypothesis.decided("heavy_ball", run.method in ("heavy_ball", "gradient_descent")),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
    ]


def predict(run: Run) -> list[Identity]:
    """Return that each step follows from the two before."""
    traces = [run.number(value) for value in run.observable("imbalance_trace")]
    speeds = [run.number(value) for value in run.observable("velocity_imbalance")]
    beta = run.number(run.parameter("momentum"))
    predicted = traces[:1]
    for k in range(1, len(traces)):
        carried = beta * (traces[k - 1] - traces[k - 2] + speeds[k - 1]) if k > 1 else run.number(0)
        predicted.append(traces[k - 1] + carried + speeds[k])
    return [
        Identity(
            "two_step_law",
            "trace of the imbalances",
            traces,
            predicted,
            RESOLUTION,
            latex=r"S_{k+1} - S_k = \beta (S_k - S_{k-1} + B_k) + B_{k+1}",
            quantity="trace of the imbalances",
        )
    ]


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}
_DECAY: dict[str, Any] = {"dynamics": "weight_decay", "parameters": {"decay": "1/2"}}
_IN_FLOATS = Example(
    "plain descent in double precision",
    "consistent",
    experiment(
        [2] * 4,
        spectrum(["1/2", "2"], 1),
        step_size="1/16",
        stop={"steps": 30},
        start={"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        backend=FLOAT,
    ),
)

examples = law_of_a_step(30, _MOMENTUM, _DECAY, "weight decay", "heavy_ball", _IN_FLOATS)

examples += [
    altered(examples[2], "linear_network", "residual blocks", network={"kind": "residual", "width": 2, "depth": 2}),
]
