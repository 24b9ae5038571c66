r"""Weight decay on equal numbers is a map of the mode, whose fixed points are where the decay meets a power of it.

Statement
    Let $L \ge 2$ layers of width 1 start equal to $x_0 > 0$. Descent with weight decay on $\frac{1}{2} (\sigma - s)^2$,
    $\sigma = w_L \cdots w_1$, keeps them equal while positive, with $\sigma = x^L$ and
    $$x' = x - \eta x \left( x^{L-2} (x^L - s) + \lambda \right) ,$$
    so that a fixed point has $s - \sigma = \lambda \sigma^{2/L - 1}$.

Hypotheses
    scalar_layers: a linear network of width 1 throughout, depth at least 2, loss with the factor 1/2
    equal_start: all layers start at one positive number
    weight_decay: gradient descent with weight decay, all layers at once
    positive: the product of the layers is positive at every record, and every step is recorded

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers
    positive: a power of the product needs a sign

Standing
    explicit (proof below)

Proof
    The gradient of the penalised loss in each layer is $x (x^{L-2} (x^L - s) + \lambda)$:
    `derivations/weight_decay_modes.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("setting; the map is worked out for this project")
observes = ("loss", "end_to_end_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2
    layers = rational_start(run) if scalar else []
    starts = [layer[0][0] for layer in layers or []]
    equal = bool(starts) and min(starts) > 0 and len(set(starts)) == 1
    bounds = [value.bounds() for value in run.observable("end_to_end_trace")]
    above = all(ends is not None and ends[0] > 0 for ends in bounds)
    every = tuple(run.steps) == tuple(range(len(run.steps)))
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.unknown("equal_start") if layers is None else Hypothesis.decided("equal_start", equal),
        Hypothesis.decided("weight_decay", run.method == "weight_decay"),
        Hypothesis.decided("positive", above and every),
    ]


def predict(run: Run) -> list[Identity]:
    """Return that each record follows from the one before."""
    products = [run.number(value) for value in run.observable("end_to_end_trace")]
    eta, decay = run.number(run.step_size or Fraction(0)), run.number(run.parameter("decay"))
    target = run.number(Fraction(run.target.rows[0][0]))
    predicted = products[:1]
    for product in products[:-1]:
        x = run.reals.power(product, Fraction(1, run.depth))
        pull = x ** (run.depth - 2) * (product - target) + decay
        predicted.append((x - eta * x * pull) ** run.depth)
    return [
        Identity(
            "map_of_the_mode",
            "product of the layers",
            products,
            predicted,
            RESOLUTION,
            latex=r"x' = x - \eta x (x^{L-2} (x^L - s) + \lambda)",
            quantity="product of the layers",
        )
    ]


def _numbers(weights: list[str], backend: dict[str, Any] = BALL, **options: Any) -> dict[str, Any]:
    decayed: dict[str, Any] = {"dynamics": "weight_decay", "parameters": {"decay": "1/4"}}
    return experiment(
        [1] * (len(weights) + 1),
        {"rows": [["2"]]},
        step_size="1/32",
        stop={"steps": 30},
        start={"scheme": "given", "weights": [[[w]] for w in weights]},
        backend=backend,
        **{**decayed, **options},
    )


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("three equal numbers, enclosed", "consistent", _numbers(["1"] * 3)),
    Example("two equal numbers, enclosed", "consistent", _numbers(["3/2"] * 2)),
    Example("four equal numbers in double precision", "consistent", _numbers(["1"] * 4, FLOAT)),
    Example("unequal numbers", "vacuous", _numbers(["1/2", "2", "1"])),
    Example(
        "unequal numbers, the hypothesis dropped",
        "violated",
        _numbers(["1/2", "2", "1"], without=["equal_start"]),
    ),
    Example(
        "momentum, the hypothesis dropped",
        "violated",
        _numbers(["1"] * 3, without=["weight_decay"], **_MOMENTUM),
    ),
]
