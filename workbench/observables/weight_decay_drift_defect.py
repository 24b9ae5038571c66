"""Departure of one step from the exact law of the imbalance under weight decay.

max_j ||D_j(k+1) - (1 - eta lambda)^2 D_j(k) - eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T)||_F with the gradients of the loss
at step k and the decay lambda of the dynamics (0 where it has none); zero at the start.
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
        raise UnsupportedError("the decay law of the imbalance is about one step of descent, not about a flow")
    before_step = snapshot.previous_layers
    if snapshot.previous is None or before_step is None:
        return Measured(Fraction(0))
    backend, eta = snapshot.backend, snapshot.step_size
    gradients = snapshot.network.loss_and_gradients(snapshot.previous)[1]
    kept = (1 - eta * snapshot.settings.get("decay", Fraction(0))) ** 2
    departures = []
    for new, old, drift in zip(
        snapshot.imbalances(snapshot.layers),
        snapshot.imbalances(before_step),
        snapshot.imbalances(snapshot.network.layers(gradients)),
        strict=True,
    ):
        predicted = backend.add(backend.scale(kept, old), backend.scale(eta**2, drift))
        departures.append(backend.subtract(new, predicted))
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in departures)
