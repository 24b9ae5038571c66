"""Where in a parameter a verdict or an outcome changes, each side certified by a run in balls.

Any option may hold an expression in x, such as `--step-size '{x}'` or `--target '[["{1-x}","0"],["0","1"]]'`. The
range is scanned from its lower end, and the first change is bisected; both sides are exact specifications.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.exact import Measured, decimal_text, rational
from workbench.probes._expressions import filled, mentions
from workbench.probes._outcomes import UNDECIDED as OPEN
from workbench.probes._outcomes import WORDS, Side, judged
from workbench.probes._problem import DYNAMICS, PROBLEM, compare_command, dynamics_of, problem_of
from workbench.probes.base import (
    FOUND,
    NO_CHANGE,
    UNDECIDED,
    Axis,
    Figure,
    Finding,
    Mark,
    Number,
    Option,
    Panel,
    Series,
    Table,
    TimeLimit,
    Witness,
    plain,
)

OPTIONS = (
    *PROBLEM,
    *DYNAMICS,
    Option("low", "Lower end of x", required=True),
    Option("high", "Upper end of x", required=True),
    Option("outcome", f"What may change: verdict, {', '.join(WORDS)}", default="verdict"),
    Option("theorem", "The theorem whose verdict it is"),
    Option("without", "Set a hypothesis aside by name; repeat for several", many=True, metavar="HYPOTHESIS"),
    Option("level", "The loss of the outcome reaches", default="1e-10"),
    Option("to", "Decimal digits of the boundary", int, default=6),
    Option("scan", "Runs that scan the range before the bisection", int, default=9),
    Option("digits", "Digits of the balls", int, default=40),
    Option("predicted", "What is expected of the boundary, to stand beside it"),
)
_TEMPLATES = ("target", "init", "step_size", "set")


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for; both ends are read once, so that a mistake shows now."""
    low, high = rational(given["low"], "the lower end"), rational(given["high"], "the upper end")
    if not low < high:
        raise InputError(f"the range is from {low} to {high}; the lower end comes first")
    texts = [t for name in _TEMPLATES for t in (given[name] if name == "set" else [given[name]]) if t is not None]
    if not any(mentions(text) for text in texts):
        raise InputError("no option holds an expression in x; write --step-size '{x}' or --target '[[\"{1-x}\"]]'")
    outcome = given["outcome"]
    if outcome not in ("verdict", *WORDS):
        raise UnknownNameError("outcome", outcome, ["verdict", *WORDS])
    if (outcome == "verdict") != (given["theorem"] is not None):
        raise InputError("a verdict is that of a theorem: give --theorem with the outcome verdict, and only then")
    if not 2 <= given["scan"] <= 10_000 or not 1 <= given["to"] <= 1000:
        raise InputError(
            f"scan is {given['scan']} and to is {given['to']}; give from 2 to 10000 runs, 1 to 1000 digits"
        )
    asked = {
        "template": {name: given[name] for name in ("depth", "widths", "dynamics", "steps", *_TEMPLATES)},
        "low": str(low),
        "high": str(high),
        "outcome": outcome,
        "theorem": given["theorem"],
        "without": sorted(given["without"]),
        "level": str(rational(given["level"], "the level")) if outcome == "reaches" else None,
        "to": given["to"],
        "scan": given["scan"],
        "digits": given["digits"],
        "predicted": None if given["predicted"] is None else str(rational(given["predicted"], "what is predicted")),
    }
    for end in (low, high):
        _specification(asked, end)
    return asked


