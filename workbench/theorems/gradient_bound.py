r"""Near the identity the squared gradient is at least a multiple of the loss.

Statement
    Let all layers be square and $a = \max_i \|W_i - I\|_2 \le 1$. With the loss $l = \frac{1}{2} \|W_L \cdots W_1 - \Phi\|_F^2$
    $$\sum_{i=1}^{L} \left\| \frac{\partial l}{\partial W_i} \right\|_F^2 \ge 2 L (1 - a)^{2L-2} \, l ,$$
    with equality where every layer is $(1 - a) I$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    near_identity: $\|W_i - I\|_2 \le 1$ for every layer, at every record

Standing
    explicit (proof below)

Proof
    $\sigma_{\min}(W_i) \ge 1 - a$, so $\|A_i^T E B_i^T\|_F \ge (1-a)^{L-1} \|E\|_F$ for square layers; square and add:
    `derivations/gradient_bound.py`. The equality: `derivations/gradient_bound_equality.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment, spectrum
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("near the identity; constants worked out for this project")
observes = ("loss", "gradient_squared_norm", "distance_to_identity")


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    farthest = Measured.largest(run.observable("distance_to_identity"))
    return [run.setting(), Hypothesis("near_identity", Measured(Fraction(1)).minus(farthest))]


def predict(run: Run) -> list[Bound]:
    """Return the lower bound of the squared gradient."""
    distances = [run.number(value) for value in run.observable("distance_to_identity")]
    factors = [2 * run.depth * (1 - a) ** (2 * run.depth - 2) for a in distances]
    return [
        Bound(
            "squared_gradient",
            "squared norm of the gradient",
            run.observable("gradient_squared_norm"),
            [factor * run.number(loss) for factor, loss in zip(factors, run.loss, strict=True)],
            relation=">=",
            latex=r"\sum_i \|G_i\|_F^2 \ge 2 L (1 - a)^{2L-2} l",
            quantity="squared norm of the gradient",
        )
    ]


_FAR: dict[str, Any] = {
    "scheme": "given",
    "weights": [[["4", "0"], ["0", "4"]], [["1/10", "0"], ["0", "1/10"]], [["1/10", "0"], ["0", "1/10"]]],
}


def _descent(widths: list[int], eigenvalues: list[str], **options: Any) -> dict[str, Any]:
    options = {"step_size": "1/64", "stop": {"steps": 20}, "backend": BALL, **options}
    return experiment(widths, spectrum(eigenvalues, 1), **options)


examples = [
    Example("from the identity", "consistent", _descent([2] * 4, ["1/2", "3/2"])),
    Example(
        "from three quarters of the identity",
        "consistent",
        _descent([2] * 3, ["1/2", "2"], start={"scheme": "identity", "scale": "3/4"}),
    ),
    Example(
        "two layers in double precision",
        "consistent",
        _descent([2] * 3, ["1/2", "3/2"], backend=FLOAT, start={"scheme": "identity", "scale": "3/4"}),
    ),
    # One layer has equality everywhere, which no arithmetic with errors can tell from a violation.
    Example("one layer", "undecided", _descent([2] * 2, ["1/2", "3/2"])),
    Example("far from the identity", "vacuous", _descent([2] * 4, ["1/2", "3/2"], start=_FAR)),
    Example(
        "far from the identity, the hypothesis dropped",
        "violated",
        _descent([2] * 4, ["1/2", "3/2"], start=_FAR, without=["near_identity"]),
    ),
]

examples += [
    altered(
        examples[0], "setting", "inputs that are not white", loss={"inputs": {"rows": [["2", "1/2"], ["1/2", "1"]]}}
    ),
]
