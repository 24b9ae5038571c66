"""What the rates of the gradient flow share: an exponential envelope of the loss, and starts from given layers."""

from __future__ import annotations

from typing import Any

from workbench.backends.reals import Real
from workbench.theorems._examples import BALL, experiment
from workbench.theorems._margin import initial_loss, linear
from workbench.theorems._run import Run
from workbench.theorems._statement import Bound, Hypothesis, Rate


def two_linear_layers(run: Run) -> bool:
    """Say whether this is a linear network of two layers with a target."""
    return linear(run) and len(run.widths) == 3


def two_layers(run: Run) -> Hypothesis:
    """Return whether it has two layers, any widths, whitened inputs, loss with the factor 1/2."""
    return Hypothesis.decided("setting", run.setting(square=False).holds is True and len(run.widths) == 3)


def envelope(run: Run, rate: Real, latex: str) -> list[Bound | Rate]:
    """Return the bound of the loss by an exponential of a rate per unit of flow time, and the rate."""
    start = initial_loss(run)
    bounds = [start * run.reals.exp(-rate * run.number(time)) for time in run.times]
    return [Bound("loss_envelope", "loss against its envelope", run.loss, bounds, latex=latex), Rate(rate)]


def flow_from(weights: list[list[list[str]]], target: list[list[str]], **options: Any) -> dict[str, Any]:
    """Return the flow from given layers."""
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        start={"scheme": "given", "weights": weights},
        **{"dynamics": "gradient_flow", "stop": {"time": "1/2"}, "backend": BALL, **options},
    )


# From any of the starts in the examples a step of this size goes too far.
OVERSTEP: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "2", "stop": {"steps": 3}}
