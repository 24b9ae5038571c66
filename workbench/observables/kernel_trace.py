"""Trace of the neural tangent kernel P = sum_j (A_j A_j^T) x (X^T B_j^T B_j X) of a linear network.

A_j is the product of the layers above layer j and B_j of those below: the trace is sum_j ||A_j||_F^2 ||B_j X||_F^2.
"""

from __future__ import annotations

from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork


def measure(snapshot: Snapshot) -> Measured:
    """Return the trace; linear networks only."""
    backend, problem, layers = snapshot.backend, snapshot.network.problem, snapshot.layers
    if not isinstance(problem.network, LinearNetwork):
        raise UnsupportedError("the kernel is computed for linear networks only")
    inputs = problem.loss.inputs
    below = [backend.identity(problem.network.widths[0]) if inputs is None else snapshot.constant(inputs.rows)]
    for layer in layers[:-1]:
        below.append(backend.matmul(layer, below[-1]))
    above, total = backend.identity(problem.network.widths[-1]), backend.number(0 * problem.loss.factor)
    for layer, lower in zip(reversed(layers), reversed(below), strict=True):
        part = backend.multiply(backend.frobenius_squared(above), backend.frobenius_squared(lower))
        total, above = backend.add(total, part), backend.matmul(above, layer)
    return backend.measure(total)
