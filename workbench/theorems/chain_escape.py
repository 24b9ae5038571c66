r"""Three or more unequal numbers leave the saddle of a negative target after a time that is a power of their spread, with an exact integral.

Statement
    Let $L \ge 3$ layers of width 1 start at $w_i = 1 + \epsilon \xi_i$ with one smallest $\xi_m$, the target be $-\lambda < 0$, $0 < \eta (1 + \lambda) < 1$. Let $x_0 = 1$, $x_{t+1} = x_t (1 - \eta x_t^{L-2} (x_t^L + \lambda))$ and
    $C = \prod_t \left( 1 - \eta^2 (x_t^L + \lambda)^2 x_t^{2L-4} \right)$. The number $T$ of steps to a loss of at most $\alpha < \frac{1}{2} \lambda^2$ obeys, as $\epsilon \to 0$,
    $$T \eta \lambda (C \epsilon)^{(L-2)/2} \to \int_0^\infty \frac{dy}{\sqrt{y}} \prod_{i \ne m} \left( y + 2 (\xi_i - \xi_m) \right)^{-1/2} .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    three_or_four: $L = 3$ or $L = 4$ layers of width 1, for which the integral is elliptic and computed here
    one_smallest: one layer starts below all others; the margin is how far
    near_one: every layer starts within $1/5$ of 1; the margin is the room left
    negative_target: $\Phi = -\lambda < 0$; the margin is $\lambda$
    plain_descent: gradient descent with a constant step
    step_size: $0 < \eta (1 + \lambda) < 1$
    level_reached: the run reached a loss $\alpha < \frac{1}{2} \lambda^2$ that it was to stop at

Presupposed
    setting: a factor of the loss is another step, and the slope tends to another limit, which finitely many runs do not tell from a slow approach to one: undecided, never consistent
    three_or_four: the integral is computed for these depths
    one_smallest: a tie for the smallest never escapes, so that there is no number of steps
    negative_target: without a negative target there is no saddle at zero
    step_size: from $\eta (1 + \lambda) = 1$ on the first factor of $C$ is not positive: for three layers its root is no number, for four the left side is not positive while the integral is
    level_reached: there is no number of steps without it

Standing
    worked out for this project by matched expansions (below): the limit and its constant are derived, the errors of the matching were not bounded, only measured. A tie for the smallest never escapes: then no run reaches the level, and `one_smallest` has no control; without a negative target there is no saddle at zero, and the verdict is undecided.

Proof
    Equal numbers follow $x_t$, which falls to zero like a power of the time, and each step multiplies $w_i^2 - w_j^2$ by $1 - \eta^2 r^2 P^2 / (w_i w_j)^2$ exactly (`scalar_chain_drift`), $r = P + \lambda$, $P = w_1 \cdots w_L$.
    To first order in $\epsilon$ the differences $w_i^2 - w_m^2$ start at $2 \epsilon (\xi_i - \xi_m)$ and tend to $C$ times that; the product converges, as $x_t^{L-2} \le 1 / (1 + \eta \lambda (L-2) t)$.
    Once the numbers are of the order $\sqrt{\epsilon}$ a step is small and they follow the flow $\dot{w}_i = -\lambda P / w_i$, which keeps the differences: $z = w_m^2$ obeys $\dot{z} = -2 \lambda P$ with
    $|P| = \sqrt{z \prod (z + 2 C \epsilon (\xi_i - \xi_m))}$. From $z = \infty$ down to 0, where $w_m$ changes sign, and up again with the other sign of $P$ it takes
    the time $2 \int_0^\infty dz / (2 \lambda |P|)$; with $z = C \epsilon y$ this is the integral over $\lambda (C \epsilon)^{(L-2)/2}$. The start and the end add what stays bounded.

Notes
    The integrals are Carlson's: $2 R_F(0, p, q)$ for three numbers, which is Gauss's $\pi / \mathrm{agm}(\sqrt{p}, \sqrt{q})$, and $2 R_F(1/p, 1/q, 1/r) / \sqrt{p q r}$ for four. A family is judged by the slope between neighbours,
    which does not see the bounded part. Two numbers escape in a logarithm: `saddle_escape`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import BALL, experiment, family
from workbench.theorems._sources import BARTLETT_2018
from workbench.trajectory import Status

source = BARTLETT_2018.at("Theorem 4, escape from the saddle, worked out for this project")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 100)

# Factors of C that are multiplied out; the others are bounded.
_FACTORS = 3000

# Duplications of Carlson's integral, each of which brings its arguments nearer by a factor of four.
_DUPLICATIONS = 24


def _spreads(run: Run) -> list[Fraction] | None:
    """Return how far the layers start above the smallest, ascending, None where they are no rational numbers."""
    entries = [layer[0][0] for layer in run.initial_weights()]
    if set(run.widths) != {1} or not all(isinstance(x, Fraction) for x in entries):
        return None
    numbers = sorted(Fraction(x) for x in entries)  # type: ignore[arg-type]
    return [x - numbers[0] for x in numbers[1:]]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    size, spreads, step, level = -run.target.rows[0][0], _spreads(run), run.step_size, run.until_loss
    entries = [layer[0][0] for layer in run.initial_weights()]
    near = None if spreads is None else Fraction(1, 5) - max(abs(Fraction(x) - 1) for x in entries)  # type: ignore[arg-type]
    below = level is not None and level < size**2 / 2
    return [
        run.setting(),
        Hypothesis.decided("three_or_four", set(run.widths) == {1} and run.depth in (3, 4)),
        Hypothesis("one_smallest", Measured(spreads[0]) if spreads else None, strict=True),
        Hypothesis("near_one", None if near is None else Measured(near)),
        Hypothesis("negative_target", Measured(size), strict=True),
        run.plain_descent(),
        Hypothesis("step_size", None if step is None else Measured(1 - step * (1 + size)), strict=True),
        Hypothesis.decided("level_reached", below and run.trajectory.status is Status.CONVERGED),
    ]


def contraction(run: Run) -> Real:
    """Return C: what is left of the differences of squares once the numbers are small; unknown where it is not positive."""
    eta, size, power = run.number(run.step_size or Fraction(0)), -run.target.rows[0][0], run.depth - 2
    if (run.step_size or Fraction(0)) * (1 + size) >= 1:
        return run.number(Measured(None, None))
    x, found = run.number(1), run.number(1)
    for _ in range(_FACTORS):
        pull = eta * x**power * (x**run.depth + size)
        found, x = found * (1 - pull**2), x * (1 - pull)
    # From 1/x_{t+1}^(L-2) >= 1/x_t^(L-2) + (L-2) eta lambda the sum of the squared pulls is at most this.
    rest = (x**run.depth + size) ** 2 * eta**2 * (x ** (2 * power) + x**power / (power * eta * size))
    ends = run.reals.measured(rest).bounds()
    left = run.number(0 if ends is None else ends[1])
    return found * (1 - run.number(Measured.between(Fraction(0), run.reals.measured(left).bounds()[1])))  # type: ignore[index]


def carlson(run: Run, x: Real, y: Real, z: Real) -> Real:
    """Return R_F(x, y, z), half the integral of 1 over sqrt((t + x)(t + y)(t + z)), at most one of them zero."""
    for _ in range(_DUPLICATIONS):
        a, b, c = (run.reals.sqrt(value) for value in (x, y, z))
        shift = a * b + b * c + c * a
        x, y, z = ((value + shift) / 4 for value in (x, y, z))
    least = -run.reals.maximum(-x, -y, -z)
    low, high = (run.reals.measured(1 / run.reals.sqrt(v)).bounds() for v in (run.reals.maximum(x, y, z), least))
    return run.number(Measured.between(low[0], high[1])) if low and high else run.number(Measured(None, None))


def passage(run: Run, spreads: Sequence[Fraction], shrunk: Real) -> Real:
    """Return the integral over the positive y of 1 over sqrt(y prod (y + 2 C delta_i))."""
    sizes = [2 * shrunk * delta for delta in spreads]
    if len(sizes) == 2:
        return 2 * carlson(run, run.number(0), *sizes)
    first, second, third = sizes
    return 2 * carlson(run, 1 / first, 1 / second, 1 / third) / run.reals.sqrt(first * second * third)


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return the slope of the steps in the integral between neighbours, over its limit."""
    latex = r"T \eta \lambda (C \epsilon)^{(L-2)/2} \to \int_0^\infty \prod_i (y + 2 (\xi_i - \xi_m))^{-1/2} dy"
    slopes: list[Real | None] = [None] * (len(runs) - 1)
    if all(run.target.rows[0][0] < 0 for run in runs):
        slopes = _slopes(runs)
    return [Limit("escape", "slope of the steps, over its limit", slopes, Fraction(1), RESOLUTION, latex)]


