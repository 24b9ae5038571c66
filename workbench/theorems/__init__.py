"""Theorems: one statement, one module, whose docstring is the statement and whose file name is its name.

A theorem meets a run only as data. `catalogue()` lists this folder and the entry points of the group
`workbench.theorems`; a user's own theorem is a file anywhere, loaded by path.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench import content
from workbench.errors import TheoremFileError, UnknownNameError, UnsupportedError, WorkbenchError
from workbench.theorems._run import Run
from workbench.theorems._statement import (
    Bound,
    Count,
    Erratum,
    Example,
    FamilyExample,
    Hypothesis,
    Identity,
    Limit,
    Prediction,
    Rate,
    Source,
)

_HEADINGS = ("Statement", "Hypotheses", "Presupposed", "Perhaps unnecessary", "Standing", "Proof", "Notes")
_REQUIRED = ("source", "observes", "hypotheses")

# A statement about single runs has both of the first pair, one about families both of the second; one may have all.
_ABOUT_RUNS, _ABOUT_FAMILIES = ("predict", "examples"), ("predict_family", "families")


@dataclass(frozen=True)
class Theorem:
    """A loaded statement.

    Parameters
    ----------
    name : str
    path : Path
    title, statement, standing, proof : str
        From the docstring.
    hypothesis_texts : mapping of str to str
        Name and wording of each hypothesis, from the docstring.
    presupposed : mapping of str to str
        Those without which the statement has no meaning, or cannot be read off a record, each with the reason.
    perhaps_unnecessary : mapping of str to str
        Those without which no violation is known, each with the reason.
    module : ModuleType
    sha256 : str
        Digest of the file's bytes as they were run.
    """

    name: str
    path: Path
    title: str
    statement: str
    standing: str
    proof: str
    hypothesis_texts: Mapping[str, str]
    presupposed: Mapping[str, str]
    perhaps_unnecessary: Mapping[str, str]
    module: ModuleType
    sha256: str

    @property
    def source(self) -> Source:
        """Where it stands in print."""
        source: Source = self.module.source
        return source

    @property
    def observes(self) -> tuple[str, ...]:
        """Names of the observables it reads."""
        return tuple(self.module.observes)

    @property
    def constants(self) -> dict[str, Fraction]:
        """The constants that it leaves open, each with the value that is taken where none is given."""
        return dict(getattr(self.module, "constants", {}))

    def chosen(self, given: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """Return a value for each open constant."""
        for name in given:
            if name not in self.constants:
                raise UnknownNameError(f"open constant of {self.name}", name, sorted(self.constants))
        return {**self.constants, **given}

    @property
    def tight(self) -> bool:
        """Whether it claims to be sharp."""
        return bool(getattr(self.module, "tight", False))

    @property
    def examples(self) -> Sequence[Example]:
        """The problems that it is tried on."""
        examples: Sequence[Example] = getattr(self.module, "examples", ())
        return examples

    @property
    def refuted_without(self) -> frozenset[str]:
        """The hypotheses that an example or a family drops, and is then violated."""
        controls = [e.experiment for e in self.examples if e.expect == "violated"]
        controls += [f.sweep for f in self.families if f.expect == "violated"]
        return frozenset(name for run in controls for name in run.get("without", ()))

    @property
    def families(self) -> Sequence[FamilyExample]:
        """The families of runs that its limits are tried on."""
        families: Sequence[FamilyExample] = getattr(self.module, "families", ())
        return families

    @property
    def errata(self) -> Sequence[Erratum]:
        """The false forms of it that stand somewhere."""
        errata: Sequence[Erratum] = getattr(self.module, "errata", ())
        return errata

    @property
    def built_in(self) -> bool:
        """Whether it belongs to the package."""
        return self.path.parent == Path(__file__).parent

    def hypotheses(self, run: Run) -> list[Hypothesis]:
        """Return the hypotheses of a run, each with its margin."""
        found = self._call("hypotheses", run)
        if not isinstance(found, list) or not all(isinstance(h, Hypothesis) for h in found):
            raise TheoremFileError(f"{self.path.name}: hypotheses(run) must return a list of Hypothesis")
        names, stated = sorted(h.name for h in found), sorted(self.hypothesis_texts)
        # One that is stated and not audited would let a run outside the statement speak for it.
        if names != stated:
            raise TheoremFileError(
                f"{self.path.name}: its docstring states the hypotheses {', '.join(stated) or 'none'} "
                f"but hypotheses(run) audits {', '.join(names) or 'none'}"
            )
        return found

    def predict(self, run: Run) -> list[Prediction]:
        """Return what the statement predicts for a run."""
        if not hasattr(self.module, "predict"):
            raise UnsupportedError(
                f"{self.name} is about a family of runs, not one: give a sweep to `workbench family`"
            )
        found = self._call("predict", run)
        if not isinstance(found, list) or not all(isinstance(p, Bound | Identity | Count | Rate) for p in found):
            raise TheoremFileError(f"{self.path.name}: predict(run) must return a list of Bound, Identity, Count, Rate")
        return found

    def predict_family(self, runs: Sequence[Run]) -> list[Limit]:
        """Return the limits that the statement predicts along a family of runs."""
        if not hasattr(self.module, "predict_family"):
            raise UnsupportedError(f"{self.name} says nothing about a family of runs: it has no predict_family")
        found = self._call("predict_family", runs)
        if not isinstance(found, list) or not all(isinstance(p, Limit) for p in found):
            raise TheoremFileError(f"{self.path.name}: predict_family(runs) must return a list of Limit")
        return found

    def largest_step_size(self, run: Run) -> Any:
        """Return an enclosure of the largest step size that the hypotheses allow, None where there is none."""
        return self._call("largest_step_size", run) if hasattr(self.module, "largest_step_size") else None

    def _call(self, function: str, argument: Run | Sequence[Run]) -> Any:
        try:
            return getattr(self.module, function)(argument)
        except WorkbenchError:
            raise
        # A file that leaves the process would leave it with its own status, without a verdict.
        except (Exception, SystemExit) as error:
            line = content.line_in(error, Path(str(self.module.__file__)))
            raise TheoremFileError(
                f"{self.path.name}{line}: {function}(run) failed: {type(error).__name__}: {error}"
            ) from error


def catalogue() -> list[str]:
    """Return the names of the theorems: this folder's modules and the entry points of `workbench.theorems`."""
    return sorted({*content.modules("theorems"), *_entry_points()})


