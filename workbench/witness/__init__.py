"""A second witness of a certified run: the same dynamics in mpmath alone, at more digits.

The formulas are written here once more, from the definition, over `mpmath`; nothing of the networks, the backends or
the dynamics is used. Descents are iterated, flows expanded in Taylor series. What is compared is every recorded
weight, every recorded quantity that the weights alone tell, and the times of events; the result is the largest
disagreement in units of the radius that was claimed: at most 1 where the enclosure tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import Any

from workbench.exact import Measured
from workbench.experiment import Experiment
from workbench.problem import LinearNetwork
from workbench.trajectory import Event, Trajectory
from workbench.witness._descent import NAMES, Descent
from workbench.witness._flow import Flow
from workbench.witness._quantities import QUANTITIES, watched

# Decimal digits beyond the run's own working precision, and beyond the smallest radius that a flow claims.
_MORE_DIGITS, _MORE_FLOW_DIGITS = 30, 14

# A radius below this is that of a number which is zero, or known exactly: no flow is followed so far.
_SMALLEST = Fraction(1, 10**3000)

FLOW = "gradient_flow"
DYNAMICS = (*NAMES, FLOW)


@dataclass(frozen=True)
class Testimony:
    """What the witness found.

    Parameters
    ----------
    disagreement : float
        Largest distance between a printed number and the recomputed one, in units of the claimed radius.
    numbers : int
        How many were compared.
    digits : int
        Decimal digits of the recomputation.
    """

    disagreement: float
    numbers: int
    digits: int


def applies(experiment: Experiment) -> bool:
    """Say whether a run is a certified descent or flow, which the witness can recompute."""
    method, network = experiment.method, experiment.problem.network
    known = isinstance(network, LinearNetwork) or (network.plain and network.activation in ("identity", "tanh"))
    plain = known and (isinstance(network, LinearNetwork) or method.name in ("gradient_descent", FLOW))
    return plain and experiment.arithmetic.name == "ball" and method.name in DYNAMICS


def recompute(experiment: Experiment) -> Testimony:
    """Recompute a certified run in mpmath and return the largest disagreement."""
    return examine(experiment.trajectory(keep_weights=True))


def examine(trajectory: Trajectory) -> Testimony:
    """Recompute the recorded numbers of a trajectory that kept its weights."""
    flow = trajectory.method.name == FLOW
    digits = _flow_digits(trajectory) if flow else _working_digits(trajectory) + _MORE_DIGITS
    computed: Flow | Descent = Flow(trajectory, digits) if flow else Descent(trajectory, digits)
    judge = _Judge(computed.network, digits)
    moments = list(zip(trajectory.steps, trajectory.times, strict=True))
    ends = sorted({time for event in trajectory.events for time in (event.low, event.high) if time is not None})
    known: dict[Fraction, Any] = {}
    for place, step, time in _in_order(moments, ends):
        layers = computed.at(step, time)
        known[time] = layers if time in ends else None
        if place is None:
            continue
        kept = () if trajectory.weights is None else trajectory.weights[place]
        for claimed, value in zip(_entries(kept), (x for w in layers for x in w), strict=False):
            judge.compare(claimed, value)
        for name, series in trajectory.observables.items():
            if name in QUANTITIES:
                judge.compare(series[place], QUANTITIES[name](computed.network, layers))
    for event in trajectory.events:
        judge.compare_crossing(event, known)
    return Testimony(judge.worst, judge.numbers, digits)


def _in_order(moments: list[tuple[int, Fraction]], ends: list[Fraction]) -> Iterator[tuple[int | None, int, Fraction]]:
    """Yield records and ends of events in the order of time: the record's place, its step, the time."""
    items: list[tuple[int | None, int, Fraction]] = [(k, step, time) for k, (step, time) in enumerate(moments)]
    items += [(None, 0, time) for time in ends]
    return iter(sorted(items, key=lambda item: item[2]))


def _working_digits(trajectory: Trajectory) -> int:
    return int((trajectory.arithmetic.precision_bits or 53) * 0.30103)


def _flow_digits(trajectory: Trajectory) -> int:
    """Return digits enough to tell the smallest radius that was claimed."""
    # What is claimed of the start needs no flow, and its radii are those of a rounding.
    kept = (trajectory.weights or ())[1:]
    claimed = [x for layers in kept for x in _entries(layers)]
    claimed += [x for name, series in trajectory.observables.items() if name in QUANTITIES for x in series[1:]]
    widths = [e.high - e.low for e in trajectory.events if e.high is not None and e.low is not None]
    radii = [x.error for x in claimed if x.error is not None] + widths
    told = [radius for radius in radii if radius > _SMALLEST]
    smallest = min(told, default=Fraction(1, 10**20))
    return max(20, _tenths(smallest)) + _MORE_FLOW_DIGITS


def _tenths(radius: Fraction) -> int:
    """Return -log10 of a radius, at any magnitude."""
    return int((radius.denominator.bit_length() - radius.numerator.bit_length()) * log10(2)) + 1


def _entries(layers: Any) -> Iterator[Measured]:
    return (x for layer in layers for row in layer for x in row)


class _Judge:
    """The largest disagreement so far."""

    def __init__(self, network: Any, digits: int) -> None:
        self._network, self._mp, self._digits = network, network.mp, digits
        self.worst, self.numbers = 0.0, 0

    def compare(self, claimed: Measured, value: Any) -> None:
        """Take in the distance in units of the claimed radius; an unknown number claims nothing."""
        self.numbers += 1
        if claimed.value is None or claimed.error is None:
            return
        number = self._network.number
        distance = abs(number(claimed.value) - value)
        # The recomputation rounds too, far below any radius but that of a number that is known all but exactly.
        rounding = self._mp.mpf(10) ** (-self._digits + _MORE_FLOW_DIGITS // 2) * (1 + abs(value))
        radius = number(claimed.error)
        if radius <= rounding and distance <= rounding + radius:
            return
        self.worst = max(self.worst, float(distance / radius) if radius else float("inf"))

    def compare_crossing(self, event: Event, layers: dict[Fraction, Any]) -> None:
        """Take in where a line between both ends of an event crosses: outside of them where the signs agree."""
        if event.low is None or event.high is None:
            return
        values = [watched(event.watch, self._network, layers[time]) for time in (event.low, event.high)]
        fall = values[1] - values[0]
        self.numbers += 1
        # The middle is at 0, the ends at -1 and 1.
        self.worst = max(self.worst, float(abs(-2 * values[0] / fall - 1)) if fall else float("inf"))
