"""The layers of a residual network as a path in depth: the points delta L A_k, k = 0 ... L-1, and their distances.

The factor delta L is L^beta where delta = L^-alpha and alpha + beta = 1: rescaled weights that a limit may exist of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from workbench.backends import Array
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.networks import Parameters
from workbench.networks.residual import Residual
from workbench.observables._snapshot import Snapshot

Bounds = tuple[Fraction, Fraction]


def rescaled(snapshot: Snapshot) -> Parameters:
    """Return the points delta_k L A_k; residual networks only."""
    network = snapshot.network
    if not isinstance(network, Residual):
        raise UnsupportedError("only a residual network has a branch scale to rescale its weights by")
    backend, depth = snapshot.backend, Fraction(network.problem.depth)
    return tuple(backend.scale(depth, layer) for layer in network.scaled_layers(snapshot.parameters))


def squared_distance(snapshot: Snapshot, a: Array, b: Array) -> Measured:
    """Return ||a - b||_F^2 with its error."""
    backend = snapshot.backend
    return backend.measure(backend.frobenius_squared(backend.subtract(a, b)))


def root(snapshot: Snapshot, square: Measured) -> Measured:
    """Return the square root of a number that is not negative."""
    return snapshot.reals.measured(snapshot.reals.sqrt(snapshot.reals.number(square)))


def total(numbers: Iterable[Measured]) -> Measured:
    """Return the sum, with the sum of the errors."""
    found = Measured(Fraction(0))
    for number in numbers:
        if number.value is None or number.error is None or found.value is None or found.error is None:
            return Measured(None, None)
        found = Measured(found.value + number.value, found.error + number.error)
    return found


def heaviest_chain(weights: Sequence[Sequence[Fraction]]) -> Fraction:
    """Return max over 0 = i_0 < ... < i_m = n-1 of sum w(i_j, i_{j+1}), weights[k][j] = w(j, k) for j < k.

    The best chain to k ends with a step from some j < k after the best chain to j: n^2 / 2 additions, exact.
    """
    best = [Fraction(0)]
    for row in weights[1:]:
        best.append(max(before + step for before, step in zip(best, row, strict=True)))
    return best[-1]
