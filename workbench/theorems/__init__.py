"""Theorems: one statement, one module, whose docstring is the statement and whose file name is its name.

A theorem meets a run only as data. `catalogue()` lists this folder and the entry points of the group
`workbench.theorems`; a user's own theorem is a file anywhere, loaded by path.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench import content
from workbench.errors import TheoremFileError, UnknownNameError, WorkbenchError
from workbench.theorems._run import Run
from workbench.theorems._statement import (
    Bound,
    Count,
    Example,
    Hypothesis,
    Identity,
    Prediction,
    Rate,
    Source,
)

_HEADINGS = ("Statement", "Hypotheses", "Standing", "Proof", "Notes")
_REQUIRED = ("source", "observes", "hypotheses", "predict", "examples")


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
    module : ModuleType
    """

    name: str
    path: Path
    title: str
    statement: str
    standing: str
    proof: str
    hypothesis_texts: Mapping[str, str]
    module: ModuleType

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
    def tight(self) -> bool:
        """Whether it claims to be sharp."""
        return bool(getattr(self.module, "tight", False))

    @property
    def examples(self) -> Sequence[Example]:
        """The problems that it is tried on."""
        examples: Sequence[Example] = self.module.examples
        return examples

    @property
    def sha256(self) -> str:
        """Digest of its file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def built_in(self) -> bool:
        """Whether it belongs to the package."""
        return self.path.parent == Path(__file__).parent

    def hypotheses(self, run: Run) -> list[Hypothesis]:
        """Return the hypotheses of a run, each with its margin."""
        found = self._call("hypotheses", run)
        if not isinstance(found, list) or not all(isinstance(h, Hypothesis) for h in found):
            raise TheoremFileError(f"{self.path.name}: hypotheses(run) must return a list of Hypothesis")
        return found

    def predict(self, run: Run) -> list[Prediction]:
        """Return what the statement predicts for a run."""
        found = self._call("predict", run)
        if not isinstance(found, list) or not all(isinstance(p, Bound | Identity | Count | Rate) for p in found):
            raise TheoremFileError(f"{self.path.name}: predict(run) must return a list of Bound, Identity, Count, Rate")
        return found

    def largest_step_size(self, run: Run) -> Any:
        """Return an enclosure of the largest step size that the hypotheses allow, None where there is none."""
        return self._call("largest_step_size", run) if hasattr(self.module, "largest_step_size") else None

    def _call(self, function: str, run: Run) -> Any:
        try:
            return getattr(self.module, function)(run)
        except WorkbenchError:
            raise
        except Exception as error:
            line = _line_in(error, self.path)
            raise TheoremFileError(
                f"{self.path.name}{line}: {function}(run) failed: {type(error).__name__}: {error}"
            ) from error


def _line_in(error: BaseException, path: Path) -> str:
    trace, line = error.__traceback__, ""
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


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
    return _theorem(path.stem, path.resolve(), import_file(path, "theorem"))


def import_file(path: Path, kind: str) -> ModuleType:
    """Import a user's Python file, turning whatever goes wrong into one clear line."""
    if not path.is_file():
        raise TheoremFileError(f"there is no {kind} file {path}")
    if path.suffix != ".py":
        raise TheoremFileError(f"{path} is not a {kind}: it must be a Python file")
    name = f"_workbench_{kind}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise TheoremFileError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # From the source, never from bytecode: a file edited twice within one tick of the clock looks unchanged.
        exec(compile(path.read_bytes(), str(path.resolve()), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise TheoremFileError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _theorem(name: str, path: Path, module: ModuleType) -> Theorem:
    missing = [part for part in _REQUIRED if not hasattr(module, part)]
    if missing:
        raise TheoremFileError(f"{path.name} is not a theorem: it has no {', '.join(missing)}")
    if not isinstance(module.source, Source):
        raise TheoremFileError(f"{path.name}: `source` must be a Source(authors=..., year=..., title=..., where=...)")
    sections = docstring_sections(module.__doc__ or "")
    for heading in ("Statement", "Hypotheses", "Standing"):
        if not sections.get(heading):
            raise TheoremFileError(f"{path.name}: its docstring has no section {heading!r}")
    return Theorem(
        name=name,
        path=path,
        title=sections["title"],
        statement=sections["Statement"],
        standing=sections["Standing"],
        proof=sections.get("Proof", ""),
        hypothesis_texts=_named_lines(sections["Hypotheses"]),
        module=module,
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
    "Example",
    "Hypothesis",
    "Identity",
    "Rate",
    "Run",
    "Source",
    "Theorem",
    "catalogue",
    "docstring_sections",
    "from_file",
    "import_file",
    "load",
]