def _entry_points() -> dict[str, Any]:
    return {point.name: point for point in metadata.entry_points(group="workbench.theorems")}


def is_path(name: str) -> bool:
    """Say whether a name means a file rather than a module of the catalogue."""
    return name.endswith(".py") or "/" in name or "\\" in name


def load(name: str) -> Theorem:
    """Return a theorem by its name in the catalogue, or by the path of a file."""
    if is_path(name):
        return from_file(Path(name))
    built_in = content.modules("theorems")
    if name in built_in:
        module = importlib.import_module(f"workbench.theorems.{name}")
        return _theorem(name, built_in[name], module)
    points = _entry_points()
    if name in points:
        module = points[name].load()
        return _theorem(name, Path(str(inspect.getsourcefile(module))), module)
    raise UnknownNameError("theorem", name, catalogue())


def from_file(path: Path) -> Theorem:
    """Return the theorem in a file outside the package."""
    module, digest = content.run_file(path, "theorem")
    return _theorem(path.stem, path.resolve(), module, digest)


def _theorem(name: str, path: Path, module: ModuleType, sha256: str | None = None) -> Theorem:
    required = _REQUIRED if all(hasattr(module, part) for part in _ABOUT_FAMILIES) else (*_REQUIRED, *_ABOUT_RUNS)
    if missing := [part for part in required if not hasattr(module, part)]:
        raise TheoremFileError(f"{path.name} is not a theorem: it has no {', '.join(missing)}")
    if not isinstance(module.source, Source):
        raise TheoremFileError(f"{path.name}: `source` must be a Source(authors=..., year=..., title=..., where=...)")
    sections = docstring_sections(module.__doc__ or "")
    for heading in ("Statement", "Hypotheses", "Standing"):
        if not sections.get(heading):
            raise TheoremFileError(f"{path.name}: its docstring has no section {heading!r}")
    texts = _named_lines(sections["Hypotheses"])
    presupposed, unrefuted = (_named_lines(sections.get(h, "")) for h in ("Presupposed", "Perhaps unnecessary"))
    for other in (*presupposed, *unrefuted):
        if other not in texts:
            raise TheoremFileError(
                f"{path.name}: its docstring says why {other} is asked, which is no hypothesis of it"
            )
    return Theorem(
        name=name,
        path=path,
        title=sections["title"],
        statement=sections["Statement"],
        standing=sections["Standing"],
        proof=sections.get("Proof", ""),
        hypothesis_texts=texts,
        presupposed=presupposed,
        perhaps_unnecessary=unrefuted,
        module=module,
        sha256=sha256 or hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def docstring_sections(text: str, headings: Sequence[str] = _HEADINGS) -> dict[str, str]:
    """Split a docstring at its headings; the lines before the first are the title."""
    sections: dict[str, list[str]] = {"title": []}
    current = "title"
    for line in inspect.cleandoc(text).splitlines():
        if line.strip() in headings and not line.startswith(" "):
            current = line.strip()
            sections[current] = []
        else:
            sections[current].append(line)
    return {name: inspect.cleandoc("\n".join(["", *lines])).strip() for name, lines in sections.items()}


def _named_lines(text: str) -> dict[str, str]:
    """Read `name: words` lines; a line without a name continues the one before."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        match = re.match(r"^(\w+):\s+(.*)$", line.strip())
        if match:
            name = match.group(1)
            found[name] = match.group(2)
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


__all__ = [
    "Bound",
    "Count",
    "Erratum",
    "Example",
    "FamilyExample",
    "Hypothesis",
    "Identity",
    "Limit",
    "Rate",
    "Run",
    "Source",
    "Theorem",
    "catalogue",
    "docstring_sections",
    "from_file",
    "load",
]
