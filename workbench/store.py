"""What a result leaves behind: one record a file, under the hash of its specification.

A record's *id* is the SHA-256 of the canonical JSON of its specification: it says what was asked. Its
*fingerprint* is a digest of the sources that computed it: it says by what. A result is current when both
match. The file name is the id and the file carries the SHA-256 of its own body, so changed bytes are seen.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from workbench import content
from workbench.errors import DamagedRecordError, InputError, StoreError

FORMAT = 1

# Parts that print, time or drive, and so cannot change a result.
_OUTSIDE_FINGERPRINT = ("cli", "report", "bench", "sweeps")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a specification: sorted keys, no spaces, no floats that are not numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fingerprint(files: Iterable[Path] = ()) -> str:
    """Return the digest of the engine's sources and of the content files `files` that a result used.

    The engine is every module of the package that can change a result; of `theorems/` and `probes/` only the files in
    `files` count, so that editing one theorem makes only its own results stale.
    """
    engine = hashlib.sha256(_engine_digest().encode())
    # By name and content: two files may share a name, and a path must not matter.
    for name, data in sorted((path.name, path.read_bytes()) for path in {Path(f).resolve() for f in files}):
        engine.update(name.encode() + b"\0" + data + b"\0")
    return engine.hexdigest()


def _engine_digest() -> str:
    root = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        part = path.relative_to(root).parts
        content_of_theorem = part[0] == "theorems" and not part[-1].startswith("_")
        if part[0] in _OUTSIDE_FINGERPRINT or content_of_theorem or part[0] == "probes":
            continue
        total.update("/".join(part).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def provenance() -> dict[str, Any]:
    """Return versions of what computed a result, without importing any of it."""
    names = ("workbench", "numpy", "mpmath", "python-flint", "sympy", "torch", "gmpy2")
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "versions": found,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


@dataclass(frozen=True)
class Record:
    """One kept result: evidence, the outcome of a derivation, a probe, a benchmark.

    Parameters
    ----------
    kind : {"evidence", "family", "derivation", "probe", "benchmark"}
    name : str
        Name of the theorem, derivation or probe.
    specification : mapping
        What was asked, as JSON; its hash is the record's id.
    fingerprint : str
        Digest of the sources that answered.
    title, statement, standing : str
        First sentence, LaTeX statement and standing, from the module's docstring.
    hypotheses : list of mapping
        Each with `name`, `text`, `margin` (float or None), `margin_decimal`, `holds` (True, False, None), `dropped`.
    source : mapping
        Authors, year, title, where, locator, url.
    files : list of str
        References (see `workbench.content`) of the theorem and derivation files that were used.
    verdict, grade : str or None
        One of consistent, violated, undecided, vacuous (evidence) or proved, refuted, undecided, blind
        (derivations); `estimate` or `enclosure`.
    margin, error : str or None
        Smallest slack and its error, as decimals.
    payload : mapping
        The kind's own data, as JSON.
    provenance : mapping
        Versions and platform.
    """

    kind: str
    name: str
    specification: Mapping[str, Any]
    fingerprint: str
    title: str
    statement: str
    standing: str
    hypotheses: list[dict[str, Any]]
    source: Mapping[str, Any]
    files: list[str]
    verdict: str
    grade: str | None
    margin: str | None
    error: str | None
    payload: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=provenance)

    @property
    def id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification)

    def is_current(self) -> bool:
        """Say whether the present sources and content files are those that computed this record."""
        try:
            files = [content.resolve(name) for name in self.files]
        except InputError:
            return False
        return self.fingerprint == fingerprint(files)


class Store:
    """A folder of records, each written whole or not at all.

    Parameters
    ----------
    root : path
        The folder; made at the first `put`.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"the store {self.root} is a file; give a folder")

    def path(self, record_id: str) -> Path:
        """Return where the record with this id lies."""
        return self.root / "records" / f"{record_id}.json"

    def put(self, record: Record) -> str:
        """Write a record atomically and return its id."""
        body = asdict(record)
        text = canonical_json({"format": FORMAT, "sha256": digest(body), "record": body})
        target = self.path(record.id)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(target, text)
        except OSError as error:
            raise StoreError(f"the store {self.root} cannot be written: {error.strerror}") from error
        return record.id

    def get(self, record_id: str) -> Record | None:
        """Return the record, or None where there is none.

        Raises
        ------
        DamagedRecordError
            If the file does not hold what its name and its own hash say.
        """
        path = self.path(record_id)
        if not path.exists():
            return None
        return self._read(path)

    def current(self, specification: Mapping[str, Any]) -> Record | None:
        """Return the record of a specification if the present sources computed it, else None."""
        record = self.get(digest(specification))
        return record if record is not None and record.is_current() else None

    def set_aside(self, record_id: str) -> bool:
        """Move a record that is damaged out of the way, into the folder `damaged`; say whether it was."""
        try:
            self.get(record_id)
        except DamagedRecordError:
            folder = self.root / "damaged"
            try:
                folder.mkdir(exist_ok=True)
                self.path(record_id).replace(folder / f"{record_id}.json")
            except OSError as error:
                raise StoreError(f"the store {self.root} cannot be written: {error.strerror}") from error
            return True
        return False

    def put_manifest(self, name: str, entries: Mapping[str, str]) -> None:
        """Keep which records (by id) a report named `name` is made of, by the keys that its text uses."""
        target = self.root / "manifests" / f"{name}.json"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(target, canonical_json({"sha256": digest(entries), "entries": dict(entries)}))
        except OSError as error:
            raise StoreError(f"the store {self.root} cannot be written: {error.strerror}") from error

    def manifest(self, name: str) -> dict[str, str]:
        """Return the record ids of a report by key; empty where nothing was run for it."""
        path = self.root / "manifests" / f"{name}.json"
        if not path.exists():
            return {}
        try:
            envelope = json.loads(path.read_text(encoding="utf-8"))
            entries, intact = envelope["entries"], digest(envelope["entries"]) == envelope["sha256"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise StoreError(f"the manifest {path.name} cannot be read ({error}); delete {path}") from error
        if not intact:
            raise StoreError(f"the manifest {path.name} does not match its hash; delete {path} and verify again")
        return dict(entries)

    def __iter__(self) -> Iterator[Record]:
        for path in sorted((self.root / "records").glob("*.json")):
            yield self._read(path)

    def _read(self, path: Path) -> Record:
        advice = f"delete {path} and run the command again"
        try:
            envelope = json.loads(path.read_text(encoding="utf-8"))
            body = envelope["record"]
            record = Record(**{f.name: body[f.name] for f in fields(Record)})
            intact = digest(body) == envelope["sha256"] and record.id == path.stem
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DamagedRecordError(f"the record {path.name} cannot be read ({error}); {advice}") from error
        if not intact:
            raise DamagedRecordError(
                f"the record {path.name} does not match its hash: its bytes were changed; {advice}"
            )
        return record


def _write_atomically(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
