r"""One step of descent on a chain of numbers multiplies each difference of squares by an exact factor.

Statement
    For layers of width 1, $P = w_1 \cdots w_L$, $r = P - s$ and one step of gradient descent on $\frac{1}{2} r^2$,
    $$(w_i')^2 - (w_j')^2 = (w_i^2 - w_j^2) \left( 1 - \eta^2 r^2 \prod_{k \ne i, j} w_k^2 \right), \qquad i < j .$$

Hypotheses
    scalar_layers: a deep linear network of width 1 throughout, loss with the factor 1/2 and no other data
    plain_descent: gradient descent with a constant step, all layers at once

Standing
    explicit (proof below)

Proof
    $w_i' = w_i - \eta r P / w_i$ as polynomials; square and subtract. `derivations/scalar_chain_drift.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("discrete form for numbers, derived for this project")
observes = ("loss", "scalar_chain_drift_defect")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1}
    return [Hypothesis.decided("scalar_layers", scalar), run.plain_descent()]


def predict(run: Run) -> list[Identity]:
    """Return that each step obeys the law."""
    return [
        Identity(
            "chain_law",
            "departure from the law of the chain",
            run.observable("scalar_chain_drift_defect"),
            [Measured(Fraction(0))] * len(run.steps),
            RESOLUTION,
            latex=r"(w_i')^2 - (w_j')^2 = (w_i^2 - w_j^2) (1 - \eta^2 r^2 \prod_{k \ne i, j} w_k^2)",
            quantity="departure from the law of the chain",
        )
    ]


def _chain(weights: list[str], backend: dict[str, Any] = BALL, steps: int = 40, **options: Any) -> dict[str, Any]:
    return experiment(
        [1] * (len(weights) + 1),
        {"rows": [["2"]]},
        step_size="1/16",
        stop={"steps": steps},
        start={"scheme": "given", "weights": [[[w]] for w in weights]},
        backend=backend,
        **options,
    )


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("three unequal numbers, enclosed", "consistent", _chain(["1/2", "1", "3/2"])),
    Example(
        "two numbers of opposite sign in exact rationals", "consistent", _chain(["-1/2", "1"], {"name": "exact"}, 4)
    ),
    Example("four numbers in double precision", "consistent", _chain(["1/2", "1", "3/2", "2/3"], FLOAT)),
    Example("one number", "consistent", _chain(["1/2"])),
    Example("with momentum", "vacuous", _chain(["1/2", "1", "3/2"], **_MOMENTUM)),
    Example(
        "with momentum, the hypothesis dropped",
        "violated",
        _chain(["1/2", "1", "3/2"], without=["plain_descent"], **_MOMENTUM),
    ),
]

examples += [
    altered(examples[0], "scalar_layers", "another factor of the loss", loss={"normalisation": "none"}),
]
