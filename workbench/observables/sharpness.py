"""Sharpness: the largest eigenvalue of the loss's Hessian, enclosed within the error that the weights carry."""

from __future__ import annotations

from workbench.backends.ball import measured
from workbench.exact import UNKNOWN, Measured
from workbench.observables._curvature import hessian_eigenvalues
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest eigenvalue; linear networks of up to 200 weights."""
    values = hessian_eigenvalues(snapshot)
    return UNKNOWN if values is None else measured(values[-1])
