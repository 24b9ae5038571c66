"""Specifications of small problems, for the examples of the theorems."""

from __future__ import annotations

from typing import Any

FLOAT = {"name": "float64"}
BALL = {"name": "ball", "digits": 30}
MULTIPRECISION = {"name": "mp", "digits": 30}


def spectrum(eigenvalues: list[str], rotate: int | None = None) -> dict[str, Any]:
    """Return a symmetric target with a prescribed spectrum."""
    family: dict[str, Any] = {"family": "spectrum", "eigenvalues": eigenvalues}
    return family if rotate is None else family | {"rotate": rotate}


def experiment(
    widths: list[int],
    target: dict[str, Any],
    *,
    stop: dict[str, Any],
    step_size: str | None = None,
    dynamics: str = "gradient_descent",
    parameters: dict[str, str] | None = None,
    start: dict[str, Any] | None = None,
    backend: dict[str, Any] | None = None,
    without: list[str] | None = None,
) -> dict[str, Any]:
    """Return the specification of a run of a deep linear network, without its theorem."""
    method: dict[str, Any] = {"name": dynamics, "stop": stop}
    if step_size is not None:
        method["step_size"] = step_size
    if parameters is not None:
        method["parameters"] = parameters
    return {
        "problem": {
            "network": {"kind": "linear", "widths": widths},
            "loss": {"kind": "square", "target": target, "normalisation": "half"},
            "start": start or {"scheme": "identity"},
        },
        "dynamics": method,
        "backend": backend or BALL,
        "without": without or [],
    }


def symmetric(depth: int, eigenvalues: list[str], rotate: int | None = None, **options: Any) -> dict[str, Any]:
    """Return a run on a symmetric target, all layers of its size."""
    return experiment([len(eigenvalues)] * (depth + 1), spectrum(eigenvalues, rotate), **options)


def averaged(specification: dict[str, Any], normalisation: str = "mean") -> dict[str, Any]:
    """Return a run of width at least two with another factor of the loss, the hypothesis on it dropped."""
    problem = specification["problem"]
    loss = {**problem["loss"], "normalisation": normalisation}
    return {
        **specification,
        "problem": {**problem, "loss": loss},
        "without": [*specification["without"], "setting"],
    }


def family(specification: dict[str, Any], name: str, values: list[Any]) -> dict[str, Any]:
    """Return a sweep over the steps, the level of the loss, the depth, or what stands as {name} in a run, as data."""
    dynamics, problem = specification["dynamics"], specification["problem"]
    varied: dict[str, Any] = {"grid": {name: values}}
    if name in ("steps", "until_loss"):
        varied["dynamics"] = {**dynamics, "stop": {name: f"{{{name}}}"}}
    if name == "depth":
        short = {"depth": "{depth}", "target": problem["loss"]["target"], "start": problem["start"]}
        varied["problem"] = short
    return {**specification, **varied}
