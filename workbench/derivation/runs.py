"""Specifications that the checks and controls of derivations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def linear_run(
    theorem: str, widths: Sequence[int], dynamics: Mapping[str, Any], backend: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a run of a deep linear network from a Gaussian start towards the Hilbert matrix of its shape.

    Parameters
    ----------
    theorem : str
    widths : sequence of int
        d_0 ... d_L; the target has the shape (d_L, d_0).
    dynamics, backend : mapping
        As in a specification.
    """
    target = [[f"1/{1 + r + c}" for c in range(widths[0])] for r in range(widths[-1])]
    return {
        "theorem": theorem,
        "problem": {
            "network": {"kind": "linear", "widths": list(widths)},
            "loss": {"kind": "square", "target": {"rows": target}, "normalisation": "half"},
            "start": {"scheme": "gaussian", "seed": 1, "scale": "1/2"},
        },
        "dynamics": dict(dynamics),
        "backend": dict(backend),
    }


def conserved_run(widths: Sequence[int], backend: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flow, which must conserve the imbalances."""
    return linear_run("balancedness", widths, {"name": "gradient_flow", "stop": {"time": "1"}}, backend)


def drifting_run(widths: Sequence[int], backend: Mapping[str, Any]) -> dict[str, Any]:
    """Return descent with a large step in place of the flow, which must not conserve them."""
    descent = {"name": "gradient_descent", "step_size": "1/32", "stop": {"steps": 40}}
    return {**linear_run("balancedness", widths, descent, backend), "without": ["gradient_flow"]}
