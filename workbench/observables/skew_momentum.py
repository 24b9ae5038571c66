"""Largest skew matrix of two neighbouring layers and the step before; zero at the start and for depth 1.

max_j ||X_j - X_j^T||_F with X_j = W_{j+1}(k)^T W_{j+1}(k-1) + W_j(k) W_j(k-1)^T.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest norm over the pairs of layers."""
    if snapshot.step_size is None:
        raise UnsupportedError("the skew matrix compares two steps of a descent; a flow has none")
    previous = snapshot.previous_layers
    if previous is None:
        return Measured(Fraction(0))
    backend = snapshot.backend
    pairs = zip(
        itertools.pairwise(snapshot.layers),
        itertools.pairwise(previous),
        strict=True,
    )
    norms = []
    for (lower, upper), (lower_before, upper_before) in pairs:
        inner = backend.matmul(backend.transpose(upper), upper_before)
        whole = backend.add(inner, backend.matmul(lower, backend.transpose(lower_before)))
        norms.append(frobenius_norm(backend, snapshot.reals, backend.subtract(whole, backend.transpose(whole))))
    return Measured.largest(norms)
