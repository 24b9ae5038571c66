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


def near_identity_run(depth: int) -> dict[str, Any]:
    """Return a descent near the identity, which keeps the lower bound of the squared gradient."""
    # One layer has equality everywhere, which no arithmetic with errors can tell from a violation.
    return _sheared_run(max(2, depth), {"scheme": "identity", "scale": "3/4"})


def far_from_identity_run(depth: int) -> dict[str, Any]:
    """Return a descent far from the identity; one layer keeps the bound anywhere, so its layers are made two more."""
    small = [["1/10", "0"], ["0", "1/10"]]
    layers = [[["4", "0"], ["0", "4"]], *[small] * max(2, depth - 1)]
    run = _sheared_run(len(layers), {"scheme": "given", "weights": layers})
    return {**run, "without": ["near_identity"]}


def _sheared_run(depth: int, start: dict[str, Any]) -> dict[str, Any]:
    """Return a descent of 2 x 2 layers towards a sheared identity."""
    return {
        "theorem": "gradient_bound",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1", "1/4"], ["0", "1"]]}, "normalisation": "half"},
            "start": start,
        },
        "dynamics": {"name": "gradient_descent", "step_size": "1/64", "stop": {"steps": 20}},
        "backend": {"name": "ball", "digits": 30},
    }


def residual_descent(depth: int, far: bool = False) -> dict[str, Any]:
    """Return a certified descent of two samples with tanh near zero weights, or the control towards a far label."""
    network = {"kind": "residual", "width": 2, "depth": depth, "activation": "tanh"}
    return {
        "theorem": "residual_descent_convergence",
        "problem": {
            "network": {**network, "branch_scale": f"power({depth},-1/2)"},
            "loss": {
                "kind": "square",
                "inputs": {"rows": [["1", "3/5"], ["0", "4/5"]]},
                "target": {"rows": [["2" if far else "1001/1000", "3/5"], ["0", "4/5"]]},
                "normalisation": "mean",
            },
            "start": {"scheme": "identity"},
        },
        "dynamics": {"name": "gradient_descent", "step_size": "largest", "stop": {"steps": 8}},
        "backend": {"name": "ball", "digits": 30},
        "without": ["initial_loss"] if far else [],
    }
