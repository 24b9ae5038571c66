"""Largest eigenvalue of the tangent kernel X -> sum_j A_j A_j^T X B_j^T B_j of a linear network."""

from __future__ import annotations

from workbench.backends.ball import measured
from workbench.exact import UNKNOWN, Measured
from workbench.observables._kernel import kernel_eigenvalues
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest eigenvalue, enclosed within the error that the weights carry."""
    values = kernel_eigenvalues(snapshot)
    return UNKNOWN if values is None else measured(values[-1])