def _specification(question: Mapping[str, Any], x: Fraction) -> dict[str, Any]:
    """Return the experiment at a value of the parameter."""
    told = dict(question["template"])
    for name in _TEMPLATES:
        value = told[name]
        told[name] = [filled(t, x) for t in value] if name == "set" else None if value is None else filled(value, x)
    if told["steps"] is None:
        raise InputError("a run needs an end: give --steps 200")
    found = {
        "problem": problem_of(told),
        "dynamics": dynamics_of(told),
        "backend": {"name": "ball", "digits": question["digits"]},
    }
    if question["theorem"] is None:
        return found
    return {**found, "theorem": question["theorem"], "without": question["without"]}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Scan the range, and bisect the first change."""
    low, high, count = Fraction(question["low"]), Fraction(question["high"]), question["scan"]
    grid = [low + (high - low) * k / (count - 1) for k in range(count)]
    sides: list[Side] = []
    for x in grid:
        if limit.over:
            break
        sides.append(_side(question, x))
    decided = [side for side in sides if side.word != OPEN]
    change = next((pair for pair in itertools.pairwise(decided) if pair[0].word != pair[1].word), None)
    if change is None:
        return _unchanged(question, sides, grid, limit)
    below, above, tried = _bisected(question, change, limit)
    return _finding(question, below, above, [*sides, *tried], limit)


def _side(question: Mapping[str, Any], x: Fraction) -> Side:
    specification = _specification(question, x)
    level = None if question["level"] is None else Fraction(question["level"])
    return Side(x, judged(question["outcome"], specification, level), specification)


def _bisected(
    question: Mapping[str, Any], change: tuple[Side, Side], limit: TimeLimit
) -> tuple[Side, Side, list[Side]]:
    """Return the two sides as near as was asked; where a run decides nothing, a quarter on either side is tried."""
    below, above = change
    tried: list[Side] = []
    width = Fraction(1, 10 ** question["to"]) * max(abs(below.x), abs(above.x))
    while above.x - below.x > width and not limit.over:
        for part in (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)):
            side = _side(question, _rounded(below.x, above.x, part))
            tried.append(side)
            if side.word in (below.word, above.word):
                break
        else:
            return below, above, tried
        below, above = (side, above) if side.word == below.word else (below, side)
    return below, above, tried


def _rounded(low: Fraction, high: Fraction, part: Fraction) -> Fraction:
    """Return a short decimal near a part of the way from one number to another: a witness is to be read."""
    middle, places = low + (high - low) * part, 0
    while Fraction(1, 10**places) > (high - low) / 16:
        places += 1
    return Fraction(round(middle * 10**places), 10**places)


def _asked(question: Mapping[str, Any]) -> str:
    template = question["template"]
    told = [f"{name} {t}" for name in _TEMPLATES for t in _texts(template[name]) if mentions(t)]
    dropped = f" without {', '.join(question['without'])}" if question["without"] else ""
    what = {
        "verdict": f"the verdict on `{question['theorem']}`{dropped}",
        "falls": f"the loss of {template['steps']} steps from falling to rising",
        "reaches": f"the loss of {template['steps']} steps from reaching {plain_of(question['level'] or '0')} to not",
        "diverges": "descent from staying bounded to diverging",
    }[question["outcome"]]
    ends = f"x = {plain_of(question['low'])} and x = {plain_of(question['high'])}"
    return f"Where between {ends} does {what} change, for `{'; '.join(told)}`?"


def plain_of(text: str) -> str:
    """Return a rational as a decimal where it has one of at most thirty places, else as it is."""
    value = Fraction(text)
    return plain(decimal_text(value, 40)) if (10**30 * value).denominator == 1 else text


def _texts(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _unchanged(question: Mapping[str, Any], sides: list[Side], grid: list[Fraction], limit: TimeLimit) -> Finding:
    words = sorted({side.word for side in sides})
    whole = len(sides) == len(grid) and OPEN not in words
    ends = "; ".join(f"at x = {plain_of(str(side.x))}: {side.word}" for side in (sides[:1] + sides[-1:]))
    return Finding(
        NO_CHANGE if whole and not limit.was_over else UNDECIDED,
        _asked(question),
        f"No change was found; {ends or 'no run ended in time'}.",
        searched=[f"{len(sides)} of {len(grid)} runs from end to end, evenly spaced"],
        not_found=["a change"],
        tables=[_table(sides)] if sides else [],
    )


def _table(sides: list[Side]) -> Table:
    rows = [[plain_of(str(side.x)), side.word] for side in sorted(sides, key=lambda s: s.x)]
    return Table("What the runs came to", ["x", "outcome"], rows[:40])


def _finding(question: Mapping[str, Any], below: Side, above: Side, tried: list[Side], limit: TimeLimit) -> Finding:
    place = Measured.between(below.x, above.x)
    near = above.x - below.x <= Fraction(1, 10 ** question["to"]) * max(abs(below.x), abs(above.x))
    predicted = None if question["predicted"] is None else Fraction(question["predicted"])
    number = Number("x at the change", place, "enclosure", predicted)
    open_runs = [side for side in tried if side.word == OPEN]
    return Finding(
        FOUND if near else UNDECIDED,
        _asked(question),
        f"{below.word.capitalize()} at x = {plain_of(str(below.x))}, {above.word} at x = {plain_of(str(above.x))}; "
        "both runs are certified.",
        {"x": number},
        _witness(question, below, above),
        searched=[f"{len(tried)} runs in balls; other changes between the points of the scan are not excluded"],
        not_found=[f"a decision at x = {plain_of(str(side.x))}" for side in open_runs[:6]],
        figure=_figure(tried, place),
    )


def _witness(question: Mapping[str, Any], below: Side, above: Side) -> Witness:
    told = f"x = {plain_of(str(below.x))} on one side, x = {plain_of(str(above.x))} on the other"
    specification = {"below": dict(below.specification), "above": dict(above.specification)}
    if question["theorem"] is None:
        return Witness(told, specification)
    commands = [compare_command(side.specification) for side in (below, above)]
    return Witness(told, specification, "\n".join(command for command in commands if command))


def _figure(tried: list[Side], place: Measured) -> Figure:
    words = sorted({side.word for side in tried})
    series = []
    for k, word in enumerate(words):
        places = [float(side.x) for side in tried if side.word == word]
        series.append(Series("", places, [float(k)] * len(places), "points"))
    marks = (Mark("x", float(place.value or 0), f"{float(place.value or 0):.6g}"),)
    panel = Panel(Axis("$x$"), Axis("outcome", low=-0.5, high=len(words) - 0.5, ticks=tuple(words)), series, marks)
    return Figure((panel,), "Every run of the search by its outcome; the line is the boundary.", height=1.6)
