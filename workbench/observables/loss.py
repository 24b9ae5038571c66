"""The loss c ||F(X) - Y||_F^2."""

from __future__ import annotations

from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the loss."""
    return snapshot.backend.measure(snapshot.network.loss(snapshot.parameters))
