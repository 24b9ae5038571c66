r"""At a minimum of two numbers label noise shrinks their imbalance at the rate of the squared step times the noise's variance.

Statement
    Let two layers be numbers with $w_2 w_1 = s > \nu > 0$ and $w_2^2 \ne w_1^2$ at the start, the labels $s + \nu \xi_k$ with independent fair
    signs. For every sequence of step sizes $\eta \to 0$ and any numbers of steps $K$,
    $$\frac{1}{\eta^2 \nu^2 K} \ln \left| \frac{D_0}{D_K} \right| \to 1 \quad \text{in probability}, \qquad D = w_2^2 - w_1^2 .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    unbalanced: $D_0 \ne 0$; the margin is $|D_0|$
    at_minimum: $w_2 w_1 = s$ at the start, exactly
    small_noise: $0 < \nu < s$; the margin is the smaller of $\nu$ and $s - \nu$
    label_noise: stochastic descent with a constant step, whose labels have signs of a seed

Presupposed
    unbalanced: of an imbalance of zero there is no logarithm
    label_noise: $\nu$ is the size of the noise on the labels

Perhaps unnecessary
    small_noise: the proof takes from it that the product stays positive; no violation is known with more noise

Standing
    explicit (proof below), worked out for this project; the rate is recalled from a stationary distribution. A family has one seed: its members are one draw each.

Proof
    $\ln |D_0 / D_K| = -\sum \ln(1 - \eta^2 g_k^2)$ (`noise_balancing`), $g_k = r_k - \nu \xi_k$, $r = w_2 w_1 - s$, and
    $r' = (1 - \eta q) r + \eta q \nu \xi + \eta^2 g^2 (r + s)$ with $q = w_1^2 + w_2^2$, $q^2 = D^2 + 4 (r + s)^2$. Take $R$ between $\nu$ and $s$. While $|r| \le R$,
    $2 (s - R) \le q \le Q = \sqrt{D_0^2 + 4 (s + R)^2}$ and $|r'| \le |r| - \eta q (|r| - \nu) + O(\eta^2)$, so that $|r_k| \le R$ for all $k$ once $\eta$ is small.
    As $\xi$ has mean zero given the past, the mean of $r'^2$ given the past is at most $(1 - \eta q) r^2 + O(\eta^2)$, whence
    the mean of $r_k^2$ is at most $C \eta$ for all $k$. So $\frac{1}{K} \sum g_k^2 = \nu^2 + \frac{1}{K} \sum r_k^2 - \frac{2 \nu}{K} \sum r_k \xi_k$ differs from $\nu^2$ by $O(\eta)$ in
    the mean, and by a martingale of variance at most $4 \nu^2 C \eta / K$. The logarithm adds a relative $O(\eta^2)$.

Notes
    The first correction is a relative $\eta q / 2$, from the stationary variance $\eta q \nu^2 / 2$ of $r$: the rate at a fixed step is a little larger.
    Of `small_noise` no violation is known at $\nu \ge s$: the proof takes from it that $w_2 w_1$ stays positive; without noise nothing moves and the ratio is no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run
from workbench.theorems._examples import FLOAT, family
from workbench.theorems._label_noise import initial_imbalance, noisy, two_numbers
from workbench.theorems._sources import ZIYIN_2023

source = ZIYIN_2023.at("rate of balancing, recalled; worked out for this project")
observes = ("loss", "imbalance_trace")
tight = True

# The correction eta q / 2 of the finest member, and the fluctuation of its 400 draws.
RESOLUTION = Fraction(1, 100)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers, noise = two_numbers(run), run.parameter("noise")
    start = initial_imbalance(run)
    target, product = Fraction(run.target.rows[0][0]), run.initial_product()
    return [
        Hypothesis.decided("two_numbers", numbers),
        Hypothesis("unbalanced", None if start is None else Measured(abs(start)), strict=True),
        Hypothesis.decided("at_minimum", product is not None and product[0][0] == target),
        Hypothesis("small_noise", Measured(min(noise, target - noise)), strict=True),
        Hypothesis.decided("label_noise", run.method == "stochastic_descent"),
    ]


def _rate(run: Run) -> Any:
    """Return the decay a step over eta^2 nu^2."""
    series = run.observable("imbalance_trace")
    first, last = (run.number(series[place]) for place in (0, -1))
    unit = ((run.step_size or Fraction(0)) * run.parameter("noise")) ** 2 * run.steps[-1]
    return run.reals.log(run.reals.sqrt(first**2 / last**2)) / run.number(unit) if unit else None


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return the decay a step over its limit, in the order of the steps."""
    return [
        Limit(
            "noise_rate",
            "decay of the imbalance a step, over the squared step times the variance",
            [_rate(run) for run in runs],
            Fraction(1),
            RESOLUTION,
            r"\ln |D_0 / D_K| / (\eta^2 \nu^2 K) \to 1",
        )
    ]


def _steps(weights: list[str], target: str = "1", noise: str = "1/2", **options: Any) -> dict[str, Any]:
    run = noisy(weights, target, noise, **{"step_size": "{eta}", "stop": {"steps": 400}, **options})
    return family(run, "eta", ["1/8", "1/64", "1/1024"])


def _shorter(weights: list[str], **options: Any) -> dict[str, Any]:
    run = noisy(weights, "1", **{"step_size": "{eta}", "stop": {"steps": 200}, **options})
    return family(run, "eta", ["1/1024", "1/4096", "1/16384"])


families = [
    FamilyExample("ever shorter steps, enclosed", "consistent", _steps(["1/2", "2"])),
    FamilyExample("nearly balanced, little noise", "consistent", _steps(["1", "3/2"], "3/2", "1/16")),
    FamilyExample("in double precision", "consistent", _steps(["2", "1"], "2", "1", backend=FLOAT)),
    FamilyExample("a start above the minimum", "vacuous", _steps(["1", "2"])),
    FamilyExample(
        "a start above the minimum, the hypothesis dropped",
        "violated",
        _shorter(["1", "2"], without=["at_minimum"]),
    ),
    FamilyExample(
        "three numbers, the hypothesis dropped",
        "violated",
        _shorter(["4/3", "1/2", "3/2"], without=["two_numbers"]),
    ),
]
