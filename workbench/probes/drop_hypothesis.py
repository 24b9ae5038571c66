"""Which hypotheses of a statement are needed: each is dropped in turn, and a violation searched where it fails.

A hypothesis is needed where a problem fails it alone, meets all others and breaks the statement. One without such a
problem looked unnecessary after the search that is told, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.probes import _report
from workbench.probes._asked import question_of, theorem_of
from workbench.probes._search import Search
from workbench.probes._shrink import Shrinking, Witness
from workbench.probes.base import FOUND, UNDECIDED, Axis, Figure, Finding, Option, Panel, Series, Table, TimeLimit
from workbench.theorems import Theorem

OPTIONS = (
    Option("theorem", "Name of a theorem, or the path of a theorem file", positional=True, required=True),
    Option("hypothesis", "Drop this one alone; repeat for several", many=True, metavar="NAME"),
    Option("tries", "Problems for each hypothesis at which the search ends", int, default=5_000),
    Option("seed", "Seed of the search", int, default=0),
)

# Seconds for each hypothesis where no limit is given, and the share of them that makes a witness small.
_SECONDS, _SHRINKING_SHARE = 15.0, 0.2


@dataclass(frozen=True)
class Dropped:
    """What came of dropping one hypothesis."""

    name: str
    search: Search
    witness: Witness | None


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    if given["tries"] < 1 or given["seed"] < 0:
        raise InputError(
            f"tries are {given['tries']} and the seed is {given['seed']}; give a positive integer and one from 0"
        )
    asked = {"theorem": question_of(given["theorem"])}
    texts = theorem_of(asked).hypothesis_texts
    for name in given["hypothesis"]:
        if name not in texts:
            raise UnknownNameError(f"hypothesis of {asked['theorem']['name']}", name, texts)
    names = list(dict.fromkeys(given["hypothesis"])) or list(texts)
    return {**asked, "hypotheses": names, "tries": given["tries"], "seed": given["seed"]}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Drop each hypothesis in turn."""
    theorem = theorem_of(question)
    found: list[Dropped] = []
    names = question["hypotheses"]
    for place, name in enumerate(names):
        if limit.over:
            break
        seconds = min(_SECONDS, limit.left / (len(names) - place))
        found.append(_dropped(theorem, name, question, seconds))
    return _finding(theorem, question, found)


def _dropped(theorem: Theorem, name: str, question: Mapping[str, Any], seconds: float) -> Dropped:
    shrinking = _SHRINKING_SHARE * seconds
    search = Search(theorem, (name,), seconds - shrinking, question["seed"], question["tries"], broken=name)
    search.run()
    if search.found is None:
        return Dropped(name, search, None)
    return Dropped(name, search, Shrinking(theorem, search.found, (name,), shrinking, broken=name).run())


def _finding(theorem: Theorem, question: Mapping[str, Any], found: list[Dropped]) -> Finding:
    needed = [d for d in found if d.witness is not None]
    open_ = [name for name in question["hypotheses"] if name not in {d.name for d in needed}]
    answer = f"Needed: {', '.join(d.name for d in needed) or 'none that was found'}."
    if open_:
        answer += f" No violation was met without {', '.join(open_)}, which proves nothing."
    return Finding(
        UNDECIDED if open_ else FOUND,
        f"Which hypotheses of {theorem.name} are needed?",
        answer,
        witness=None if not needed or needed[0].witness is None else _report.witness_of(needed[0].witness, theorem),
        searched=[f"without {d.name}: {_report.effort(d.search)[0]}" for d in found],
        not_found=[f"a violation without {name}" for name in open_],
        figure=_figure(found),
        tables=[
            Table("Each hypothesis dropped", ("hypothesis", "verdict", "witness"), [_row(d, theorem) for d in found])
        ],
        notes=[]
        if len(found) == len(question["hypotheses"])
        else ["the time ended before every hypothesis was dropped"],
    )


def _row(dropped: Dropped, theorem: Theorem) -> tuple[str, str, str]:
    if dropped.witness is not None:
        return dropped.name, "needed", _report.witness_of(dropped.witness, theorem).says
    if dropped.search.inside == 0:
        return dropped.name, "not tried", "no problem was met that fails it alone and can be run"
    if dropped.search.decided == 0:
        told = f"{dropped.search.inside} problems fail it alone, and on none of them the statement says a number"
        return dropped.name, "says nothing there", told
    told = f"{dropped.search.decided} problems that fail it alone were decided, none broke"
    return dropped.name, "looked unnecessary", told


def _figure(found: list[Dropped]) -> Figure | None:
    """Draw how many problems each search took, those that ended in a violation apart."""
    if not found:
        return None
    places = [float(k) for k in range(1, len(found) + 1)]
    counts = [float(max(1, d.search.inside)) for d in found]
    groups = (("needed", "orange", True), ("no violation met", "blue", False))
    series = [
        Series(
            label,
            [x for x, d in zip(places, found, strict=True) if (d.witness is not None) is kind],
            [y for y, d in zip(counts, found, strict=True) if (d.witness is not None) is kind],
            "points",
            colour=colour,
        )
        for label, colour, kind in groups
        if any((d.witness is not None) is kind for d in found)
    ]
    caption = "Problems run until a violation; hypotheses in order: " + ", ".join(d.name for d in found)
    panel = Panel(Axis("hypothesis", low=0.5, high=len(found) + 0.5), Axis("problems", "log"), series)
    return Figure((panel,), caption)
