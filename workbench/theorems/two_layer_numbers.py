r"""Descent on a product of two numbers is a map of the product and the difference of squares.

Statement
    Let two layers be numbers, $p = w_2 w_1$, $D = w_2^2 - w_1^2$, $r = p - s$, $q = \sqrt{D^2 + 4 p^2}$ and the loss
    $\frac{1}{2} r^2$. One step of gradient descent gives
    $$p' = p (1 + \eta^2 r^2) - \eta r q, \qquad D' = D (1 - \eta^2 r^2) .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below)

Proof
    $q = w_1^2 + w_2^2$; multiply out the step of each layer. `derivations/two_layer_numbers.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, altered, experiment
from workbench.theorems._sources import SAXE_2014

source = SAXE_2014.at("appendix; the map is worked out for this project")
observes = ("loss", "end_to_end_trace", "imbalance_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers = run.setting().holds is True and tuple(run.widths) == (1, 1, 1)
    return [
        Hypothesis.decided("two_numbers", numbers),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
    ]


def predict(run: Run) -> list[Identity]:
    """Return that each record follows from the one before."""
    products = [run.number(value) for value in run.observable("end_to_end_trace")]
    differences = [run.number(value) for value in run.observable("imbalance_trace")]
    eta, target = run.number(run.step_size or Fraction(0)), run.number(Fraction(run.target.rows[0][0]))
    next_products, next_differences = products[:1], differences[:1]
    for p, difference in zip(products[:-1], differences[:-1], strict=True):
        pull = eta * (p - target)
        # A square, so that a ball around zero has a root.
        total = run.reals.sqrt(difference**2 + 4 * p**2)
        next_products.append(p * (1 + pull**2) - pull * total)
        next_differences.append(difference * (1 - pull**2))
    return [
        Identity(
            "map_of_the_product",
            "product of the layers",
            products,
            next_products,
            RESOLUTION,
            latex=r"p' = p (1 + \eta^2 r^2) - \eta r q",
            quantity="product of the layers",
        ),
        Identity(
            "map_of_the_difference",
            "difference of squares",
            differences,
            next_differences,
            RESOLUTION,
            latex=r"D' = D (1 - \eta^2 r^2)",
            quantity="difference of squares",
        ),
    ]


def _numbers(
    first: str, second: str, backend: dict[str, Any] = BALL, steps: int = 30, **options: Any
) -> dict[str, Any]:
    return experiment(
        [1, 1, 1],
        {"rows": [["2"]]},
        step_size="1/8",
        stop={"steps": steps},
        start={"scheme": "given", "weights": [[[first]], [[second]]]},
        backend=backend,
        **options,
    )


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("two unequal numbers, enclosed", "consistent", _numbers("1/2", "3/2")),
    Example("opposite signs in exact rationals", "consistent", _numbers("-1/2", "1", {"name": "exact"}, 4)),
    Example("in double precision", "consistent", _numbers("1/2", "3/2", FLOAT)),
    Example("with momentum", "vacuous", _numbers("1/2", "3/2", **_MOMENTUM)),
    Example(
        "with momentum, the hypothesis dropped",
        "violated",
        _numbers("1/2", "3/2", without=["plain_descent"], **_MOMENTUM),
    ),
]

examples += [
    altered(examples[0], "two_numbers", "another factor of the loss", loss={"normalisation": "none"}),
]
