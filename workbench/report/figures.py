"""Figures of a report, as SVG that is the same bytes for the same records.

Quantities may lie beyond the floats, so logarithms are taken of decimals and the axes are linear in log10.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from workbench.errors import InputError
from workbench.report import charts, exponents, maps
from workbench.store import Record

# Okabe and Ito's colours, distinguishable by the colour blind.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#D55E00", "#009E73", "#A1203A", "#6E6E6E"

STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "workbench",
    "font.family": "serif",
    "font.serif": ["cmr10"],
    "axes.formatter.use_mathtext": True,
    "axes.unicode_minus": False,
    "mathtext.fontset": "cm",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
}
_WIDTH = 5.6


def draw(figure: Mapping[str, Any], records: Mapping[str, Record], groups: Mapping[str, list[str]]) -> bytes:
    """Return a figure as SVG.

    Parameters
    ----------
    figure : mapping
        Its entry in the report's plan.
    records : mapping of str to Record
    groups : mapping of str to list of str
        Keys of the runs in each group that the figure names.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        canvas = Figure()
        if figure["kind"] == "envelope":
            _envelope(canvas, records[figure["run"]], str(figure.get("of", "")))
        elif figure["kind"] == "steps":
            _steps(canvas, [(group, [records[k] for k in keys]) for group, keys in groups.items()], figure)
        elif figure["kind"] == "probe":
            charts.draw(canvas, records[figure["run"]])
        elif figure["kind"] == "map":
            maps.draw(canvas, [records[key] for keys in groups.values() for key in keys], figure)
        elif figure["kind"] == "depth":
            exponents.draw(canvas, records[figure["run"]], figure)
        elif figure["kind"] == "limit":
            exponents.draw_limits(canvas, [records[key] for keys in groups.values() for key in keys])
        else:
            _saddle(canvas, [records[key] for key in figure["runs"]])
        stream = io.BytesIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def log10(decimal: str | None) -> float:
    """Return the decimal logarithm of a decimal of any magnitude; NaN where there is none."""
    if decimal is None:
        return math.nan
    value = Decimal(decimal)
    return float(value.log10()) if value > 0 else math.nan


# A ratio below this is drawn with powers of ten on its axis.
_WIDE = math.log10(0.2)


def _power_labels(axis: Any, most: int = 6) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.yaxis.set_major_locator(MaxNLocator(most, integer=True))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _power_label(y)))


def _power_label(y: float) -> str:
    """Return ten to the power y; over less than a decade the ticks lie between the powers."""
    whole = math.floor(y + 1e-9)
    factor = 10 ** (y - whole)
    return f"$10^{{{whole}}}$" if abs(factor - 1) < 1e-6 else f"${factor:.2g} \\cdot 10^{{{whole}}}$"


def statement_of(record: Record, name: str) -> Mapping[str, Any]:
    """Return the named inequality of a record, or its first."""
    for statement in record.payload["statements"]:
        if statement["kind"] == "bound" and name in ("", statement["name"]):
            found: Mapping[str, Any] = statement
            return found
    raise InputError(f"the record of {record.name} ({record.verdict}) has no bound {name!r} to draw")


def _envelope(canvas: Any, record: Record, name: str) -> None:
    """Draw a quantity against its bound, and the ratio below; a bound is drawn only where it was judged."""
    if record.verdict == "vacuous":
        raise InputError(f"the run of {record.name} is vacuous: its bound does not apply and is not drawn")
    statement = statement_of(record, name)
    canvas.set_size_inches(_WIDTH, 3.0)
    upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=[2.4, 1])
    steps = statement["steps"]
    left, right = ([log10(x) for x in statement[side]] for side in ("lhs", "rhs"))
    bound = "bound" if statement["relation"] == "<=" else "floor"
    upper.plot(steps, right, color=ORANGE, linestyle=(0, (5, 2)), label=bound)
    upper.plot(steps, left, color=BLUE, label=statement["quantity"])
    level = next((s["level"] for s in record.payload["statements"] if s["kind"] == "count"), None)
    if level is not None:
        upper.axhline(log10(level), color=GREY, linewidth=0.7, linestyle=":")
    upper.set_ylabel(statement["quantity"])
    upper.legend(loc="best")
    _power_labels(upper)
    small, large = (left, right) if statement["relation"] == "<=" else (right, left)
    ratios = [a - b for a, b in zip(small, large, strict=True)]
    lower.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
    lower.plot(steps, ratios, color=GREEN)
    lower.set_ylabel("ratio")
    if min((r for r in ratios if not math.isnan(r)), default=0.0) < _WIDE:
        _power_labels(lower, 3)
    else:
        lower.set_yticks([math.log10(v) for v in (0.25, 0.5, 1)], ["0.25", "0.5", "1"])
    lower.set_xlabel("step")


