"""Largest change since the start of an imbalance of residual blocks with their skips; zero for depth 1.

max_j ||D_j(t) - D_j(0)||_F, D_j = W_{j+1}^T W_{j+1} - W_j W_j^T with W_j = I + delta A_j.
"""

from __future__ import annotations

from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.networks import Parameters
from workbench.networks.residual import Residual
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest change over the pairs of blocks."""
    network = snapshot.network
    if not isinstance(network, Residual):
        raise UnsupportedError("only a residual network has blocks with skips; the layers' own is balancedness_change")
    backend = snapshot.backend

    def blocks(parameters: Parameters) -> Parameters:
        skip = backend.identity(network.problem.network.widths[0])
        return tuple(backend.add(skip, branch) for branch in network.scaled_layers(parameters))

    now, start = (snapshot.imbalances(blocks(part)) for part in (snapshot.parameters, snapshot.initial))
    changes = [backend.subtract(a, b) for a, b in zip(now, start, strict=True)]
    return Measured.largest(frobenius_norm(backend, snapshot.reals, change) for change in changes)
