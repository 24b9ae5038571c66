"""Numbers that the words of a report name: `key`, a colon, and a path into the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from workbench.errors import InputError
from workbench.report.prose import Latex, number
from workbench.store import Record

_OVER: Mapping[str, Callable[[list[float]], float]] = {"largest": max, "smallest": min, "total": sum}

VERDICTS = ("consistent", "violated", "undecided", "vacuous")


def lookup(records: Mapping[str, Record], place: str) -> str | Latex:
    """Return what a place in the records holds, as words or as a formula.

    Parameters
    ----------
    records : mapping of str to Record
    place : str
        `spd:steps_to_loss.measured`, `spd:verdict`, `spd:payload.tightness`, or `count.consistent` for a tally; of a
        group of runs `largest.map:tightness`, `smallest.map:margin`, `total.map:members`, `runs.map:consistent`.

    Raises
    ------
    InputError
        If there is no such place: a report has no holes.
    """
    key, _, path = place.partition(":")
    if key.startswith("count."):
        return _tally(records, key.removeprefix("count."))
    over, _, group = key.partition(".")
    if over in (*_OVER, "runs") and group and path:
        return Latex(number(_over(records, over, group, path, place)))
    if key not in records or not path:
        raise InputError(f"the words of the report name {{{place}}}, but there is no run {key!r}")
    value = _follow(records[key], path.split("."), place)
    if isinstance(value, str) and not _numeric(value):
        return value
    return Latex(number(value))


def _over(records: Mapping[str, Record], over: str, group: str, path: str, place: str) -> Any:
    """Return a figure over the runs of a group; a run that has none, such as one left blank, does not count."""
    members = [record for key, record in records.items() if key == group or key.startswith(f"{group}.")]
    if not members:
        raise InputError(f"the words of the report name {{{place}}}, but there is no run {group!r}")
    if over == "runs":
        return sum(path in ("all", record.verdict) for record in members)
    values = [_value(record, path.split("."), place) for record in members]
    known = [float(value) for value in values if value is not None]
    if not known:
        raise InputError(f"the words of the report name {{{place}}}, but no run of the group has it")
    found = _OVER[over](known)
    return int(found) if found.is_integer() else found


def _tally(records: Mapping[str, Record], what: str) -> str:
    evidence = [record for record in records.values() if record.kind == "evidence"]
    if what == "evidence":
        return f"{len(evidence)}"
    if what == "derivations":
        return f"{sum(record.kind == 'derivation' for record in records.values())}"
    if what == "proved":
        return f"{sum(record.verdict == 'proved' for record in records.values())}"
    if what == "enclosed":
        return f"{sum(record.grade == 'enclosure' for record in evidence)}"
    if what in VERDICTS:
        return f"{sum(record.verdict == what for record in evidence)}"
    raise InputError(f"the words of the report name {{count.{what}}}, which counts nothing that is known")


def _follow(record: Record, path: list[str], place: str) -> Any:
    """Return the value at a path: a field, an entry of the payload, or a statement by name."""
    value = _value(record, path, place)
    if value is None or isinstance(value, dict | list):
        raise InputError(f"the words of the report name {{{place}}}, which is no single value")
    return value


def _value(record: Record, path: list[str], place: str) -> Any:
    """Return what lies at a path, None where nothing more lies below."""
    statements = {s["name"]: s for s in record.payload.get("statements", [])}
    value: Any = {**asdict(record), **record.payload, **statements}
    for step in path:
        if value is None or (record.verdict == "blank" and isinstance(value, Mapping) and step not in value):
            return None
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.lstrip("-").isdecimal() and abs(int(step)) < len(value) + 1:
            value = value[int(step)]
        else:
            raise InputError(f"the words of the report name {{{place}}}, but the record has no {step!r} there")
    return value


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
