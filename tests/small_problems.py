"""Small problems of every kind, and their runs, for the tests of the dynamics."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from workbench import dynamics
from workbench.exact import Matrix, Measured
from workbench.problem import LinearNetwork, Problem, ResidualNetwork, SquareLoss, Start
from workbench.targets import matrix
from workbench.trajectory import Arithmetic, Method, Stop, Trajectory

IDENTITY = Start("identity")
GAUSSIAN = Start("gaussian", {"seed": 1, "scale": "1/2"})

SPD = Problem(
    LinearNetwork((2, 2, 2, 2)),
    SquareLoss(matrix({"family": "spectrum", "eigenvalues": ["1/2", "2"], "rotate": 1})),
)
SADDLE = Problem(
    LinearNetwork((3, 3, 3, 3)),
    SquareLoss(matrix({"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"], "rotate": 1})),
)
RECTANGULAR = Problem(
    LinearNetwork((2, 3, 1)), SquareLoss(matrix({"family": "uniform", "shape": [1, 2], "seed": 4})), GAUSSIAN
)
WITH_DATA = Problem(
    LinearNetwork((2, 3, 2)),
    SquareLoss(
        matrix({"family": "uniform", "shape": [2, 4], "seed": 5}),
        matrix({"family": "uniform", "shape": [2, 4], "seed": 6}),
        "mean",
    ),
    GAUSSIAN,
)
ZERO_LAYER = Problem(SPD.network, SPD.loss, Start("zero_asymmetric"))
RESIDUAL = Problem(ResidualNetwork(2, 3, "tanh", Fraction(1, 3)), WITH_DATA.loss, GAUSSIAN)
SMALLEST = Problem(LinearNetwork((1, 1)), SquareLoss(Matrix.from_rows([["1/3"]])))
ZERO_TARGET = Problem(LinearNetwork((2, 2, 2)), SquareLoss(Matrix.from_rows([[0, 0], [0, 0]])))

PROBLEMS = {
    "spd": SPD,
    "saddle": SADDLE,
    "rectangular": RECTANGULAR,
    "data": WITH_DATA,
    "zero layer": ZERO_LAYER,
    "smallest": SMALLEST,
    "zero target": ZERO_TARGET,
}


def descend(
    problem: Problem,
    backend: str,
    steps: int | None = 20,
    *,
    digits: int | None = None,
    step_size: Fraction = Fraction(1, 10),
    name: str = "gradient_descent",
    observes: tuple[str, ...] = ("loss",),
    until_loss: Fraction | None = None,
    keep_weights: bool = True,
    **parameters: Fraction,
) -> Trajectory:
    method = Method(name, Stop(steps, None, until_loss), step_size, parameters)
    return dynamics.run(problem, method, Arithmetic(backend, digits), observes, keep_weights=keep_weights)


def flow(problem: Problem, backend: str, time: Fraction, digits: int | None = None, **options: Any) -> Trajectory:
    method = Method("gradient_flow", Stop(None, time, options.pop("until_loss", None)))
    return dynamics.run(problem, method, Arithmetic(backend, digits), ("loss",), keep_weights=True, **options)


@functools.cache
def precise_flow(name: str) -> Trajectory:
    return flow(PROBLEMS[name], "mp", Fraction(1), 22)


@functools.cache
def certified(name: str, steps: int, digits: int) -> Trajectory:
    return descend(PROBLEMS[name], "ball", steps, digits=digits)


def numbers(trajectory: Trajectory) -> list[Measured]:
    """Return the loss and every weight at every record."""
    assert trajectory.weights is not None
    weights = [m for record in trajectory.weights for layer in record for row in layer for m in row]
    return [*trajectory.observables["loss"], *weights]


def agree(one: Trajectory, two: Trajectory) -> bool:
    """Say whether two runs of one object overlap within their errors, everywhere."""
    assert one.steps == two.steps
    gaps = [a.minus(b) for a, b in zip(numbers(one), numbers(two), strict=True)]
    assert all(g.value is not None and g.error is not None for g in gaps)
    return all(abs(g.value) <= g.error for g in gaps)  # type: ignore[arg-type, operator]
