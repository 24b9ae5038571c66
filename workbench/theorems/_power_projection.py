"""What both statements about power projection share: the hypotheses, the contraction at every step, the count."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Matrix, Measured
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._run import Run
from workbench.theorems._statement import Bound, Count, Example, Hypothesis, Prediction, Rate

Cap = Callable[[Run], Real]


def floor(run: Run) -> Fraction:
    """Return gamma: the floor of the projection, or under another dynamics the scale of the start."""
    if run.method == "power_projection":
        return run.parameter("floor")
    product = run.initial_product()
    return Fraction(0) if product is None else product[0][0]


def target_norm_squared(run: Run) -> Fraction:
    """Return ||Phi||_F^2, exactly."""
    return sum((x * x for row in run.target.rows for x in row), Fraction(0))


def power_of_norm(run: Run, exponent: Fraction) -> Real:
    """Return B^exponent, B = 2 ||Phi||_F."""
    return run.reals.power(4 * target_norm_squared(run), exponent / 2)


def slowness(run: Run) -> Real:
    """Return eta L gamma^(2-2/L)."""
    gamma = run.reals.power(floor(run), Fraction(2) - Fraction(2, run.depth))
    return run.number((run.step_size or Fraction(0)) * run.depth) * gamma


def hypotheses(run: Run, cap: Cap) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting, square = run.setting(), _square(run)
    product = run.initial_product() if square else None
    at_floor = product is not None and all(
        x == (floor(run) if i == j else 0) for i, row in enumerate(product) for j, x in enumerate(row)
    )
    margin = None
    if square and run.step_size is not None and target_norm_squared(run):
        margin = run.reals.measured(cap(run) - run.number(run.step_size))
    return [
        setting,
        Hypothesis.decided("floor_start", at_floor),
        _positive_target(run) if square else Hypothesis.unknown("positive_target"),
        Hypothesis.decided("power_projection", run.method == "power_projection"),
        Hypothesis("step_size", margin),
    ]


def _square(run: Run) -> bool:
    """Return whether every layer and the target are square of one size, whatever the factor of the loss."""
    size = run.widths[0]
    return set(run.widths) == {size} and run.target.shape == (size, size)


def _positive_target(run: Run) -> Hypothesis:
    """Return whether the symmetric part of the target is at least gamma > 0; the margin is what is left."""
    rows = run.target.rows
    even = Matrix(tuple(tuple((x + rows[j][i]) / 2 for j, x in enumerate(row)) for i, row in enumerate(rows)))
    gamma = floor(run)
    if gamma <= 0:
        return Hypothesis.decided("positive_target", False)
    return Hypothesis("positive_target", run.spectrum(even)[0].minus(Measured(gamma)))


def _start_distance(run: Run) -> Fraction:
    """Return ||W(0) - Phi||_F^2, exactly."""
    rows = zip(run.initial_product() or run.target.rows, run.target.rows, strict=True)
    return sum(((x - y) ** 2 for a, b in rows for x, y in zip(a, b, strict=True)), Fraction(0))


def predict(run: Run, factor: Real, latex: str) -> list[Prediction]:
    """Return the contraction from record to record, the envelope, the count and the rate.

    Parameters
    ----------
    run : Run
    factor : Real
        What a step multiplies the loss by at most.
    latex : str
        The contraction as a formula.
    """
    distance = _start_distance(run)
    contracted = [run.loss[0]] if run.loss else []
    for (before, loss), step in zip(zip(run.steps, run.loss, strict=True), run.steps[1:], strict=False):
        contracted.append(run.reals.measured(run.number(loss) * factor ** (step - before)))
    envelope = [run.reals.measured(run.number(distance) / 2 * factor**step) for step in run.steps]
    found: list[Prediction] = [
        Bound("contraction", "loss against that of the record before, contracted", run.loss, contracted, latex=latex),
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            envelope,
            latex=r"\ell(t) \le \frac{1}{2} \|\gamma I - \Phi\|_F^2 \, q^t",
        ),
    ]
    if run.until_loss is not None:
        allowed = run.reals.log(run.number(target_norm_squared(run) / (2 * run.until_loss))) / slowness(run)
        count = run.reals.measured(run.reals.maximum(run.number(0), allowed))
        found.append(Count("steps_to_loss", "steps until the loss is reached", run.loss, run.until_loss, count, "T"))
    if run.step_size:
        found.append(Rate(-run.reals.log(factor) / run.number(run.step_size)))
    return found


SKEW = [["2", "1"], ["-1", "1"]]
_THREE = [["2", "1", "0"], ["-1", "1", "1/2"], ["1/3", "0", "3/2"]]


def projected(depth: int, target: list[list[str]], gamma: str, **options: Any) -> dict[str, Any]:
    """Return a run of power projection from gamma I, kept by name."""
    size = len(target)
    start = {"scheme": "identity", "scale": f"root({gamma},{depth})"}
    return experiment(
        [size] * (depth + 1),
        {"rows": target},
        **{
            "start": start,
            "dynamics": "power_projection",
            "parameters": {"floor": gamma},
            "step_size": "largest",
            "stop": {"steps": 40},
            **options,
        },
    )


def examples(level: str) -> list[Example]:
    """Return the examples, those that reach a loss going down to a level."""
    half = [["1/2", "0"], ["0", "1/2"]]
    doubled = projected(2, SKEW, "1/2", step_size="1/1000", stop={"steps": 3}, without=["setting"])
    doubled["problem"]["loss"]["normalisation"] = "none"
    return [
        Example("two layers, a skew part", "consistent", projected(2, SKEW, "1/2")),
        Example(
            "three layers of width three", "consistent", projected(3, _THREE, "1/2", backend={**BALL, "digits": 20})
        ),
        Example(
            "to a level, from a start kept by name",
            "consistent",
            projected(
                2,
                [["1", "-1"], ["1", "1"]],
                "1",
                stop={"until_loss": level},
                start={"scheme": "balanced", "matrix": [["1", "0"], ["0", "1"]]},
            ),
        ),
        Example("one layer", "consistent", projected(1, SKEW, "1/2", step_size="1/4")),
        Example("width one", "consistent", projected(3, [["2"]], "1")),
        Example("in double precision", "consistent", projected(2, SKEW, "1/2", backend=FLOAT)),
        Example("a target below the floor", "vacuous", projected(2, SKEW, "3/2")),
        Example(
            "a target below the floor, the hypothesis dropped",
            "violated",
            projected(2, [["-1"]], "1", stop={"steps": 5}, without=["positive_target"]),
        ),
        Example(
            "a step above the cap, the hypothesis dropped",
            "violated",
            projected(2, SKEW, "1/2", step_size="1", stop={"steps": 20}, without=["step_size"]),
        ),
        Example(
            "a start far above the floor, the hypothesis dropped",
            "violated",
            projected(
                2,
                SKEW,
                "1/2",
                step_size="largest",
                stop={"steps": 20},
                without=["floor_start"],
                start={"scheme": "balanced", "matrix": [["5000", "0"], ["0", "5000"]]},
            ),
        ),
        Example(
            "a penalty in place of the projection, the hypothesis dropped",
            "violated",
            projected(
                2,
                half,
                "1/4",
                step_size="1/20",
                stop={"steps": 60},
                without=["power_projection"],
                dynamics="penalised_descent",
                parameters={"penalty": "1"},
            ),
        ),
        Example("a loss without its half, the hypothesis dropped", "violated", doubled),
    ]
