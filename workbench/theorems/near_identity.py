r"""Close to the identity, gradient descent contracts the error at a rate that the depth multiplies.

Statement
    Let $r = \|\Phi - I\|_F \le \frac{1}{10}$ and $0 < \eta \le 0.57/L$. From $W_i(0) = I$, for every $t$,
    $$\|W(t) - \Phi\|_F \le r (1 - 0.476 \eta L)^t, \qquad \max_i \|W_i(t) - I\|_2 \le \frac{0.28}{L} .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    near_identity: $\|\Phi - I\|_F \le \frac{1}{10}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 0.57/L$; the margin is the distance to the cap

Standing
    explicit (proof below); the paper has constants that are not given (Theorem 1, recalled)

Proof
    Let $c = 0.28$ and suppose $\|W_i(s) - I\|_2 \le c/L$ for $s \le t$. Products of at most $L-1$ layers have norm at most $e^c$ and
    $\|A_i^T X B_i^T\|_F \ge e^{-c} \|X\|_F$. The terms of the next error linear in $\eta$ are $-\eta T(E)$ with $T(X) = \sum_i A_i A_i^T X
    B_i^T B_i$, whose spectrum lies in $[L e^{-2c}, L e^{2c}]$, so $\|E - \eta T(E)\|_F \le (1 - \eta L e^{-2c}) \|E\|_F$. The terms of
    higher order sum to at most $(e-2) e^{3c} r \eta L e^{-2c} \|E\|_F$. So the factor is $1 - \theta \eta L e^{-2c}$ with
    $\theta = 1 - (e-2) e^{3c} r \ge 0.8336$ and $\theta e^{-2c} \ge 0.476$. The drift is at most $\sum_t \eta e^c \|E_t\| \le
    e^{3c} r/(\theta L) \le c/L$.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems import Example, Hypothesis, Run, _near_identity
from workbench.theorems._examples import FLOAT, altered, experiment, symmetric
from workbench.theorems._sources import BARTLETT_2018
from workbench.theorems._statement import Prediction

source = BARTLETT_2018.at("Theorem 1")
observes = ("loss", "distance_to_identity")
tight = False

CONSTANTS = _near_identity.Constants(step=Fraction(57, 100), rate=Fraction(476, 1000), drift=Fraction(28, 100))


def largest_step_size(run: Run) -> Real:
    """Return 0.57/L."""
    return _near_identity.largest_step_size(run, CONSTANTS)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _near_identity.hypotheses(run, CONSTANTS)


def predict(run: Run) -> list[Prediction]:
    """Return the contraction and the drift bound."""
    return _near_identity.predict(run, CONSTANTS)


_LEVEL = {"until_loss": "1e-10"}
_FAR = {"rows": [["1/10", "0"], ["0", "-1/2"]]}

examples = [
    Example("a diagonal target, enclosed", "consistent", symmetric(4, ["9/10", "1"], step_size="largest", stop=_LEVEL)),
    Example(
        "a target that is not symmetric",
        "consistent",
        experiment([2] * 6, {"rows": [["1", "1/16"], ["-1/20", "1"]]}, step_size="1/10", stop=_LEVEL),
    ),
    Example(
        "one layer, in double precision",
        "consistent",
        symmetric(1, ["21/20", "1"], step_size="largest", stop=_LEVEL, backend=FLOAT),
    ),
    Example("too far away", "vacuous", symmetric(4, ["1/2", "1"], step_size="1/10", stop={"steps": 20})),
    Example(
        "too far away, the hypothesis dropped",
        "violated",
        experiment([2] * 3, _FAR, step_size="1/4", stop={"steps": 40}, without=["near_identity"]),
    ),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        symmetric(2, ["21/20", "1"], step_size="11/10", stop={"steps": 60}, without=["step_size"]),
    ),
    Example(
        "a start away from the identity, the hypothesis dropped",
        "violated",
        symmetric(
            2,
            ["21/20", "1"],
            step_size="1/4",
            stop={"steps": 20},
            start={"scheme": "identity", "scale": "3/2"},
            without=["identity_start"],
        ),
    ),
]

examples += [
    altered(
        examples[0], "plain_descent", "momentum", dynamics={"name": "heavy_ball", "parameters": {"momentum": "9/10"}}
    ),
    altered(examples[0], "setting", "inputs of one half", loss={"inputs": {"rows": [["1/2", "0"], ["0", "1/2"]]}}),
]
