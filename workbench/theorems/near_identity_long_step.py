r"""Close to the identity the same holds with a longer step, a faster rate and a smaller drift.

Statement
    Let $r = \|\Phi - I\|_F \le \frac{1}{10}$ and $0 < \eta \le 0.66/L$. From $W_i(0) = I$, for every $t$,
    $$\|W(t) - \Phi\|_F \le r (1 - 0.6 \eta L)^t, \qquad \max_i \|W_i(t) - I\|_2 \le \frac{0.205}{L} .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    near_identity: $\|\Phi - I\|_F \le \frac{1}{10}$; the margin is the room left
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 0.66/L$; the margin is the distance to the cap

Standing
    explicit (proof below)

Proof
    The proof of `near_identity` with $c = 0.205$ and with $\phi(x) = (e^x - 1 - x)/x^2 \le 0.5138$ at $x = 0.66 e^c r$ in place of
    $e - 2$: $\theta = 1 - \phi e^{3c} r \ge 0.9049$, $\theta e^{-2c} \ge 0.6005$, $e^{3c} r / \theta \le 0.2044$.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.theorems import Example, Hypothesis, Run, _near_identity
from workbench.theorems._examples import FLOAT, altered, experiment, symmetric
from workbench.theorems._sources import BARTLETT_2018
from workbench.theorems._statement import Prediction

source = BARTLETT_2018.at("Theorem 1, sharper constants")
observes = ("loss", "distance_to_identity")
tight = False

CONSTANTS = _near_identity.Constants(step=Fraction(66, 100), rate=Fraction(6, 10), drift=Fraction(205, 1000))


def largest_step_size(run: Run) -> Real:
    """Return 0.66/L."""
    return _near_identity.largest_step_size(run, CONSTANTS)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    return _near_identity.hypotheses(run, CONSTANTS)


def predict(run: Run) -> list[Prediction]:
    """Return the contraction and the drift bound."""
    return _near_identity.predict(run, CONSTANTS)


_LEVEL = {"until_loss": "1e-10"}

examples = [
    Example("a diagonal target, enclosed", "consistent", symmetric(4, ["9/10", "1"], step_size="largest", stop=_LEVEL)),
    Example(
        "a target that is not symmetric",
        "consistent",
        experiment([2] * 4, {"rows": [["1", "1/16"], ["-1/20", "1"]]}, step_size="largest", stop=_LEVEL),
    ),
    Example(
        "a rotated target, in double precision",
        "consistent",
        symmetric(6, ["21/20", "1", "19/20"], 4, step_size="largest", stop=_LEVEL, backend=FLOAT),
    ),
    Example("a step above the cap", "vacuous", symmetric(2, ["21/20", "1"], step_size="1/2", stop={"steps": 20})),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        symmetric(2, ["21/20", "1"], step_size="11/10", stop={"steps": 60}, without=["step_size"]),
    ),
    Example(
        "too far away, the hypothesis dropped",
        "violated",
        symmetric(2, ["1/10", "-1/2"], step_size="1/4", stop={"steps": 40}, without=["near_identity"]),
    ),
]

examples += [
    altered(
        examples[0], "plain_descent", "momentum", dynamics={"name": "heavy_ball", "parameters": {"momentum": "9/10"}}
    ),
    altered(
        examples[0], "identity_start", "a start away from the identity", start={"scheme": "identity", "scale": "3/2"}
    ),
    altered(examples[0], "setting", "inputs of one half", loss={"inputs": {"rows": [["1/2", "0"], ["0", "1/2"]]}}),
]
