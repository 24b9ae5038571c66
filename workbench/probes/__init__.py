"""Probes: where a statement stops being true, where floating point lies, how tight a bound can get.

A kind of probe is a module of this folder; `catalogue()` lists them. It has `OPTIONS` (what it is told),
`question(given)` (the exact question, whose hash is the run id) and `find(question, limit)` (the answer). A probe's
record keeps the question, the answer, an exact witness where there is one, and the data of its figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from workbench import content
from workbench.errors import InputError, UnknownNameError
from workbench.probes.base import UNDECIDED, Kind, Option, TimeLimit
from workbench.store import Record, Store, digest, fingerprint

_FOLDER = Path(__file__).parent


def catalogue() -> list[str]:
    """Return the kinds of probes: the modules of this folder."""
    return sorted(p.stem for p in _FOLDER.glob("*.py") if not p.name.startswith("_") and p.stem != "base")


def load(name: str) -> Kind:
    """Return the module of a kind."""
    if name not in catalogue():
        raise UnknownNameError("probe", name, catalogue())
    return cast(Kind, import_module(f"workbench.probes.{name}"))


def title(kind: Kind) -> str:
    """Return the first sentence of a kind's docstring."""
    return (kind.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True)
class Probe:
    """A kind of probe and the exact question put to it.

    Parameters
    ----------
    name : str
        The kind.
    kind : module
    question : mapping
        Canonical JSON.
    """

    name: str
    kind: Kind
    question: Mapping[str, Any]

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        return {"kind": "probe", "probe": self.name, "question": dict(self.question)}

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification())

    def record(self, store: Store | None = None, seconds: float | None = None) -> tuple[Record, bool]:
        """Return the record of this probe, and whether it was computed now rather than found.

        Parameters
        ----------
        store : Store, optional
        seconds : float, optional
            Time limit. A record that was cut short is taken only where no more time is allowed than it had.
        """
        found = None if store is None else store.current(self.specification())
        if found is not None and not _worth_more_time(found, seconds):
            return found, False
        record = self._answered(TimeLimit(seconds))
        if store is not None:
            store.put(record)
        return record, True

    def _answered(self, limit: TimeLimit) -> Record:
        finding = self.kind.find(self.question, limit)
        files = [content.reference(path) for path in sorted(_FOLDER.glob("*.py"))]
        cut = limit.seconds if limit.was_over else None
        return Record(
            kind="probe",
            name=self.name,
            specification=self.specification(),
            fingerprint=fingerprint([content.resolve(name) for name in files]),
            title=title(self.kind),
            statement=finding.asked,
            standing="",
            hypotheses=[],
            source={},
            files=files,
            verdict=finding.outcome,
            grade=finding.grade,
            margin=None,
            error=None,
            payload={**finding.payload(), "cut_short": cut},
        )


def _worth_more_time(record: Record, seconds: float | None) -> bool:
    cut = record.payload.get("cut_short")
    return record.verdict == UNDECIDED and cut is not None and (seconds is None or seconds > cut)


def read(name: str, given: Mapping[str, Any]) -> Probe:
    """Return the probe of a kind that options stand for, defaults filled in.

    Parameters
    ----------
    name : str
    given : mapping
        Options by name (`step_size`); None counts as not given.

    Raises
    ------
    InputError
        If an option is unknown, missing or of the wrong type.
    """
    kind = load(name)
    known = {option.name: option for option in kind.OPTIONS}
    for key in given:
        if key not in known:
            raise UnknownNameError(f"option of the probe {name}", key, known)
    values = {key: _value(name, option, given.get(key)) for key, option in known.items()}
    return Probe(name, kind, kind.question(values))


def _value(name: str, option: Option, given: Any) -> Any:
    """Return the value of an option: as given where the type is right, else its default."""
    if given is None:
        if option.required:
            what = option.name.upper() if option.positional else option.flag
            raise InputError(f"the probe {name} needs {what}: {option.help}")
        return list(option.default or []) if option.many else option.default
    values = given if option.many and isinstance(given, list | tuple) else [given]
    for value in values:
        # A report may write a number where the command line takes a text.
        wrong = isinstance(value, bool) if option.type is str else type(value) is not option.type
        if wrong:
            raise InputError(f"{option.flag} of the probe {name} is {value!r}; give {_WANTED[option.type]}")
    read = [str(value) if option.type is str else value for value in values]
    return read if option.many else read[0]


_WANTED = {str: "a text or a number", int: "an integer", bool: "true or false"}

__all__ = ["Kind", "Probe", "catalogue", "load", "read", "title"]
