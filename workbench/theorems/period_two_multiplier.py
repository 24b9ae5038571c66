r"""Beside an attracting cycle of period two the loss returns to it by the cycle's multiplier every two steps.

Statement
    Let $L \ge 2$ layers be equal numbers, let descent with a step $\eta$ have the cycle $\rho < z \rho$ of `period_two_cycle`, $z > 1$, with
    the multiplier $\mu = f'(\rho) f'(z \rho)$, $0 < |\mu| < 1$, and start beside it. As it approaches the cycle without meeting it
    $$\frac{\ell_{k+4} - \ell_{k+2}}{\ell_{k+2} - \ell_k} \to \mu .$$

Hypotheses
    scalar_layers: at least two layers of width 1, loss with the factor 1/2
    equal_start: all layers start at one positive number
    plain_descent: gradient descent with a constant step, all layers at once
    beyond_edge: $\eta L s^{2-2/L} > 2$; the margin is $(\eta L)^L s^{2L-2} - 2^L$
    attracting: $0 < |\mu| < 1$, of a cycle with $z \le 2$; the margin is the smaller of $|\mu|$ and $1 - |\mu|$
    approaching: the last return of the loss, over two steps, is less than a tenth of the first; the margin is a tenth less their ratio

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers
    beyond_edge: there is no cycle below the edge
    attracting: a run does not return to a repelling cycle, so that there is no rate of return
    approaching: a run that has not come near has no rate of return yet

Standing
    explicit (proof below); that a run approaches the cycle is audited on the run

Proof
    Two steps are a smooth map of one number with the fixed point $\rho$ or $z \rho$ and the derivative $\mu$ there, so that the ratio of
    neighbouring differences of the number tends to $\mu$, and that of a smooth function of it whose derivative is not zero, as of the loss.

Notes
    $\mu$ falls from 1 at the first doubling through 0 (superstable) to -1 at the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import UNKNOWN, Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import family
from workbench.theorems._period_two import enclosed_multiplier, ratio_of_step
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import GHOSH_2025
from workbench.theorems.period_two_cycle import cycle

source = GHOSH_2025.at("stability of the cycles; derived for this project")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 1000)


def _step_power(run: Run) -> Fraction:
    """Return (eta L)^L s^(2L-2)."""
    target = Fraction(run.target.rows[0][0])
    return ((run.step_size or Fraction(0)) * run.depth) ** run.depth * target ** (2 * run.depth - 2)


def _multiplier(run: Run) -> Real | None:
    """Return mu, None of a step that has no cycle of a ratio up to 2."""
    power = _step_power(run)
    z = ratio_of_step(run.depth, power) if power > 2**run.depth else None
    return None if z is None else enclosed_multiplier(run.reals, run.depth, z)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2
    layers = rational_start(run) if scalar else None
    equal = layers is not None and len({layer[0][0] for layer in layers}) == 1 and layers[0][0][0] > 0
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", equal),
        run.plain_descent(),
        Hypothesis("beyond_edge", Measured(_step_power(run) - 2**run.depth) if scalar else None, strict=True),
        Hypothesis("attracting", _attraction(run) if scalar else None, strict=True),
        Hypothesis("approaching", _approach(run), strict=True),
    ]


def _attraction(run: Run) -> Measured:
    """Return the smaller of |mu| and 1 - |mu|."""
    mu = _multiplier(run)
    if mu is None:
        return Measured(Fraction(-1))
    size = run.reals.maximum(mu, -mu)
    return run.reals.measured(-run.reals.maximum(-size, size - 1))


def _returns(run: Run) -> list[Real]:
    """Return l_{k+2} - l_k at each record."""
    losses = [run.number(loss) for loss in run.loss]
    return [after - before for before, after in zip(losses, losses[2:], strict=False)]


def _approach(run: Run) -> Measured:
    found = _returns(run)
    if len(found) < 4:
        return Measured(Fraction(-1))
    last, first = found[-1], found[0]
    ratio = run.reals.maximum(last, -last) / run.reals.maximum(first, -first)
    return run.reals.measured(Fraction(1, 10) - ratio)


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return that the last ratio of returns, less the multiplier, tends to zero in the length of the run."""
    gaps: list[Any] = []
    for run in runs:
        found, mu = _returns(run), _multiplier(run)
        gaps.append(UNKNOWN if mu is None or len(found) < 3 else found[-1] / found[-3] - mu)
    latex = r"(\ell_{k+4} - \ell_{k+2}) / (\ell_{k+2} - \ell_k) \to \mu"
    return [Limit("multiplier", "last ratio of returns, less the multiplier", gaps, Fraction(0), RESOLUTION, latex)]


def _beside(depth: int, ratio: str, number: str, **options: Any) -> dict[str, Any]:
    weights = [[[number]]] * depth
    digits = {"name": "ball", "digits": 40}
    given = {"start": {"scheme": "given", "weights": weights}, "backend": digits, "stop": {"steps": 1}, **options}
    return cycle(depth, ratio, **given)


_STEPS = [12, 24, 36]
_LONG = [20, 40, 80]
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/100"}}

_APART: dict[str, Any] = {"start": {"scheme": "given", "weights": [[["6/5"]], [["1"]]]}}

families = [
    FamilyExample(
        "three layers, beyond superstability", "consistent", family(_beside(3, "5/4", "51/50"), "steps", _STEPS)
    ),
    FamilyExample("two layers", "consistent", family(_beside(2, "3/2", "21/20"), "steps", _STEPS)),
    FamilyExample("eight layers", "consistent", family(_beside(8, "15/14", "101/100"), "steps", _LONG)),
    FamilyExample(
        "momentum, the hypothesis dropped",
        "violated",
        family(_beside(2, "3/2", "19/20", without=["plain_descent"], **_MOMENTUM), "steps", _STEPS),
    ),
    FamilyExample(
        "unequal numbers, the hypothesis dropped",
        "violated",
        family(_beside(2, "3/2", "1", without=["equal_start"], **_APART), "steps", _LONG),
    ),
    FamilyExample("a repelling cycle", "vacuous", family(_beside(3, "2", "101/100"), "steps", _STEPS)),
]
