"""The a-posteriori bound along a path in fixed point, in floats that are rounded up: `_error_bounds` has the lemma."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from workbench.dynamics._fixed_point_bounds import Region, RegionBounds

# Covers the roundings of one step's few float operations.
UP = 1 + 1e-14


class Error:
    """||x_k - y_k|| <= bound u, in the norm of the rule.

    Parameters
    ----------
    bounds : RegionBounds
    unit : float
        At least u.
    start : float
        Of the initial weights, in units.
    """

    def __init__(self, bounds: RegionBounds, unit: float, start: float) -> None:
        self._bounds, self._unit, self._dip = bounds, unit, bounds.rule.dip
        self._spread = bounds.rule.spread * UP
        self.bound = start
        self._moved, self._stride = math.inf, 0.0
        self.region: Region = Region(-1.0, *[math.inf] * 7)

    @property
    def weights(self) -> float:
        """Return the bound of the weights' error, in units."""
        return self._spread * self.bound

    def look(self, shadow: Callable[[], list[np.ndarray]], norm: float) -> float:
        """Return a bound of the residual's error, in units, at a residual of this norm.

        The ball of the error must lie in the region, which is moved to the weights where it does not.
        """
        weights = self._spread * self.bound
        error = weights * self._unit
        if not self._moved + error <= self.region.reach and math.isfinite(error):
            self.region, self._moved = self._bounds.around(shadow(), error, norm, self._stride), 0.0
        return (self.region.residual + self.region.slope * weights) * UP

    def advance(self, norm: float, residual: float, stride: float) -> None:
        """Carry the bound through a step from a residual of this norm, whose error `look` has bounded.

        The stride bounds the norm of the step.
        """
        region = self.region
        dip = region.growth_slope * (norm + residual * self._unit)
        rate = region.growth + self._dip(region.twist if region.twist < dip else dip, region.dip)
        bound = (rate * self.bound + (region.rounding + region.rounding_slope * norm)) * UP
        self.bound = bound if bound == bound else math.inf
        self._stride, self._moved = stride, (self._moved + stride) * UP
