r"""At the largest step the number of steps to a positive definite target saturates with depth: it tends to that of an exact limit map.

Statement
    Let $\Phi$ be symmetric positive definite with the eigenvalues $\lambda_i$ and let $\eta = 1/(L M^2)$, $M = \max(1, \lambda_{\max})^{1-1/L}$. The number of steps from
    $W_i(0) = I$ to a loss of at most $\varepsilon$ tends, as $L \to \infty$, to the first $t$ with $\frac{1}{2} \sum_i (p_i(t) - \lambda_i)^2 \le \varepsilon$ under
    $$p \mapsto p\, e^{-c p (p - \lambda)} , \qquad p(0) = 1 , \qquad c = \max(1, \lambda_{\max})^{-2} ,$$
    if the loss of this map is not $\varepsilon$ itself at that $t$.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap
    largest_step: $\eta \ge (1 - 2^{-16}) / (L M^2)$, the largest step but for its rounding
    level_reached: the run reached the loss that it was to stop at, and every step is recorded

Presupposed
    setting: a factor of the loss is another step, as without `largest_step`
    symmetric_target: the limit map is one of eigenvalues
    positive_definite: the limit map keeps its sign and never reaches a target that is not positive
    plain_descent: the ratio tends to another limit, which finitely many runs do not tell from a slow approach to one: undecided, never consistent
    largest_step: the ratio tends to another limit, which finitely many runs do not tell from a slow approach to one: undecided, never consistent
    level_reached: there is no number of steps without it

Standing
    explicit (proof below), worked out for this project; Theorem 2 (`positive_definite`) bounds the number uniformly in the depth. Without `largest_step` or `plain_descent` the ratio tends to another limit, which a finite family cannot tell from a slow approach to 1: undecided, never consistent. Without symmetry or definiteness there is no limit map, and without `level_reached` no number of steps.

Proof
    Each eigenvalue obeys $x \mapsto x (1 - \eta x^{L-2} (x^L - \lambda))$ (Lemma 6). With $p = x^L$ and $\eta L = c_L$, $p \mapsto p \left( 1 - \tfrac{c_L}{L} p^{1-2/L} (p - \lambda) \right)^L$,
    which tends to $p\, e^{-c p (p - \lambda)}$ uniformly on compact sets of $p > 0$, as $c_L = \max(1, \lambda_{\max})^{-2+2/L} \to c$. So every iterate of a fixed number tends to that of the limit map,
    and the first passage below $\varepsilon$ with it where the passage is strict.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import FamilyExample, Hypothesis, Limit, Run, positive_definite
from workbench.theorems._examples import family, symmetric
from workbench.theorems._sources import BARTLETT_2018
from workbench.trajectory import Status

source = BARTLETT_2018.at("Theorem 2, depth saturation, worked out for this project")
observes = ("loss",)
tight = True

# The gap falls as 1/L; the families end at a depth where it is below this.
RESOLUTION = Fraction(1, 200)

_ROUNDED = 1 - Fraction(1, 2**16)

# The limit map is not followed further than this.
_MOST_STEPS = 100_000

largest_step_size = positive_definite.largest_step_size


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    cap, margin = largest_step_size(run), None
    if cap is not None and run.step_size is not None:
        margin = run.reals.measured(run.number(run.step_size) - cap * _ROUNDED)
    every = tuple(run.steps) == tuple(range(len(run.steps)))
    reached = run.until_loss is not None and run.trajectory.status is Status.CONVERGED and every
    return [
        *positive_definite.hypotheses(run),
        Hypothesis("largest_step", margin),
        Hypothesis.decided("level_reached", reached),
    ]


def limit_steps(run: Run) -> int | None:
    """Return the steps of the limit map to the level of a run, None where its enclosures do not tell."""
    values = [run.number(x) for x in run.exact_eigenvalues()]
    c = 1 / run.reals.maximum(run.number(1), values[-1]) ** 2
    points, level = [Measured(Fraction(1))] * len(values), run.until_loss or Fraction(0)
    for step in range(_MOST_STEPS):
        gaps = [(run.number(p) - value) ** 2 for p, value in zip(points, values, strict=True)]
        bounds = run.reals.measured(sum(gaps, run.number(0)) / 2).bounds()
        if bounds is None or bounds[0] <= level < bounds[1]:
            return None
        if bounds[1] <= level:
            return step
        points = [_advanced(run, c, p, value) for p, value in zip(points, values, strict=True)]
    return None


def _advanced(run: Run, c: Real, point: Measured, value: Real) -> Measured:
    """Return an enclosure of the next point: the map at the middle, the error times a bound of the slope on the ball."""
    middle, ball = run.number(point.value or Fraction(0)), run.number(point)
    image = run.reals.measured(middle * run.reals.exp(-(c * middle * (middle - value))))
    slope = run.reals.exp(-(c * ball * (ball - value))) * (1 - c * ball * (2 * ball - value))
    ends = run.reals.measured(slope).bounds() or (Fraction(0), Fraction(10**6))
    error = (image.error or Fraction(0)) + max(abs(ends[0]), abs(ends[1])) * (point.error or Fraction(0))
    # Rounded up to a short dyadic, lest its digits grow with the steps.
    return Measured(image.value, Fraction(-((-error * 2**400) // 1), 2**400))


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return that the steps over those of the limit map tend to one in the depth."""
    wanted = limit_steps(runs[-1])
    same = len({(run.target.rows, run.until_loss) for run in runs}) == 1
    # A passage that is nearly a step sooner or later counts as one: the ratio is known to a step.
    ratios = [
        Measured(Fraction(run.steps[-1], wanted), Fraction(1, wanted)) if wanted and same else None for run in runs
    ]
    return [
        Limit(
            "saturation", "steps over those of the limit map", ratios, Fraction(1), RESOLUTION, r"T_L / T_\infty \to 1"
        )
    ]


