"""Departure of one step from the exact law of a chain of numbers; zero at the start and for depth 1.

max_{i<j} |w_i'^2 - w_j'^2 - (w_i^2 - w_j^2) (1 - eta^2 r^2 prod_{k != i, j} w_k^2)|, r = W - Phi one step before.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from workbench.backends import Array
from workbench.backends.norms import frobenius_norm
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the largest departure over the pairs of layers."""
    backend = snapshot.backend
    if snapshot.step_size is None or any(backend.shape(layer) != (1, 1) for layer in snapshot.layers):
        raise UnsupportedError("this law is about one step of descent on layers that are numbers: widths 1,1,...,1")
    previous = snapshot.previous_layers
    if snapshot.previous is None or previous is None:
        return Measured(Fraction(0))
    before, after = ([backend.multiply(w, w) for w in layers] for layers in (previous, snapshot.layers))
    target = snapshot.constant(snapshot.network.problem.loss.target.rows)
    residual = backend.subtract(snapshot.network.end_to_end(snapshot.previous), target)
    pull = backend.scale(snapshot.step_size**2, backend.multiply(residual, residual))
    departures = []
    for i, j in combinations(range(len(before)), 2):
        factor = backend.subtract(backend.identity(1), _times_others(snapshot, pull, before, (i, j)))
        predicted = backend.multiply(backend.subtract(before[i], before[j]), factor)
        departures.append(backend.subtract(backend.subtract(after[i], after[j]), predicted))
    return Measured.largest(frobenius_norm(backend, snapshot.reals, part) for part in departures)


def _times_others(snapshot: Snapshot, start: Array, squares: list[Array], left_out: tuple[int, int]) -> Array:
    product = start
    for k, square in enumerate(squares):
        if k not in left_out:
            product = snapshot.backend.multiply(product, square)
    return product
