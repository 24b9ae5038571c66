r"""Descent from beyond the edge of stability ends below it by a gap that is an exact constant times the step size.

Statement
    Let $2m$ numbers start as $m$ copies of $x$ and $m$ copies of $y$, $x, y > 0$, the target be $s > 0$, and $S = m s^{2 - 2/m} \sqrt{D^2 + 4 s^{2/m}}$, $D = y^2 - x^2$, the sharpness of
    the minimum with this $D$. Along starts with $\eta S_0 \to 2 + \varepsilon$, $\varepsilon > 0$ small and fixed, as $\eta \to 0$, descent on $\frac{1}{2} (x^m y^m - s)^2$ ends with
    $$\frac{1}{\eta} \left( \frac{2}{\eta} - S_\infty \right) \to \frac{3 m^2}{4 (m - 1)(5 m - 4)} s^{4 - 2/m} .$$

Hypotheses
    tied_chain: an even number $2m \ge 4$ of layers of width 1, loss with the factor 1/2, positive target; the first $m$ start at one positive number, the last $m$ at another
    plain_descent: gradient descent with a constant step, all layers at once
    beyond_edge: $\eta S_0 > 2$; the margin is $\eta S_0 - 2$
    level_reached: the run reached a loss of at most $\frac{1}{20000} \eta^2 s^{6 - 2/m}$ that it was to stop at

Standing
    worked out for this project by matched expansions, and not proved whole: the coefficients and the plane of the slow motion are (proof below), the errors of the reduction to it were only measured, as $O(\eta^2)$. The published gap, as recalled for $m = 2$, $s = 1$, is at most $20/3$; the limit is $1/2$.

Proof
    Take $s = 1$: a scale $\sigma = s^{1/(2m)}$ of the numbers turns $\eta$ into $\eta s^{2 - 1/m}$. With $p = x y$, $q = x^2 + y^2$, $r = p^m - 1$ and $g = \eta r p^{m-1}$ a step is $p' = p (1 + g^2) - g q$,
    $D' = D (1 - g^2)$. As $\eta q \to (2 + \varepsilon) / m$, of $p = 1 + u$ there remains $u' = -u - \varepsilon u + b u^2 + k u^3$ with $b = -3 (m-1)$, $k = -(m-1)(7m-11)/3$, whose second iterate is
    $u + 2 \varepsilon u - 2 (b^2 + k) u^3$. With $\rho$ the mean of $r^2 = m^2 u^2$ over two steps, and $c = \frac{2}{m^2} (b^2 + k) = \frac{8}{3} (m-1)(5m-4)/m^2$, per step
    $(\ln \rho)' = 2 \varepsilon - c \rho$ and $\varepsilon' = -2 \eta^2 \rho$, as $S$ is nearly $m |D|$. With $\varepsilon = \eta^2 e$, $\rho = \eta^2 v$ the path obeys the linear equation $dv/de = \frac{c}{2} v - e$, solved by
    $v = \frac{2}{c} e + \frac{4}{c^2} + A \exp(c e / 2)$. A start at $e \to \infty$ leaves $A \to 0$, and $v = 0$ at $e = -2/c$: the motion ends at $\eta S = 2 - 2 \eta^2 / c$. The identities: `derivations/edge_gap.py`.

Notes
    At $m = 1$ the constant is infinite: two layers do not concentrate at the edge. The family is judged by neighbours extrapolated in $\eta^2$, which tend to the same limit.
    In double precision the errors grow at every step beyond the edge, and the verdict is undecided.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import BALL, FLOAT, experiment, family
from workbench.theorems._statement import Source
from workbench.trajectory import Status

source = Source(
    authors="Xingyu Zhu, Zixuan Wang, Xiang Wang, Mo Zhou, Rong Ge",
    year=2023,
    title="Understanding edge-of-stability training dynamics with a minimalist example",
    where="ICLR 2023; arXiv:2210.03294",
    locator="final sharpness, recalled; the constant is worked out for this project",
    url="https://arxiv.org/abs/2210.03294",
)
observes = ("loss", "end_to_end_trace", "imbalance_trace")
tight = True

# What two neighbours leave of the corrections in eta^4; a constant wrong by two in a hundred is outside.
RESOLUTION = Fraction(1, 100)

# What a loss below this, over the squared step, moves of the gap: at most two thousandths of it up to four copies.
LEVEL = Fraction(1, 20000)


def gap_constant(copies: int) -> Fraction | None:
    """Return 3 m^2 / (4 (m - 1) (5 m - 4)), None at one copy."""
    return Fraction(3 * copies**2, 4 * (copies - 1) * (5 * copies - 4)) if copies > 1 else None


def _tied(run: Run) -> bool:
    """Say whether the first half of the layers and the last are copies of a positive number each."""
    entries = [layer[0][0] for layer in run.initial_weights()]
    half = len(entries) // 2
    equal = all(x == entries[0] for x in entries[:half]) and all(x == entries[-1] for x in entries[half:])
    return equal and all(hasattr(x, "base") or x > 0 for x in (entries[0], entries[-1]))


def _sharpness(run: Run, difference: Real) -> Real:
    """Return m s^(2 - 2/m) sqrt(D^2 + 4 s^(2/m))."""
    copies, target = run.depth // 2, run.number(Fraction(run.target.rows[0][0]))
    root = run.reals.power(target, Fraction(1, copies))
    return copies * target**2 / root**2 * run.reals.sqrt(difference**2 + 4 * root**2)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    target, even = Fraction(run.target.rows[0][0]), run.depth >= 4 and run.depth % 2 == 0
    scalar = run.setting().holds is True and set(run.widths) == {1} and even and target > 0
    eta, level = run.step_size, run.until_loss
    beyond = None
    if scalar and eta is not None:
        first = run.number(run.observable("imbalance_trace")[0])
        beyond = run.reals.measured(eta * _sharpness(run, first) - 2)
    room = None
    if scalar and eta is not None and level is not None:
        # Of the numbers scaled to the target 1: the step is eta s^(2 - 1/m), the loss l / s^2.
        scale = run.reals.power(run.number(target), Fraction(6) - Fraction(4, run.depth))
        room = run.reals.measured(LEVEL * eta**2 * scale - level).bounds()
    small = room is not None and room[0] >= 0
    return [
        Hypothesis.decided("tied_chain", scalar and _tied(run)),
        run.plain_descent(),
        Hypothesis("beyond_edge", beyond, strict=True),
        Hypothesis.decided("level_reached", small and run.trajectory.status is Status.CONVERGED),
    ]


def _ratio(run: Run) -> Real | None:
    """Return (2/eta - S)/eta at the end of a run, over its limit."""
    constant = gap_constant(run.depth // 2)
    if constant is None or run.step_size is None:
        return None
    eta, target = run.number(run.step_size), run.number(Fraction(run.target.rows[0][0]))
    gap = 2 / eta - _sharpness(run, run.number(run.observable("imbalance_trace")[-1]))
    return gap / eta / (constant * run.reals.power(target, Fraction(4) - Fraction(4, run.depth)))


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return the gap over its limit, of neighbours extrapolated in the squared step."""
    found = [_ratio(run) for run in runs]
    values: list[Real | Measured | None] = []
    for (one, first), (two, second) in itertools.pairwise(zip(runs, found, strict=True)):
        weight = (two.step_size or Fraction(0)) ** 2 / (one.step_size or Fraction(1)) ** 2
        known = first is not None and second is not None and weight != 1
        values.append((second - weight * first) / (1 - weight) if known else None)  # type: ignore[operator]
    latex = r"\frac{1}{\eta} (\frac{2}{\eta} - S_\infty) \to \frac{3 m^2}{4 (m-1)(5m-4)} s^{4 - 2/m}"
    label = "gap to the edge over the step, over its limit, extrapolated in the squared step"
    return [Limit("edge_gap", label, values, Fraction(1), RESOLUTION, latex)]


