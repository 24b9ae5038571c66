r"""Label noise balances two numbers: every step shrinks their difference of squares by a factor that the noise keeps below one.

Statement
    Let two layers be numbers with $D_k = w_2^2 - w_1^2 \ne 0$ at the start, and let step $k$ descend on $\frac{1}{2} (w_2 w_1 - s - \nu \xi_k)^2$
    with signs $\xi_k$. With $g_k = w_2 w_1 - s - \nu \xi_k$, $x_k = \eta^2 g_k^2 < 1$ and $x$ the largest of them, for every $k$
    $$D_{k+1} = D_k (1 - x_k), \qquad \sum_{j < k} x_j \le \ln \left| \frac{D_0}{D_k} \right| \le \frac{1}{1 - x} \sum_{j < k} x_j .$$
    For independent fair signs the expectation of $\ln |D_0 / D_k|$ is at least $\eta^2 \nu^2 k$.

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    unbalanced: $D_0 \ne 0$; the margin is $|D_0|$
    label_noise: stochastic descent with a constant step, whose labels have signs of a seed
    every_step: every step is recorded
    short_steps: $\eta |g_k| < 1$ at every step; the margin is $1 - \eta \max_k |g_k|$

Presupposed
    unbalanced: of an imbalance of zero there is no logarithm
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below), worked out for this project; the law of balance is recalled. The expectation is proved and not judged: a run is one path.

Proof
    $w_2' = w_2 - \eta g w_1$ and $w_1' = w_1 - \eta g w_2$ whatever $g$ is, so that $D' = D (1 - \eta^2 g^2)$ (`derivations/two_layer_numbers.py`, with
    the label in place of $s$). Take logarithms: $x \le -\ln(1 - x) \le x / (1 - x)$ for $0 \le x < 1$. Given the past the expectation of
    $g_k^2$ is $(w_2 w_1 - s)^2 + \nu^2 \ge \nu^2$.

Notes
    The minimum itself is never left without noise, and $D$ then stays; with it the rate tends to $\eta^2 \nu^2$ a step: `noise_balancing_rate`.
    Of `unbalanced` no violation is known: $D = 0$ stays, and its logarithm is no number. Nor is one of `every_step`, which says what is summed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Identity, Run
from workbench.theorems._examples import FLOAT
from workbench.theorems._label_noise import every_step, initial_imbalance, noisy, slopes, two_numbers
from workbench.theorems._sources import ZIYIN_2023

source = ZIYIN_2023.at("law of balance, recalled; worked out for this project")
observes = ("loss", "end_to_end_trace", "imbalance_trace")
tight = True

RESOLUTION = Fraction(1, 10**8)


def _squares(run: Run) -> list[Real]:
    """Return x_k at each record."""
    eta = run.number(run.step_size or Fraction(0))
    return [(eta * g) ** 2 for g in slopes(run)]


def _room(run: Run) -> Measured:
    """Return 1 - eta max |g_k| over the steps that were taken."""
    taken = _squares(run)[: max(1, len(run.steps) - 1)]
    return run.reals.measured(1 - run.reals.sqrt(run.reals.maximum(*taken)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers, every = run.setting().holds is True and set(run.widths) == {1} and run.depth > 1, every_step(run)
    start = initial_imbalance(run)
    room = _room(run) if numbers and every else None
    return [
        Hypothesis.decided("two_numbers", two_numbers(run)),
        Hypothesis("unbalanced", None if start is None else Measured(abs(start)), strict=True),
        Hypothesis.decided("label_noise", run.method == "stochastic_descent"),
        Hypothesis.decided("every_step", every),
        Hypothesis("short_steps", room, strict=True),
    ]


def predict(run: Run) -> list[Identity | Bound]:
    """Return the law of every step, and the decay so far between the two sums."""
    found = [run.number(value) for value in run.observable("imbalance_trace")]
    shrinking, largest = _squares(run), run.number(0)
    law, low, high, total = found[:1], [run.number(0)], [run.number(0)], run.number(0)
    for difference, x in zip(found[:-1], shrinking[:-1], strict=True):
        law.append(difference * (1 - x))
        total, largest = total + x, run.reals.maximum(largest, x)
        low.append(total)
        high.append(total / (1 - largest))
    decay = [run.reals.log(run.reals.sqrt(found[0] ** 2 / value**2)) for value in found]
    label = "logarithm of the decay of the imbalance"
    return [
        Identity(
            "law_of_a_step",
            "difference of squares",
            found,
            law,
            RESOLUTION,
            latex=r"D_{k+1} = D_k (1 - \eta^2 g_k^2)",
            quantity="difference of squares",
        ),
        Bound("least_decay", label, decay, low, ">=", r"\ln |D_0 / D_k| \ge \sum_{j<k} \eta^2 g_j^2", label),
        Bound("most_decay", label, decay, high, "<=", r"\ln |D_0 / D_k| \le \sum_{j<k} \eta^2 g_j^2 / (1 - x)", label),
    ]


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}, "without": ["label_noise"]}

examples = [
    Example("two numbers on the minimum, enclosed", "consistent", noisy(["1/2", "2"], "1")),
    Example("from far away in double precision", "consistent", noisy(["1/2", "1/4"], "1", "1/8", backend=FLOAT)),
    Example(
        "a negative target in exact rationals",
        "consistent",
        noisy(["1", "1/2"], "-1", backend={"name": "exact"}, stop={"steps": 3}),
    ),
    Example("without noise", "consistent", noisy(["1/2", "1"], "1", "0")),
    Example("a step too long", "vacuous", noisy(["1/2", "2"], "1", "4", step_size="3/8", stop={"steps": 2})),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        noisy(["1/2", "2"], "1", "4", step_size="3/8", stop={"steps": 2}, without=["short_steps"]),
    ),
    Example("momentum, the hypothesis dropped", "violated", noisy(["1/2", "1"], "1", **_MOMENTUM)),
    Example(
        "three numbers, the hypothesis dropped",
        "violated",
        noisy(["1/2", "3/2", "1"], "1", without=["two_numbers"]),
    ),
]