def _descent(eigenvalues: list[str], level: str, rotate: int | None = None, **options: Any) -> dict[str, Any]:
    return symmetric(2, eigenvalues, rotate, **{"step_size": "largest", "stop": {"until_loss": level}, **options})


_DEPTHS = [2, 16, 128, 2048]

families = [
    FamilyExample(
        "eigenvalues on both sides of one", "consistent", family(_descent(["1/4", "4"], "1e-10"), "depth", _DEPTHS)
    ),
    FamilyExample(
        "a rotated spectrum", "consistent", family(_descent(["1/3", "3/2", "2"], "1e-20", 5), "depth", _DEPTHS)
    ),
    FamilyExample(
        "below one",
        "consistent",
        family(_descent(["1/8"], "1e-20"), "depth", _DEPTHS),
    ),
    FamilyExample(
        "a step below the largest",
        "vacuous",
        family(_descent(["1/4", "4"], "1e-6", step_size="1/1000"), "depth", [2, 4]),
    ),
    FamilyExample(
        "steps below the largest, the hypothesis dropped",
        "undecided",
        family(_descent(["1/2"], "1e-6", step_size="1/256", without=["largest_step"]), "depth", [2, 4, 8]),
    ),
    FamilyExample(
        "a start away from the identity, the hypothesis dropped",
        "violated",
        family(
            _descent(["1/2"], "1e-6", start={"scheme": "identity", "scale": "9/10"}, without=["identity_start"]),
            "depth",
            [8, 16, 32],
        ),
    ),
    FamilyExample(
        "momentum, the hypothesis dropped",
        "undecided",
        family(
            _descent(["1/4"], "1e-6", dynamics="heavy_ball", parameters={"momentum": "1/2"}, without=["plain_descent"]),
            "depth",
            [4, 8, 16],
        ),
    ),
    FamilyExample(
        "one long step at every depth, the hypothesis dropped",
        "violated",
        family(_descent(["1/2"], "1e-6", step_size="2/5", without=["step_size"]), "depth", [4, 8, 16]),
    ),
]