def _slopes(runs: Sequence[Run]) -> list[Real | None]:
    shrunk, slopes = contraction(runs[-1]), list[Real | None]()
    for one, two in itertools.pairwise(runs):
        first, second = (passage(run, _spreads(run) or [], shrunk) for run in (one, two))
        # A number of steps is rounded up: the difference of two is known to one step.
        steps = Measured(Fraction(two.steps[-1] - one.steps[-1]), Fraction(1))
        size = -two.target.rows[0][0]
        slopes.append(two.number(steps) * (two.step_size or Fraction(0)) * size / (second - first))
    return slopes


def _descent(numbers: list[str], target: str = "-1", step_size: str = "1/10", **options: Any) -> dict[str, Any]:
    given = {"stop": {"until_loss": "1/100"}, "backend": BALL, **options}
    start = {"scheme": "given", "weights": [[[x]] for x in numbers]}
    return experiment([1] * (len(numbers) + 1), {"rows": [[target]]}, step_size=step_size, start=start, **given)


# The zeros between 1. and the last digit: spreads of 1/100, 1/1000, 1/10000.
_ZEROS = ["0", "00", "000"]
_THREE = ["1", "1.{zeros}1", "1.{zeros}2"]

families = [
    FamilyExample("three numbers, enclosed", "consistent", family(_descent(_THREE), "zeros", _ZEROS)),
    FamilyExample(
        "a longer step, two equal ones above",
        "consistent",
        family(_descent(["1.{zeros}1", "1", "1.{zeros}1"], "-1/2", "1/2"), "zeros", _ZEROS),
    ),
    FamilyExample(
        "four numbers",
        "consistent",
        family(_descent([*_THREE, "1.{zeros}5"], step_size="1/4"), "zeros", ["1", "0", "00"]),
    ),
    FamilyExample("a positive target", "vacuous", family(_descent(_THREE, "1/2"), "zeros", _ZEROS[:2])),
    FamilyExample(
        "a positive target, the hypothesis dropped",
        "undecided",
        family(_descent(_THREE, "1/2", without=["negative_target"]), "zeros", _ZEROS),
    ),
    FamilyExample(
        "momentum, the hypothesis dropped",
        "violated",
        family(
            _descent(_THREE, dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"]),
            "zeros",
            ["", *_ZEROS],
        ),
    ),
    FamilyExample(
        "a start near one half, the hypothesis dropped",
        "violated",
        family(_descent(["0.5", "0.5{zeros}1", "0.5{zeros}2"], without=["near_one"]), "zeros", ["", *_ZEROS]),
    ),
]
