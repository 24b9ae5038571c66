"""Records what a run was asked to record, and holds it to its precision."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.ball import arb, flint
from workbench.backends.reals import Reals, reals
from workbench.dynamics._error_bounds import largest_error, radius_norm
from workbench.errors import WorkbenchError
from workbench.exact import Measured
from workbench.networks import Built, Parameters
from workbench.observables import Snapshot, load, measured

# Records kept of a run: past this many, every second is dropped and the stride doubles.
_MOST_RECORDS = 20_000


class PrecisionShort(WorkbenchError):
    """The working precision ran out at a step, before the run was done; so many bits are thought enough."""

    def __init__(self, step: int, bits: int = 0) -> None:
        super().__init__(f"the working precision ran out at step {step}")
        self.step, self.bits = step, bits


class Recorder:
    """Series of observables along a run.

    Parameters
    ----------
    network : Built
        Over a backend that carries errors.
    observes : tuple of str
    keep_weights : bool
    step_size : Fraction or None
    digits : int or None
        Decimal digits that every recorded weight must have, relative to the largest entry or to 1.
    settings : mapping of str to Fraction, optional
        The exact parameters of the dynamics.
    """

    def __init__(
        self,
        network: Built,
        observes: tuple[str, ...],
        keep_weights: bool,
        step_size: Fraction | None,
        digits: int | None,
        settings: Mapping[str, Fraction] | None = None,
    ) -> None:
        self.network = network
        self.steps: list[int] = []
        self.times: list[Fraction] = []
        self.series: dict[str, list[Measured]] = {name: [] for name in observes}
        self.unmeasured: dict[str, str] = {}
        self.weights: list[object] | None = [] if keep_weights else None
        self._measures = {name: load(name) for name in observes}
        self._step_size = step_size
        self._digits = digits
        self._settings = dict(settings or {})
        self._allowed: Any = None
        self._stride = 1
        self._reals: Reals = reals((network.backend.precision_bits or 53) + 64)

    def wants(self, step: int) -> bool:
        """Say whether this step is recorded."""
        return step % self._stride == 0

    def record(
        self, step: int, time: Fraction, parameters: Parameters, initial: Parameters, previous: Parameters | None
    ) -> None:
        """Measure every observable on weights that carry their errors."""
        self.hold_precision(parameters, step)
        self.append(step, time, self.measure(parameters, initial, previous), parameters)

    def measure(
        self,
        parameters: Parameters,
        initial: Parameters,
        previous: Parameters | None,
        known: Mapping[str, Measured] | None = None,
    ) -> dict[str, Measured]:
        """Return every observable on weights that carry their errors, but for those that are known already."""
        snapshot = Snapshot(self.network, parameters, initial, previous, self._step_size, self._reals, self._settings)
        found = dict(known or {})
        with self._reals.session():
            for name, measure in self._measures.items():
                if name not in found:
                    found[name] = measured(name, measure, snapshot, self.unmeasured)
        return {name: found[name] for name in self._measures}

    def append(
        self, step: int, time: Fraction, values: dict[str, Measured], parameters: Parameters | None = None
    ) -> None:
        """Keep what was measured at a step, and the weights where they are kept."""
        for name, value in values.items():
            self.series[name].append(value)
        self.steps.append(step)
        self.times.append(time)
        if self.weights is not None and parameters is not None:
            self.weights.append(tuple(self.network.backend.entries(layer) for layer in parameters))
        if len(self.steps) > _MOST_RECORDS:
            self._thin()

    def extend(self, steps: list[int], times: list[Fraction], values: Mapping[str, list[Measured]]) -> None:
        """Keep what was measured at some steps, ascending."""
        for name, taken in values.items():
            self.series[name] += taken
        self.steps += steps
        self.times += times
        if len(self.steps) > _MOST_RECORDS:
            self._thin()

    def _thin(self) -> None:
        """Keep every second record and the latest, which may be the last; the stride of the next ones doubles."""
        self._stride *= 2
        latest = self.steps[-1]
        keep = [i for i, step in enumerate(self.steps) if step % self._stride == 0 or step == latest]
        self.steps = [self.steps[i] for i in keep]
        self.times = [self.times[i] for i in keep]
        self.series = {name: [values[i] for i in keep] for name, values in self.series.items()}
        if self.weights is not None:
            self.weights = [self.weights[i] for i in keep]

    def hold_precision(self, parameters: Parameters, step: int) -> None:
        """Raise where a weight has fewer digits than were asked for."""
        if self._digits is None or self._surely_precise(parameters):
            return
        worst = largest_error(self.network.backend, parameters)
        size = max(1.0, *(float(np.abs(self.network.backend.shadow(p)).max()) for p in parameters))
        if not np.isfinite(size):
            return
        if worst is None or worst > Fraction(size) / Fraction(10) ** (self._digits or 0):
            raise PrecisionShort(step)

    def _surely_precise(self, parameters: Parameters) -> bool:
        """Say whether the norm of all errors is small beside 1: cheap, and enough nearly always."""
        backend = self.network.backend
        if backend.name != "ball" or self._digits is None:
            return False
        if self._allowed is None:
            self._allowed = arb(Fraction(1, 2 * 10**self._digits))
        return bool(radius_norm(flint(), parameters) <= self._allowed)
