"""A figure over depth, width and condition number: one panel a width, a cell a run, grey where it was left blank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import InputError
from workbench.store import Record

_PANELS_A_ROW = 3


def draw(canvas: Any, records: Sequence[Record], figure: Mapping[str, Any]) -> None:
    """Draw the map of one figure of the payload, named by `of`, onto a canvas."""
    from matplotlib.colors import Normalize

    cells = _cells(records, str(figure["of"]))
    depths, widths, conditions = (sorted({place[k] for place in cells}) for k in range(3))
    down = -(-len(widths) // _PANELS_A_ROW)
    across = min(len(widths), _PANELS_A_ROW)
    canvas.set_size_inches(5.6, 0.5 + 1.65 * down)
    panels = canvas.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    known = [value for value in cells.values() if value is not None]
    scale = Normalize(min(known, default=0.0), max(known, default=1.0))
    image = None
    for panel, width in zip(panels.flat, widths, strict=False):
        table = [[_or_nan(cells.get((depth, width, k))) for depth in depths] for k in conditions]
        panel.set_facecolor("#E6E6E6")
        image = panel.imshow(table, origin="lower", aspect="auto", norm=scale, cmap="viridis")
        panel.set_title(f"$d = {width}$", fontsize=9)
        panel.set_xticks(range(len(depths)), [str(depth) for depth in depths], fontsize=6)
        panel.set_yticks(range(len(conditions)), [f"{k:g}" for k in conditions], fontsize=6)
        panel.tick_params(length=0)
    for panel in panels.flat[len(widths) :]:
        panel.set_visible(False)
    for panel in panels[-1]:
        panel.set_xlabel("depth $L$")
    for row in panels:
        row[0].set_ylabel("condition number")
    canvas.colorbar(image, ax=panels.ravel().tolist(), label=str(figure.get("label", "")), shrink=0.9)


def describe(records: Sequence[Record], figure: Mapping[str, Any]) -> str:
    """Return the alternative text of a map."""
    cells = _cells(records, str(figure["of"]))
    known = {place: value for place, value in cells.items() if value is not None}
    sizes = [sorted({place[k] for place in cells}) for k in range(3)]
    ranges = ", ".join(f"{name} {values[0]:g} to {values[-1]:g}" for name, values in zip(_NAMES, sizes, strict=True))
    told = f"Map over {ranges}; {len(cells) - len(known)} of {len(cells)} cells are blank."
    if not known:
        return told
    low, high = (choose(known, key=lambda place: known[place]) for choose in (min, max))
    return f"{told} {figure.get('label', figure['of'])}: from {_at(low, known)} to {_at(high, known)}."


_NAMES = ("depth", "width", "condition number")


def _at(place: tuple[float, float, float], values: Mapping[tuple[float, float, float], float]) -> str:
    where = ", ".join(f"{name} {value:g}" for name, value in zip(_NAMES, place, strict=True))
    return f"{values[place]:.3g} at {where}"


def _cells(records: Sequence[Record], of: str) -> dict[tuple[Any, Any, float], float | None]:
    """Return a figure of every run by depth, width and condition number."""
    found: dict[tuple[Any, Any, float], float | None] = {}
    for record in records:
        payload = record.payload
        if "condition" not in payload:
            raise InputError(f"a map is drawn over condition numbers, which the run {record.id[:8]} has none of")
        value: Any = payload.get(of)
        if value is None and record.verdict != "blank":
            raise InputError(f"the run {record.id[:8]} has no {of!r} to draw a map of")
        found[payload["depth"], payload["widths"][0], payload["condition"]] = None if value is None else float(value)
    return found


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
