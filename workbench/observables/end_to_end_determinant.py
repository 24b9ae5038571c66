"""Determinant of the end-to-end matrix, from its entries with their errors."""

from __future__ import annotations

from workbench.backends.reals import Real
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot

# The expansion along columns has d! terms.
_LARGEST = 6


def measure(snapshot: Snapshot) -> Measured:
    """Return the determinant; square end-to-end matrices of a moderate size only."""
    backend, reals = snapshot.backend, snapshot.reals
    product = snapshot.network.end_to_end(snapshot.parameters)
    rows, columns = backend.shape(product)
    if rows != columns or rows > _LARGEST:
        raise UnsupportedError(
            f"the determinant of a {rows} x {columns} matrix; it takes a square one up to {_LARGEST}"
        )
    return reals.measured(_expanded([[reals.number(x) for x in row] for row in backend.entries(product)]))


def _expanded(rows: list[list[Real]]) -> Real:
    """Return the determinant by expansion along the first row: no division, so no pivot to fail."""
    if len(rows) == 1:
        return rows[0][0]
    minors = [[row[:k] + row[k + 1 :] for row in rows[1:]] for k in range(len(rows))]
    total = rows[0][0] * _expanded(minors[0])
    for k in range(1, len(rows)):
        total = total + (-1) ** k * (rows[0][k] * _expanded(minors[k]))
    return total
