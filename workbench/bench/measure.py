"""One measurement: medians of interleaved runs, so that a busy machine slows both sides alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

Task = Callable[[], object]


@dataclass(frozen=True)
class Measurement:
    """What a task took, beside a peer's time or a limit.

    Parameters
    ----------
    name : str
    seconds : float
        Median.
    runs : int
    peer : str
        What it is measured against; empty for a limit in seconds.
    peer_seconds : float or None
        Median of the peer on the same task in the same run.
    floor : float or None
        The ratio promised.
    limit : float or None
        The seconds promised.
    unit : str
        Of both figures: seconds, unless they are something else.
    """

    name: str
    seconds: float
    runs: int
    peer: str = ""
    peer_seconds: float | None = None
    floor: float | None = None
    limit: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return None if self.peer_seconds is None else self.peer_seconds / self.seconds

    @property
    def met(self) -> bool:
        """Whether the floor and the limit are kept."""
        fast = self.limit is None or self.seconds <= self.limit
        return fast and (self.floor is None or (self.ratio is not None and self.ratio >= self.floor))

    @property
    def document(self) -> dict[str, Any]:
        """The measurement as JSON data."""
        fields = ("name", "seconds", "runs", "peer", "peer_seconds", "ratio", "floor", "limit", "unit", "met")
        return {field: getattr(self, field) for field in fields}


def against(name: str, task: Task, peer: str, other: Task, floor: float, runs: int, peer_runs: int) -> Measurement:
    """Measure a task and a peer on the same task, in turns."""
    own: list[float] = []
    theirs: list[float] = []
    for turn in range(max(runs, peer_runs)):
        if turn < runs:
            own.append(seconds(task))
        if turn < peer_runs:
            theirs.append(seconds(other))
    return Measurement(name, median(own), runs, peer, median(theirs), floor=floor)


def within(name: str, task: Task, limit: float, runs: int) -> Measurement:
    """Measure a task that promises a time."""
    return Measurement(name, median(seconds(task) for _ in range(runs)), runs, limit=limit)


def seconds(task: Task) -> float:
    """Return the wall-clock seconds that a task takes."""
    start = perf_counter()
    task()
    return perf_counter() - start