def _condition(record: Record) -> float:
    values = [Decimal(1) * _fraction(v) for v in record.payload["target"]["eigenvalues"]]
    return float(max(values) / min(values))


def _fraction(text: str) -> Decimal:
    top, _, bottom = text.partition("/")
    return Decimal(top) / Decimal(bottom or "1")


_AXES: Mapping[str, tuple[str, Callable[[Record], float]]] = {
    "depth": ("depth $L$", lambda r: float(r.payload["depth"])),
    "width": ("width $d$", lambda r: float(r.payload["widths"][0])),
    "condition": ("condition number", _condition),
}


def _steps(canvas: Any, groups: Sequence[tuple[str, list[Record]]], figure: Mapping[str, Any]) -> None:
    """Draw the steps that were measured and those that the theorem allows, one panel a group."""
    overs = list(figure["over"])
    canvas.set_size_inches(_WIDTH, 2.2)
    # One scale of steps for all panels: what costs more is seen to cost more.
    panels = canvas.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    for panel, (_, records), over in zip(panels, groups, overs, strict=True):
        if over not in _AXES:
            raise InputError(f"a figure of steps is drawn over {over!r}; give one of {', '.join(_AXES)}")
        label, measure = _AXES[over]
        counts = [count_of(record) for record in records]
        x = [measure(record) for record in records]
        panel.plot(x, [c["allowed"] for c in counts], "o--", color=ORANGE, markersize=3.5, label="allowed")
        panel.plot(x, [c["measured"] for c in counts], "o-", color=BLUE, markersize=3.5, label="measured")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xlabel(label)
        panel.set_xticks(x, [f"{v:.3g}" for v in x])
        panel.minorticks_off()
    panels[0].set_ylabel("steps")
    panels[0].legend(loc="best")


def count_of(record: Record) -> Mapping[str, Any]:
    """Return the count of steps of a record that reached its level."""
    for statement in record.payload["statements"]:
        if statement["kind"] == "count" and statement["measured"] is not None:
            found: Mapping[str, Any] = statement
            return found
    raise InputError(f"the run {record.id[:8]} of {record.name} ({record.verdict}) has no count of steps to draw")


def _saddle(canvas: Any, records: Sequence[Record]) -> None:
    """Draw the same problem in several arithmetics, with the errors as bands, above the floor of the statement."""
    canvas.set_size_inches(_WIDTH, 2.7)
    axis = canvas.subplots()
    colours = (BLUE, RED, GREEN, ORANGE)
    level = float(statement_of(records[0], "")["rhs"][0])
    top = 1.6 * level
    for record, colour in zip(records, colours, strict=False):
        backend, loss = record.payload["backend"], record.payload["loss"]
        name = f"{backend['name']}, {backend['digits']} digits" if backend["digits"] else backend["name"]
        kept = [k for k, step in enumerate(loss["steps"]) if step >= 1]
        values = [float(loss["values"][k]) for k in kept]
        steps = [loss["steps"][k] for k in kept]
        axis.plot(steps, values, color=colour, label=f"{name}: {record.verdict}")
        errors = [float(loss["errors"][k]) for k in kept]
        bands = [(v - e, v + e) for v, e in zip(values, errors, strict=True)]
        # Wider than the panel is wide enough: the errors grow beyond any axis.
        lower, upper = ([min(max(band[side], 0.0), 2 * top) for band in bands] for side in (0, 1))
        axis.fill_between(steps, lower, upper, color=colour, alpha=0.12, linewidth=0)
    axis.axhline(level, color=GREY, linestyle=(0, (5, 2)), linewidth=0.9, label="floor")
    axis.set_ylim(0, top)
    axis.set_xlabel("step")
    axis.set_ylabel("loss")
    axis.legend(loc="lower left")
