"""Sharpness: the largest eigenvalue of the loss's Hessian, enclosed within the error that the weights carry."""

from __future__ import annotations

from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import symmetric_eigenvalues
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.networks.hessian import linear_hessian
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork

# The Hessian is dense, and its eigenvectors take the cube of its size.
_MOST_WEIGHTS = 200


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest eigenvalue; linear networks of up to 200 weights."""
    problem = snapshot.network.problem
    count = sum(rows * columns for rows, columns in problem.network.shapes)
    if not isinstance(problem.network, LinearNetwork) or count > _MOST_WEIGHTS:
        raise UnsupportedError(
            f"the sharpness is computed for linear networks of up to {_MOST_WEIGHTS} weights, not for {count} weights "
            f"of a {type(problem.network).__name__}"
        )
    layers = [snapshot.backend.entries(layer) for layer in snapshot.layers]
    if not all(entry.finite for layer in layers for row in layer for entry in row):
        return Measured(None, None)
    matrices = [flint().arb_mat([[arb(entry) for entry in row] for row in layer]) for layer in layers]
    return measured(symmetric_eigenvalues(linear_hessian(problem, matrices))[-1])
