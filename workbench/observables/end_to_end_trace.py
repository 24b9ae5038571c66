"""Trace of the end-to-end matrix; for layers that are numbers, their product."""

from __future__ import annotations

from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the trace; square end-to-end matrices only."""
    backend = snapshot.backend
    product = snapshot.network.end_to_end(snapshot.parameters)
    rows, columns = backend.shape(product)
    if rows != columns:
        raise UnsupportedError(f"a {rows} x {columns} end-to-end matrix has no trace")
    # tr W = 1^T (W o I) 1, in operations that carry the error.
    diagonal = backend.multiply(product, backend.identity(rows))
    ones = snapshot.constant([[1]] * rows)
    return backend.measure(backend.matmul(backend.transpose(ones), backend.matmul(diagonal, ones)))
