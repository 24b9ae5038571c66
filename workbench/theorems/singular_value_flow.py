r"""Along a balanced gradient flow each singular value moves by its own power times the gradient's share in it.

Statement
    Let the layers start balanced, $W_{j+1}^T W_{j+1} = W_j W_j^T$, and let $W = W_L \cdots W_1 = \sum_r \sigma_r u_r v_r^T$ have two
    singular values. Along the gradient flow
    $$\frac{d \sigma_r}{dt} = -L \, \sigma_r^{2 - 2/L} \left\langle \nabla \ell(W), u_r v_r^T \right\rangle
    \qquad (\sigma_1 \ne \sigma_2) .$$

Hypotheses
    two_modes: a deep linear network, whitened inputs, two rows or two columns of the end-to-end matrix
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly; the margin is the negated defect

Presupposed
    two_modes: the law is judged in a form for two singular values

Standing
    explicit (proof below)

Proof
    Balanced layers have singular frames $W_j = Q_j X Q_{j-1}^T$; differentiate the singular value decomposition, whose
    frames turn by skew matrices: `derivations/singular_value_flow.py`.

Notes
    Judged is the difference of both sides times $2 \sigma_r (\sigma_1^2 - \sigma_2^2)$, so that nothing is divided by where
    singular values meet or vanish. The velocity is that of the run's layers at each record.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment, spectrum
from workbench.theorems._sources import ARORA_2019

source = ARORA_2019.at("Theorem 3")
observes = ("loss", "singular_value_flow_defect")
tight = True

RESOLUTION = Fraction(1, 10**6)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    problem = run.trajectory.problem
    linear = isinstance(problem.network, LinearNetwork) and problem.whitened
    two = linear and min(run.widths[0], run.widths[-1]) == 2
    return [Hypothesis.decided("two_modes", two), run.gradient_flow(), balanced_start(run)]


def predict(run: Run) -> list[Identity]:
    """Return that both singular values move by the law."""
    return [
        Identity(
            "velocities_of_the_singular_values",
            "departure of the singular values' velocities",
            run.observable("singular_value_flow_defect"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"\dot \sigma_r = -L \sigma_r^{2-2/L} \langle \nabla \ell, u_r v_r^T \rangle",
            quantity="departure of the singular values' velocities",
        )
    ]


_SKEW = {"rows": [["1", "1/2"], ["-1/4", "1"]]}
_FLOW: dict[str, Any] = {"dynamics": "gradient_flow", "stop": {"time": "1"}}
_TILTED = {
    "scheme": "given",
    "weights": [[["1", "1/2"], ["0", "1"]], [["1", "0"], ["1/4", "1"]]],
}
# W_2 = Q_2 X, W_1 = X Q_0^T with X = diag(1, 1/2), the plane of two coordinates in three, and a rotation by 3/5, 4/5.
_RECTANGULAR = {
    "scheme": "given",
    "weights": [[["1", "0", "0"], ["0", "0", "1/2"]], [["3/5", "-2/5"], ["4/5", "3/10"]]],
}
_WIDE = {"rows": [["1", "1/2", "0"], ["-1/4", "1", "1/3"]]}

examples = [
    Example(
        "a target that is not symmetric, at 30 digits",
        "consistent",
        experiment([2] * 4, _SKEW, **_FLOW, backend=MULTIPRECISION),
    ),
    Example(
        "three inputs, enclosed", "consistent", experiment([3, 2, 2], _WIDE, **_FLOW, start=_RECTANGULAR, backend=BALL)
    ),
    Example(
        "a random orthogonal start",
        "consistent",
        experiment(
            [2] * 3, spectrum(["1/2", "2"], 1), **_FLOW, start={"scheme": "orthogonal", "seed": 3}, backend=FLOAT
        ),
    ),
    Example("one layer", "consistent", experiment([2] * 2, _SKEW, **_FLOW, backend=FLOAT)),
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
