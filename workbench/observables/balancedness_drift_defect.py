"""Departure of one step from the exact drift law of the imbalance.

max_j ||D_j(k+1) - D_j(k) - eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T)||_F with the gradients at step k; zero at the start.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest departure over the pairs of layers."""
    if snapshot.step_size is None:
        raise UnsupportedError("the drift law of the imbalance is about one step of descent, not about a flow")
    before_step = snapshot.previous_layers
    if snapshot.previous is None or before_step is None:
        return Measured(Fraction(0))
    backend = snapshot.backend
    gradients = snapshot.network.loss_and_gradients(snapshot.previous)[1]
    # The law's right side is the imbalance of the gradients with the same orientation.
    drifts = snapshot.imbalances(snapshot.network.layers(gradients))
    before, after = snapshot.imbalances(before_step), snapshot.imbalances(snapshot.layers)
    square = snapshot.step_size**2
    departures = [
        backend.subtract(backend.subtract(new, old), backend.scale(square, drift))
        for new, old, drift in zip(after, before, drifts, strict=True)
    ]
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in departures)
