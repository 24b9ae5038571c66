"""The figure of a probe, from the panels and series that its record keeps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import InputError
from workbench.store import Record

# Okabe and Ito's colours, as in the other figures; distinguishable by the colour blind, and in this order by lightness.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "red": "#A1203A",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#C8A000",
    "grey": "#6E6E6E",
    "black": "#1B1B1B",
}
_CYCLE = ("blue", "orange", "green", "red", "sky", "purple", "yellow", "black")

_STYLES: Mapping[str, dict[str, Any]] = {
    "line": {},
    "dashed": {"linestyle": (0, (5, 2))},
    "dotted": {"linestyle": (0, (1, 1.6))},
    "points": {"linestyle": "none", "marker": "o", "markersize": 3.5},
    "joined": {"marker": "o", "markersize": 3.0, "linewidth": 0.9},
    "dots": {"linestyle": "none", "marker": ".", "markersize": 0.6, "rasterized": True},
}
_WIDTH = 5.6


def draw(canvas: Any, record: Record) -> None:
    """Draw the figure of a probe onto a canvas."""
    figure = record.payload["figure"]
    if figure is None:
        raise InputError(f"the probe {record.name} ({record.verdict}) has no figure to draw")
    panels, across = figure["panels"], figure["across"]
    down = -(-len(panels) // across)
    canvas.set_size_inches(_WIDTH, figure["height"] * down)
    share = "col" if figure["shared"] else False
    axes = canvas.subplots(down, across, squeeze=False, sharex=share)
    for place, axis in enumerate(axes.flat):
        if place >= len(panels):
            axis.set_visible(False)
            continue
        _panel(axis, panels[place])
        if figure["shared"] and place + across < len(panels):
            axis.set_xlabel("")


def _panel(axis: Any, panel: Mapping[str, Any]) -> None:
    for name, told in (("x", panel["x"]), ("y", panel["y"])):
        getattr(axis, f"set_{name}scale")(told["scale"])
        getattr(axis, f"set_{name}label")(told["label"])
    if panel["density"] is not None:
        _density(axis, panel["density"])
    colours = itertools.cycle(_CYCLE)
    for series in panel["series"]:
        _series(axis, series, COLOURS[series["colour"] or next(colours)])
    for mark in panel["marks"]:
        _mark(axis, mark)
    for name in ("x", "y"):
        low, high = panel[name]["low"], panel[name]["high"]
        if low is not None or high is not None:
            getattr(axis, f"set_{name}lim")(low, high)
        if panel[name]["ticks"]:
            getattr(axis, f"set_{name}ticks")(range(len(panel[name]["ticks"])), panel[name]["ticks"])
    if panel["title"]:
        axis.set_title(panel["title"], fontsize=9)
    if any(series["label"] for series in panel["series"]):
        axis.legend(loc=panel["legend"], handlelength=1.8)


def _series(axis: Any, series: Mapping[str, Any], colour: str) -> None:
    x, y = _gaps(series["x"]), _gaps(series["y"])
    axis.plot(x, y, color=colour, label=series["label"] or None, **_STYLES[series["style"]])
    if series["low"]:
        axis.fill_between(x, _gaps(series["low"]), _gaps(series["high"]), color=colour, alpha=0.15, linewidth=0)


def _gaps(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _density(axis: Any, density: Mapping[str, Any]) -> None:
    """Draw counts as shades of ink: the square root makes thin branches visible beside dense ones."""
    rows = [[math.sqrt(count) if count else math.nan for count in row] for row in density["rows"]]
    axis.imshow(
        rows,
        origin="lower",
        extent=density["extent"],
        aspect="auto",
        cmap="Blues",
        vmin=-0.6 * max((x for row in rows for x in row if not math.isnan(x)), default=1.0),
        interpolation="none",
    )


def _mark(axis: Any, mark: Mapping[str, Any]) -> None:
    """Draw a thin line across the panel, with its words along it, clear of the frame."""
    style = {"color": COLOURS["grey"], "linewidth": 0.7, "linestyle": (0, (4, 2)), "zorder": 0.5}
    words = {"fontsize": 7.5, "color": COLOURS["grey"]}
    if mark["axis"] == "x":
        axis.axvline(mark["value"], **style)
        place = axis.get_xaxis_transform()
        axis.text(mark["value"], 1.01, mark["label"], transform=place, ha="center", va="bottom", **words)
    else:
        axis.axhline(mark["value"], **style)
        place = axis.get_yaxis_transform()
        axis.text(0.99, mark["value"], mark["label"], transform=place, ha="right", va="bottom", **words)


def describe(record: Record) -> str:
    """Return the figure of a probe in words, for readers who do not see it."""
    figure = record.payload["figure"]
    if figure is None:
        return "No figure."
    panels = figure["panels"]
    count = {1: "One panel.", 2: "Two panels."}.get(len(panels), f"{len(panels)} panels.")
    return " ".join([count, *(_told(panel) for panel in panels)])


def _told(panel: Mapping[str, Any]) -> str:
    named = f"{_plain(panel['y']['label'])} over {_plain(panel['x']['label'])}"
    parts = [f"{_plain(series['label']) or 'a line'} {_ends(series)}" for series in panel["series"]]
    if panel["density"] is not None:
        parts.insert(0, "a shaded density of orbits")
    return f"{named}: {'; '.join(parts)}."


def _ends(series: Mapping[str, Any]) -> str:
    pairs = [(x, y) for x, y in zip(series["x"], series["y"], strict=True) if x is not None and y is not None]
    if not pairs:
        return "with no finite point"
    (x0, y0), (x1, y1) = pairs[0], pairs[-1]
    return f"from {y0:.3g} at {x0:.3g} to {y1:.3g} at {x1:.3g}, {len(pairs)} points"


def _plain(text: str) -> str:
    return text.replace("$", "")
