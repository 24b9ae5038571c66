r"""Descent on a product of any number of equal numbers has exact cycles of period two beyond the edge of stability.

Statement
    Let $L \ge 2$ layers be numbers that start equal at $x > 0$, let $y = x - \eta x^{L-1} (x^L - s)$ and $z = y/x$. If
    $$z \ne 1, \qquad s\, (1 + z^{L-1}) = x^L (1 + z^{2L-1}) ,$$
    then gradient descent on $\frac{1}{2} (w_L \cdots w_1 - s)^2$ alternates, $\ell_{k+2} = \ell_k$ for all $k$, and two steps have the
    derivative $\mu = f'(x) f'(y)$, $f'(x) = 1 - \eta x^{L-2} ((2L-1) x^L - (L-1) s)$, by which the cycle attracts or repels.

Hypotheses
    scalar_layers: at least two layers of width 1, loss with the factor 1/2
    equal_start: all layers start at one positive number
    on_cycle: $z \ne 1$ and $s (1 + z^{L-1}) = x^L (1 + z^{2L-1})$, exactly; the margin is the negated defect
    plain_descent: gradient descent with a constant step, all layers at once

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers
    equal_start: the cycle is one of the common number

Standing
    explicit (proof below)

Proof
    $y = x + \eta x^{L-1} (s - x^L)$, and $x = y + \eta y^{L-1} (s - y^L)$ is $s - x^L = z^{L-1} (z^L x^L - s)$, the equation of the cycle.

Notes
    With $u = x^L/s$ the cycle of ratio $z > 1$ has $\eta L s^{2-2/L} = L (z-1) u^{2/L} / (u (1-u))$, which is 2 as $z \to 1$. It attracts most where
    $\mu = 0$ and until $\mu = -1$: $\eta L s^{2-2/L}$ is 2.242641 and 2.472136 for $L = 2$, 2.247240 and 2.489215 for 3, 2.248587 and
    2.494339 for 4, 2.249980 and 2.499695 for 8, 2.250905 and 2.503291 in the limit. `period_two_multiplier` checks $\mu$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._period_two import small_power
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import GHOSH_2025

source = GHOSH_2025.at("cycles of period two; derived for this project")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 10**8)


def points(run: Run) -> tuple[Fraction, Fraction] | None:
    """Return x and y, None of a start that is no equal rational number."""
    layers = rational_start(run)
    starts = set() if layers is None else {layer[0][0] for layer in layers}
    if len(starts) != 1:
        return None
    x, target = starts.pop(), Fraction(run.target.rows[0][0])
    return x, x - (run.step_size or Fraction(0)) * x ** (run.depth - 1) * (x**run.depth - target)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2
    found = points(run) if scalar else None
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", found is not None and found[0] > 0),
        Hypothesis("on_cycle", _margin(run, *found) if found else None),
        run.plain_descent(),
    ]


def _margin(run: Run, x: Fraction, y: Fraction) -> Measured:
    """Return the negated defect of the cycle's equation; one point alone is no cycle."""
    if x <= 0 or x == y:
        return Measured(Fraction(-1))
    z = y / x
    target = Fraction(run.target.rows[0][0])
    return Measured(-abs(target * (1 + z ** (run.depth - 1)) - x**run.depth * (1 + z ** (2 * run.depth - 1))))


def predict(run: Run) -> list[Identity]:
    """Return that the loss alternates between its first two values, computed exactly."""
    x, y = points(run) or (Fraction(1), Fraction(1))
    target = Fraction(run.target.rows[0][0])
    halves = [Measured((value**run.depth - target) ** 2 / 2) for value in (x, y)]
    return [
        Identity(
            "alternating_loss",
            "loss",
            run.loss,
            [halves[step % 2] for step in run.steps],
            RESOLUTION,
            latex=r"\ell_{k+2} = \ell_k",
            quantity="loss",
        )
    ]


def cycle(depth: int, ratio: str, lower: str = "1", **options: Any) -> dict[str, Any]:
    """Return a run on the cycle with a ratio of its points, from its smaller point."""
    z, x = Fraction(ratio), Fraction(lower)
    target = x**depth / small_power(depth, z)
    step_size = (z - 1) * x / (x ** (depth - 1) * (target - x**depth))
    weights = [[[lower]]] * depth
    return experiment(
        [1] * (depth + 1),
        {"rows": [[str(target)]]},
        **{
            "step_size": str(step_size),
            "start": {"scheme": "given", "weights": weights},
            "stop": {"steps": 20},
            "backend": BALL,
            **options,
        },
    )


def _starting(*numbers: str) -> dict[str, Any]:
    return {"start": {"scheme": "given", "weights": [[[x]] for x in numbers]}}


_FEW: dict[str, Any] = {"backend": {"name": "exact"}, "stop": {"steps": 3}}
_FLOATING: dict[str, Any] = {"backend": FLOAT, "stop": {"steps": 6}}
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("three layers, enclosed", "consistent", cycle(3, "5/4")),
    Example("two layers, the cycle of depth two", "consistent", cycle(2, "25/16", "8/5")),
    Example("eight layers", "consistent", cycle(8, "15/14")),
    Example("a repelling cycle in exact rationals", "consistent", cycle(3, "2", **_FEW)),
    Example("five layers in double precision", "consistent", cycle(5, "9/8", **_FLOATING)),
    Example("beside the cycle", "vacuous", cycle(3, "5/4", **_starting(*["11/10"] * 3))),
    Example(
        "beside the cycle, the hypothesis dropped",
        "violated",
        cycle(3, "5/4", without=["on_cycle"], **_starting(*["11/10"] * 3)),
    ),
    Example("momentum, the hypothesis dropped", "violated", cycle(3, "5/4", without=["plain_descent"], **_MOMENTUM)),
]
