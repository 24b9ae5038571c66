r"""Two unequal numbers leave the saddle of a negative target after a number of steps that grows as the logarithm of the imbalance.

Statement
    Let $L = 2$ layers of width 1 start at $w_1 = 1 + \varepsilon$, $w_2 = 1$, $\varepsilon > 0$, with the target $-\lambda < 0$ and $0 < \eta (1 + \varepsilon + \lambda) < 1$. Then for every $t$
    $$w_1 - w_2 = \varepsilon \prod_{s < t} \left( 1 + \eta (W_s + \lambda) \right) , \qquad w_1 + w_2 = (2 + \varepsilon) \prod_{s < t} \left( 1 - \eta (W_s + \lambda) \right) ,$$
    and the number $T(\varepsilon)$ of steps to a loss of at most $\alpha < \frac{1}{2} \lambda^2$ obeys
    $$\frac{d T}{d \ln(1/\varepsilon)} \to \frac{1}{\ln(1 + \eta \lambda)} \quad \text{as } \varepsilon \to 0 .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    two_numbers: $L = 2$ layers of width 1
    unequal_start: $w_1 = 1 + \varepsilon$ and $w_2 = 1$ with $\varepsilon > 0$; the margin is $\varepsilon$
    negative_target: $\Phi = -\lambda < 0$; the margin is $\lambda$
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta (1 + \varepsilon + \lambda) < 1$
    level_reached: the run reached a loss $\alpha < \frac{1}{2} \lambda^2$ that it was to stop at

Presupposed
    two_numbers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers
    unequal_start: equal numbers never escape
    level_reached: there is no number of steps without it

Perhaps unnecessary
    step_size: steps of 0.6 and 0.9 towards -1, where the cap is 0.5, have the same limit

Standing
    explicit (proof below), worked out for this project. The escape that rounding causes is this one, with $\varepsilon$ a rounding; from equal numbers there is none (`negative_eigenvalue`). `two_numbers` and `unequal_start` say what the letters mean; no violation is known at a longer step that still reaches the saddle.

Proof
    $w_1 \leftarrow w_1 - \eta r w_2$, $w_2 \leftarrow w_2 - \eta r w_1$ with $r = W + \lambda$: the difference is multiplied by $1 + \eta r$ and the sum by $1 - \eta r$. As $\varepsilon \to 0$ the sum decays geometrically first,
    in steps that do not depend on $\varepsilon$, after which $W = \frac{1}{4} ((w_1+w_2)^2 - (w_1 - w_2)^2)$ is of the order $(w_1-w_2)^2$ and the difference grows by $1 + \eta\lambda$ a step, but for factors whose product converges,
    until it is of order one. Only this middle stretch depends on $\varepsilon$, and its length is $\ln(1/\varepsilon) / \ln(1 + \eta\lambda) + O(1)$.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import BALL, averaged, experiment, family
from workbench.theorems._sources import BARTLETT_2018
from workbench.trajectory import Status

source = BARTLETT_2018.at("Theorem 4, escape from the saddle, worked out for this project")
observes = ("loss",)
tight = True

# One step of the hundreds between neighbours of a family, and as much for what still converges.
RESOLUTION = Fraction(1, 100)


def _imbalance(run: Run) -> Fraction | None:
    """Return epsilon where the start is (1 + epsilon, 1) of width one, None elsewhere."""
    layers = run.initial_weights()
    entries = [layer[0][0] for layer in layers]
    if len(layers) != 2 or set(run.widths) != {1} or not all(isinstance(x, Fraction) for x in entries):
        return None
    return Fraction(entries[0]) - 1 if entries[1] == 1 else None  # type: ignore[arg-type]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    two = set(run.widths) == {1} and run.depth == 2
    size, gap = -run.target.rows[0][0], _imbalance(run)
    step, level = run.step_size, run.until_loss
    room = None if step is None else Measured(1 - step * (1 + (gap or 0) + size))
    below = level is not None and level < size**2 / 2
    return [
        run.setting(),
        Hypothesis.decided("two_numbers", two),
        Hypothesis("unequal_start", Measured(Fraction(-1) if gap is None else gap), strict=True),
        Hypothesis("negative_target", Measured(size), strict=True),
        run.plain_descent(),
        Hypothesis("step_size", room, strict=True),
        Hypothesis.decided("level_reached", below and run.trajectory.status is Status.CONVERGED),
    ]


def _speed(run: Run) -> Any:
    """Return ln(1 + eta lambda)."""
    return run.reals.log(1 - run.number((run.step_size or Fraction(0)) * run.target.rows[0][0]))


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return the slope of the steps in ln(1/epsilon) between neighbours, over its limit."""
    last = runs[-1]
    speed = _speed(last)
    gaps = [run.number(_imbalance(run) or Fraction(1)) for run in runs]
    slopes = []
    for (one, first), (two, second) in itertools.pairwise(zip(runs, gaps, strict=True)):
        # A number of steps is rounded up: the difference of two is known to one step.
        steps = Measured(Fraction(two.steps[-1] - one.steps[-1]), Fraction(1))
        slopes.append(last.number(steps) / last.reals.log(first / second) * speed)
    latex = r"\ln(1 + \eta\lambda) \, \Delta T / \Delta \ln(1/\varepsilon) \to 1"
    return [
        Limit("escape", "slope of the steps in ln(1/epsilon), over its limit", slopes, Fraction(1), RESOLUTION, latex)
    ]


def _descent(target: str = "-1", **options: Any) -> dict[str, Any]:
    start = {"scheme": "given", "weights": [[["{start}"]], [["1"]]]}
    return experiment(
        [1, 1, 1],
        {"rows": [[target]]},
        **{
            "step_size": "1/10",
            "stop": {"until_loss": "1/4"},
            "start": start,
            "backend": {**BALL, "digits": 130},
            **options,
        },
    )


def _starts(*exponents: int) -> list[str]:
    return [str(1 + Fraction(1, 10**k)) for k in exponents]


families = [
    FamilyExample("ever smaller imbalances", "consistent", family(_descent(), "start", _starts(2, 12, 32, 92))),
    FamilyExample(
        "a shallow saddle",
        "consistent",
        family(_descent(target="-1/2", step_size="1/4", stop={"until_loss": "1/16"}), "start", _starts(2, 12, 32, 92)),
    ),
    FamilyExample(
        "to a lower level",
        "consistent",
        family(_descent(stop={"until_loss": "1e-10"}), "start", _starts(2, 12, 32, 92)),
    ),
    FamilyExample("a positive target", "vacuous", family(_descent(target="1/2"), "start", _starts(2, 12))),
    FamilyExample(
        "momentum, the hypothesis dropped",
        "violated",
        family(
            _descent(dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"]),
            "start",
            _starts(2, 12, 32, 92),
        ),
    ),
    FamilyExample(
        "a positive target, the hypothesis dropped",
        "violated",
        family(
            _descent(target="1/2", stop={"until_loss": "1/100"}, without=["negative_target"]),
            "start",
            _starts(2, 12, 32, 92),
        ),
    ),
    FamilyExample(
        "twice the loss, the hypothesis dropped",
        "violated",
        family(averaged(_descent(), "none"), "start", _starts(2, 12, 32, 92)),
    ),
]
