"""The figure of a probe as data: panels, series, marks; the report layer draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Axis:
    """An axis of a figure: its words, `linear` or `log`, its ends where they are not those of the data.

    `ticks` are words for the values 0, 1, 2, ... of an axis without numbers.
    """

    label: str
    scale: str = "linear"
    low: float | None = None
    high: float | None = None
    ticks: Sequence[str] = ()


@dataclass(frozen=True)
class Series:
    """A line, points or dots of a figure.

    Parameters
    ----------
    label : str
        Words of the legend; empty leaves it out.
    x, y : sequence of float
        A value that is not finite leaves a gap.
    style : {"line", "dashed", "dotted", "points", "joined", "dots"}
        `points` are marked, `joined` marked and joined, `dots` tiny and many.
    low, high : sequence of float
        A band around the line.
    colour : str
        Name of a colour of the reports (blue, orange, green, red, grey); empty takes the next.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    colour: str = ""


@dataclass(frozen=True)
class Density:
    """Counts on a grid, drawn as shades: `rows` from below, each from the left, over `extent` = x0, x1, y0, y1."""

    rows: Sequence[Sequence[int]]
    extent: tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A thin line across a panel at a value of the axis `x` or `y`, with words."""

    axis: str
    value: float
    label: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes of a figure."""

    x: Axis
    y: Axis
    series: Sequence[Series] = ()
    marks: Sequence[Mark] = ()
    density: Density | None = None
    title: str = ""
    legend: str = "best"


@dataclass(frozen=True)
class Figure:
    """Panels, `across` of them side by side, each `height` inches; the columns share their x axis if `shared`."""

    panels: Sequence[Panel]
    caption: str = ""
    across: int = 1
    height: float = 2.6
    shared: bool = False

    def data(self) -> dict[str, Any]:
        """Return the figure as JSON, what is not finite as null."""
        found: dict[str, Any] = _finite(asdict(self))
        return found


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
