r"""From the identity with a symmetric target, all layers stay equal and commute with the target.

Statement
    Let $\Phi = U D U^T$ be symmetric and $W_i(0) = I$. For every step size and every $t$ there is one diagonal $D_t$ with
    $$W_j(t) = U D_t U^T, \qquad j = 1, \dots, L,$$
    so that each eigenvalue $\lambda$ of $\Phi$ evolves alone: $x \leftarrow x - \eta x^{L-1}(x^L - \lambda)$ from $x = 1$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    plain_descent: gradient descent with a constant step, all layers at once

Perhaps unnecessary
    plain_descent: every dynamics here treats all layers alike and commutes with orthogonal matrices, and keeps the layers equal: penalties, projection, decay and both momenta were tried

Standing
    explicit; Lemma 6 of the paper, as later papers quote it. Derived in `derivations/equal_layers.py`.

Notes
    Checked as: all layers equal, and each commutes with the target.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.exact import Measured
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT, altered, experiment, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Lemma 6")
observes = ("loss", "layer_spread", "target_commutator")
tight = True

RESOLUTION = Fraction(1, 10**6)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return [run.setting(), run.identity_start(), run.symmetric_target(), run.plain_descent()]


def predict(run: Run) -> list[Identity]:
    """Return that the layers are equal and commute with the target."""
    zeros = [Measured(Fraction(0))] * len(run.steps)
    return [
        Identity(
            "equal_layers",
            "spread of the layers",
            run.observable("layer_spread"),
            zeros,
            RESOLUTION,
            latex=r"\max_j \|W_j - W_1\|_F = 0",
            quantity="spread of the layers",
        ),
        Identity(
            "commuting_layers",
            "commutator with the target",
            run.observable("target_commutator"),
            zeros,
            RESOLUTION,
            latex=r"\max_j \|W_j \Phi - \Phi W_j\|_F = 0",
            quantity="commutator with the target",
        ),
    ]


_SKEW = {"rows": [["1", "1/2"], ["-1/4", "1"]]}

examples = [
    Example(
        "a rotated spectrum, enclosed",
        "consistent",
        symmetric(3, ["-1", "3/2", "7/10"], 1, step_size="1/10", stop={"steps": 300}),
    ),
    Example("one layer", "consistent", symmetric(1, ["1/2", "2"], 2, step_size="1/2", stop={"steps": 20})),
    Example(
        "in double precision, for a while",
        "consistent",
        symmetric(4, ["1/2", "2"], 1, step_size="1/16", stop={"steps": 100}, backend=FLOAT),
    ),
    Example(
        "a target that is not symmetric",
        "vacuous",
        experiment([2] * 3, _SKEW, step_size="1/10", stop={"steps": 20}),
    ),
    Example(
        "a target that is not symmetric, the hypothesis dropped",
        "violated",
        experiment([2] * 3, _SKEW, step_size="1/10", stop={"steps": 20}, without=["symmetric_target"]),
    ),
    Example(
        "a random start, the hypothesis dropped",
        "violated",
        symmetric(
            2,
            ["1/2", "2"],
            1,
            step_size="1/10",
            stop={"steps": 20},
            start={"scheme": "gaussian", "seed": 1},
            without=["identity_start"],
        ),
    ),
]

examples += [
    altered(
        examples[1], "setting", "inputs that are not white", loss={"inputs": {"rows": [["2", "1/2"], ["1/2", "1"]]}}
    ),
]
