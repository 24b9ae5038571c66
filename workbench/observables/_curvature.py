"""The spectrum of the loss's Hessian in balls."""

from __future__ import annotations

from typing import Any

from workbench.backends.ball_algebra import symmetric_eigenvalues
from workbench.errors import UnsupportedError
from workbench.networks.hessian import linear_hessian
from workbench.observables._balls import finite_layers
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork

# The Hessian is dense, and its eigenvectors take the cube of its size.
_MOST_WEIGHTS = 200


def hessian_eigenvalues(snapshot: Snapshot) -> list[Any] | None:
    """Return the eigenvalues, ascending, None where the weights are not finite."""
    problem = snapshot.network.problem
    count = sum(rows * columns for rows, columns in problem.network.shapes)
    if not isinstance(problem.network, LinearNetwork) or count > _MOST_WEIGHTS:
        raise UnsupportedError(
            f"the Hessian's spectrum is computed for linear networks of up to {_MOST_WEIGHTS} weights, not for {count} "
            f"weights of a {type(problem.network).__name__}"
        )
    layers = finite_layers(snapshot)
    return None if layers is None else symmetric_eigenvalues(linear_hessian(problem, layers))
