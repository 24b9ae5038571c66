"""Specifications of small problems, for the examples of the theorems."""

from __future__ import annotations

from typing import Any

from workbench.theorems._statement import Example

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


def altered(example: Example, hypothesis: str, words: str, expect: str = "violated", **changes: Any) -> Example:
    """Return an example with other entries of its problem or dynamics, the hypothesis that they break dropped.

    Parameters
    ----------
    example : Example
    hypothesis, words : str
        What is dropped, and what was changed.
    changes : mapping
        `network`, `loss` and `dynamics` are taken entry by entry, `start` and `backend` as a whole.
    """
    run = example.experiment
    problem, dynamics = run["problem"], {**run["dynamics"], **changes.get("dynamics", {})}
    parts = {name: {**problem[name], **changes.get(name, {})} for name in ("network", "loss")}
    if "kind" in changes.get("network", {}):
        parts["network"] = changes["network"]
    return Example(
        f"{words}, the hypothesis dropped",
        expect,
        {
            **run,
            "problem": {**parts, "start": changes.get("start", problem["start"])},
            "dynamics": dynamics,
            "backend": changes.get("backend", run["backend"]),
            "without": [hypothesis],
        },
    )


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


def law_of_a_step(
    steps: int, own: dict[str, Any], other: dict[str, Any], words: str, hypothesis: str, in_floats: Example
) -> list[Example]:
    """Return the examples of a law of one step, and the dynamics that does not obey it as the control.

    Parameters
    ----------
    steps : int
    own, other : dict
        The dynamics of which it holds, and one of which it does not, as options of `experiment`.
    words : str
        The name of the other.
    hypothesis : str
        The one that the other fails.
    in_floats : Example
    """
    uniform = {"family": "uniform", "shape": [2, 2], "seed": 1}
    start = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}
    rectangular: dict[str, Any] = {"step_size": "1/10", "start": start}
    apart = {**rectangular, **other, "stop": {"steps": 10}}
    rows, exact = {"rows": [["1", "1/2"], ["0", "2"]]}, {"name": "exact"}
    return [
        Example(
            "rectangular layers, enclosed",
            "consistent",
            experiment([2, 3, 2], uniform, stop={"steps": steps}, **rectangular, **own),
        ),
        Example(
            "in exact rationals",
            "consistent",
            experiment([2, 2, 2], rows, step_size="1/8", stop={"steps": 4}, backend=exact, **own),
        ),
        in_floats,
        Example(words, "vacuous", experiment([2, 3, 2], uniform, **apart)),
        Example(
            f"{words}, the hypothesis dropped",
            "violated",
            experiment([2, 3, 2], uniform, without=[hypothesis], **apart),
        ),
    ]
