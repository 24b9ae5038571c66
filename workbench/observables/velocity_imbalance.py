"""Trace of the imbalances of the last step V_i = W_i(k) - W_i(k-1), ||V_L||_F^2 - ||V_1||_F^2; zero at the start."""

from __future__ import annotations

from fractions import Fraction

from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the difference of the squared norms of the last and the first layer's step."""
    if snapshot.step_size is None:
        raise UnsupportedError("a flow makes no steps, so there is nothing to take the imbalance of")
    previous = snapshot.previous_layers
    if previous is None:
        return Measured(Fraction(0))
    backend = snapshot.backend
    last, first = (backend.frobenius_squared(backend.subtract(snapshot.layers[i], previous[i])) for i in (-1, 0))
    return backend.measure(backend.subtract(last, first))
