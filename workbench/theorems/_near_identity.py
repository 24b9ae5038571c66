"""What both near-identity statements share: one proof, two sets of constants."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems._run import Run
from workbench.theorems._statement import Bound, Count, Hypothesis, Prediction, Rate

LARGEST_DISTANCE = Fraction(1, 10)


@dataclass(frozen=True)
class Constants:
    """Step cap h/L, rate factor rho, drift c/L."""

    step: Fraction
    rate: Fraction
    drift: Fraction


def largest_step_size(run: Run, constants: Constants) -> Real:
    """Return h/L."""
    return run.number(constants.step / run.depth)


def hypotheses(run: Run, constants: Constants) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = run.setting()
    rows, columns = run.target.shape
    distance = run.identity_distance_squared() if rows == columns else None
    radius = None if distance is None else run.reals.measured(LARGEST_DISTANCE - run.reals.sqrt(run.number(distance)))
    # Squares decide the comparison exactly where the root is irrational; at equality the margin is zero.
    if distance == LARGEST_DISTANCE**2:
        radius = Measured(Fraction(0))
    step = run.step_size
    margin = None if step is None else Measured(min(constants.step / run.depth - step, step))
    return [
        setting,
        run.identity_start(),
        Hypothesis("near_identity", radius),
        run.plain_descent(),
        Hypothesis("step_size", margin),
    ]


def predict(run: Run, constants: Constants) -> list[Prediction]:
    """Return the contraction, the drift bound, the count and the rate."""
    depth, step = run.depth, run.step_size or Fraction(0)
    distance = run.identity_distance_squared()
    factor = run.number(1 - constants.rate * step * depth)
    envelope = [run.reals.measured(run.number(distance) / 2 * factor ** (2 * k)) for k in run.steps]
    drift = Measured(constants.drift / depth)
    found: list[Prediction] = [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            envelope,
            latex=r"\ell(t) \le \frac{1}{2} r^2 (1 - \rho \eta L)^{2t}",
        ),
        Bound(
            "layer_drift",
            "distance of the layers to the identity",
            run.observable("distance_to_identity"),
            [drift] * len(run.steps),
            latex=r"\max_i \|W_i(t) - I\|_2 \le \frac{c}{L}",
            quantity="distance to the identity",
        ),
    ]
    if run.until_loss is not None:
        start = run.number(distance / (2 * run.until_loss))
        zero = run.number(0)
        allowed = zero
        if distance > 2 * run.until_loss:
            allowed = run.reals.log(start) / (2 * run.number(constants.rate * step * depth))
        count = run.reals.measured(run.reals.maximum(zero, allowed))
        found.append(Count("steps_to_loss", "steps until the loss is reached", run.loss, run.until_loss, count, "T"))
    if step and constants.rate * step * depth < 1:
        found.append(Rate(-2 * run.reals.log(factor) / run.number(step)))
    return found