def _four(x: str = "{n}/20", y: str = "21/{n}", target: str = "1", **options: Any) -> dict[str, Any]:
    """Return a run of two copies of the roots of x and of y with the step 22/n: eta S_0 is near 2.2."""
    numbers = [f"power({x},1/2)"] * 2 + [f"power({y},1/2)"] * 2
    return experiment(
        [1] * 5,
        {"rows": [[target]]},
        **{
            "step_size": "22/{n}",
            "stop": {"until_loss": "4e-7"},
            "start": {"scheme": "numbers", "numbers": numbers},
            "backend": BALL,
            **options,
        },
    )


_SIZES = [110, 154, 220]
_SHORT = [66, 88, 110, 132]
_UNTIED = {"scheme": "numbers", "numbers": ["power({n}/20,1/2)", "power({n}/40,1/2)", *["power(42/{n},1/2)"] * 2]}

families = [
    FamilyExample("two copies each, enclosed", "consistent", family(_four(), "n", _SIZES)),
    FamilyExample(
        "a target of 4",
        "consistent",
        family(_four("{n}/80", "336/{n}", "4", stop={"until_loss": "6e-6"}), "n", [8 * n for n in _SIZES]),
    ),
    FamilyExample(
        "from nearer to the edge",
        "consistent",
        family(_four("{n}/21", "22/{n}"), "n", _SIZES),
    ),
    FamilyExample("a start below the edge", "vacuous", family(_four("{n}/25"), "n", _SHORT[:2])),
    FamilyExample(
        "a start below the edge, the hypothesis dropped",
        "violated",
        family(_four("{n}/25", without=["beyond_edge"]), "n", _SHORT),
    ),
    FamilyExample(
        "momentum, the hypothesis dropped",
        "violated",
        family(
            _four(dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"], backend=FLOAT),
            "n",
            _SHORT,
        ),
    ),
    FamilyExample(
        "ten steps, the hypothesis dropped",
        "violated",
        family(_four(stop={"steps": 10}, without=["level_reached"]), "n", _SHORT),
    ),
    FamilyExample(
        "copies of two sizes, the hypothesis dropped",
        "violated",
        family(_four(start=_UNTIED, without=["tied_chain"], backend=FLOAT), "n", _SHORT),
    ),
]
