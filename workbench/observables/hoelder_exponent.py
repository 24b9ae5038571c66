r"""Hoelder exponent of the rescaled weights in depth, as the slope of their structure function.

S(l)^2 is the mean over k of ||B_{k+l} - B_k||_F^2, B_k = delta L A_k, and the exponent is the least-squares slope of
ln S(l) in ln l over the lags l = 1, 2, 4, ... up to a sixteenth of the depth: 1/2 for Brownian motion, 1 for a
Lipschitz path (from below, as its lags grow small against its depth), 0 for independent layers. What is enclosed is
this number, not the exponent of a limit: `workbench.roughness.hoelder_exponent` gives the band that the draw of the
path leaves it. Depth 32 or more.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._depth import rescaled, squared_distance, total
from workbench.observables._snapshot import Snapshot

# Two lags at least.
_SHALLOWEST = 32
_SHARE = 16


def measure(snapshot: Snapshot) -> Measured:
    """Return the slope; unknown where the path stands still over a lag."""
    points, reals = rescaled(snapshot), snapshot.reals
    if len(points) < _SHALLOWEST:
        raise UnsupportedError(f"an exponent is fitted from depth {_SHALLOWEST} on, not {len(points)}")
    count = (len(points) // _SHARE).bit_length()
    slope = reals.number(0)
    spread = sum((_place(j, count) ** 2 for j in range(count)), Fraction(0))
    for j in range(count):
        pairs = zip(points, points[2**j :], strict=False)
        square = total(squared_distance(snapshot, a, b) for a, b in pairs)
        bounds = square.bounds()
        if bounds is None or bounds[0] <= 0:
            return UNKNOWN
        mean = reals.number(square) / (len(points) - 2**j)
        slope = slope + reals.log(mean) * (_place(j, count) / (2 * spread))
    return reals.measured(slope / reals.log(reals.number(2)))


def _place(j: int, count: int) -> Fraction:
    """Return the lag's logarithm in base two, from the mean of all."""
    return j - Fraction(count - 1, 2)
