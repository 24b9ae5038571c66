"""Read a derivation file: docstring, source, and the functions prove, check and control."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

from workbench import content
from workbench.derivation.names import hold_names
from workbench.errors import InputError, ShapeError, TheoremFileError, UnknownNameError, WorkbenchError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Claim, Identity, Inequality
from workbench.symbolic.words import Width

Shape = Literal["rectangular", "square", "numeric"]

_HEADINGS = ("Claim", "Source", "Scope")
_SOURCE_KEYS = ("authors", "year", "title", "where", "locator", "url")
_DEPTHS = (2, 3, 4)
_EXPERIMENT_KEYS = ("theorem", "problem", "dynamics", "backend")


@dataclass(frozen=True)
class Derivation:
    """A derivation file as it was read.

    Parameters
    ----------
    name, path : str, Path
    sha256 : str
        Of the bytes that were run.
    title : str
        First sentence of the docstring.
    claim, scope : str
        The docstring's sections of that name, LaTeX and words.
    source : mapping
        Authors, year, title, where, locator, url.
    depths : tuple of int
        Depths at which it is proved when the caller names none.
    least_depth : int
        Smallest depth at which the claim says anything.
    shape : {"rectangular", "square", "numeric"}
        Whether the widths are distinct names, one name, or numbers, when the caller names none.
    prove, check, control : callable
    any_gradient : tuple of str
        Names of the claims that read a gradient and hold whatever it is: algebra, declared as such.
    """

    name: str
    path: Path
    sha256: str
    title: str
    claim: str
    scope: str
    source: Mapping[str, Any]
    depths: tuple[int, ...]
    least_depth: int
    shape: Shape
    prove: Callable[..., Any]
    check: Callable[..., Any]
    control: Callable[..., Any]
    any_gradient: tuple[str, ...] = ()

    def text(self) -> str:
        """Return what the file claims, from where, and what it does not prove."""
        cited = "{authors} ({year}). {title}. {where}, {locator}. {url}".format(**self.source)
        scope = " ".join(self.scope.split())
        return "\n".join([self.title, "", "Claim", self.claim, "", "Source", cited, "", "Scope", scope])

    def choose_depths(self, depth: int | Sequence[int] | None, widths: Sequence[Width] | None) -> tuple[int, ...]:
        """Return the depths to prove at: the caller's, or what the widths tell, or the file's own.

        Raises
        ------
        InputError
            If a depth is below the claim's least, or does not agree with the widths.
        """
        chosen = (depth,) if isinstance(depth, int) else tuple(depth) if depth is not None else None
        if chosen is None:
            chosen = self.depths if widths is None else (len(widths) - 1,)
        if widths is not None and any(len(widths) != each + 1 for each in chosen):
            raise ShapeError(f"{len(widths)} widths are given but depth {chosen[-1]} takes {chosen[-1] + 1}")
        if not chosen or min(chosen) < self.least_depth:
            raise InputError(f"{self.name} says something of depth {self.least_depth} and more; give such a depth")
        return chosen

    def choose_widths(self, depth: int, widths: Sequence[Width] | None) -> tuple[Width, ...]:
        """Return the widths to prove with: the caller's, or names, or numbers where the claim needs them.

        Raises
        ------
        ShapeError
            If the claim needs equal widths, or numbers, and others are given.
        """
        if widths is None:
            names = tuple(f"d_{j}" if self.shape == "rectangular" else "d" for j in range(depth + 1))
            return numeric_widths(names, self.shape) if self.shape == "numeric" else names
        if any(isinstance(width, int) and width < 1 for width in widths):
            raise ShapeError(f"a width is {min(w for w in widths if isinstance(w, int))}; a width is at least 1")
        if self.shape == "square" and len(set(widths)) > 1:
            raise ShapeError(f"{self.name} speaks of square layers; give equal widths")
        if self.shape == "numeric" and not all(isinstance(width, int) for width in widths):
            raise ShapeError(f"{self.name} needs widths that are numbers, such as 2,3,2")
        return tuple(widths)

    def claims(self, calculus: Calculus, depth: int, widths: Sequence[Width]) -> list[Claim]:
        """Return what the proof yields.

        Raises
        ------
        TheoremFileError
            If it yields nothing, anything but identities and inequalities, one without a name or two of one name, or
            one whose names do not mean one thing each.
        """
        found = list(_call(self, "prove", lambda: list(self.prove(calculus, depth, tuple(widths)))))
        for claim in found:
            # Exact types: a subclass could change what is decided.
            if type(claim) not in (Identity, Inequality):
                kind = type(claim).__name__
                raise TheoremFileError(f"{self.path.name}: prove yields a {kind}; it must yield Identity or Inequality")
        names = [claim.name for claim in found]
        unnamed = [name for name in names if type(name) is not str or not name]
        if unnamed:
            raise TheoremFileError(f"{self.path.name}: prove names a claim {unnamed[0]!r}; give it a name in words")
        if not names or len(set(names)) < len(names):
            fault = "yields no identities" if not names else "yields two identities of one name"
            raise TheoremFileError(f"{self.path.name}: prove {fault} at depth {depth}")
        hold_names(self.path.name, found, calculus)
        return found

    def experiments(self, depth: int, widths: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the specifications of the check and of the control.

        Raises
        ------
        TheoremFileError
            If one lacks a part, the check drops a hypothesis, or the control does not drop exactly one of the same
            theorem.
        """
        check = _specification(self, "check", self.check, depth, widths)
        control = _specification(self, "control", self.control, depth, widths)
        if check.get("without"):
            raise TheoremFileError(f"{self.path.name}: check drops a hypothesis; only the control may")
        if len(control.get("without", ())) != 1 or control["theorem"] != check["theorem"]:
            raise TheoremFileError(f"{self.path.name}: control must drop one hypothesis of {check['theorem']} by name")
        return check, control


def numeric_widths(widths: Sequence[Width], shape: Shape) -> tuple[int, ...]:
    """Return numbers in place of the names of widths: all 2 for square claims, else 2 and 3 in turn."""
    return tuple(w if isinstance(w, int) else 2 + (j % 2 if shape != "square" else 0) for j, w in enumerate(widths))


def square_widths(widths: Sequence[Width]) -> tuple[Width, ...]:
    """Return equal widths of the same kind, at least 2 where they are numbers: a fault then fits in shape."""
    numbers = [width for width in widths if isinstance(width, int)]
    common: Width = max(2, *numbers) if len(numbers) == len(widths) else "d"
    return (common,) * len(widths)


def catalogue() -> dict[str, Path]:
    """Return the derivation files by name."""
    return content.modules("derivations")


def is_derivation(path: Path) -> bool:
    """Say whether a file defines a function `prove`; the file is parsed and not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == "prove" for node in tree.body)


def load(claim: str | Path) -> Derivation:
    """Read a derivation file, by its name in the catalogue or by path.

    Raises
    ------
    UnknownNameError
        If no derivation has this name.
    TheoremFileError
        If the file cannot be imported or lacks a part.
    """
    path = _locate(claim)
    module, digest = content.run_file(path, "derivation")
    sections = _sections(module, path)
    source = getattr(module, "source", None)
    missing = [key for key in _SOURCE_KEYS if not isinstance(source, Mapping) or key not in source]
    if missing or not isinstance(source, Mapping):
        raise TheoremFileError(f"{path.name} needs a mapping `source` with {', '.join(missing)}")
    depths, least, shape = _scale(module, path)
    return Derivation(
        name=path.stem,
        path=path,
        sha256=digest,
        title=sections["title"],
        claim=sections["Claim"],
        scope=sections["Scope"],
        source=dict(source),
        depths=depths,
        least_depth=least,
        shape=shape,
        any_gradient=_declared(module, path),
        **{name: _function(module, name, path) for name in ("prove", "check", "control")},
    )


def _locate(claim: str | Path) -> Path:
    text = str(claim)
    if isinstance(claim, str) and not text.endswith(".py") and "/" not in text:
        known = catalogue()
        if text not in known:
            raise UnknownNameError("derivation", text, known)
        return known[text]
    path = Path(claim)
    if not path.is_file():
        raise TheoremFileError(f"there is no derivation file {path}")
    return path.resolve()


def _sections(module: ModuleType, path: Path) -> dict[str, str]:
    text = module.__doc__ or ""
    found = {"title": text.strip().split("\n\n")[0].replace("\n", " ")}
    for heading in _HEADINGS:
        match = re.search(rf"^{heading}\n((?:[ \t]+.*\n|\n)+)", text + "\n", re.MULTILINE)
        if match is None or not match[1].strip():
            raise TheoremFileError(f"{path.name} is not a derivation: its docstring has no section {heading}")
        found[heading] = inspect.cleandoc("\n" + match[1])
    return found


def _scale(module: ModuleType, path: Path) -> tuple[tuple[int, ...], int, Shape]:
    least: Any = getattr(module, "least_depth", 1)
    depths: Any = getattr(module, "depths", _DEPTHS)
    shape: Any = getattr(module, "shape", "rectangular")
    if not isinstance(least, int) or least < 1:
        raise TheoremFileError(f"{path.name}: least_depth is {least!r}; give an integer that is at least 1")
    whole = isinstance(depths, tuple) and all(isinstance(depth, int) and depth >= least for depth in depths)
    if not whole or not depths:
        raise TheoremFileError(f"{path.name}: depths are {depths!r}; give a tuple of integers from {least} on")
    if shape not in get_args(Shape):
        raise TheoremFileError(f"{path.name}: shape is {shape!r}; give one of {', '.join(get_args(Shape))}")
    return depths, least, shape


def _declared(module: ModuleType, path: Path) -> tuple[str, ...]:
    declared: Any = getattr(module, "any_gradient", ())
    if not isinstance(declared, tuple) or not all(isinstance(name, str) for name in declared):
        raise TheoremFileError(f"{path.name}: any_gradient is {declared!r}; give a tuple of names of claims")
    return declared


def _function(module: ModuleType, name: str, path: Path) -> Callable[..., Any]:
    function: Callable[..., Any] | None = getattr(module, name, None)
    if function is None or not callable(function):
        raise TheoremFileError(f"{path.name} is not a derivation: it has no function {name}")
    return function


def _specification(
    file: Derivation, name: str, function: Callable[..., Any], depth: int, widths: Sequence[int]
) -> dict[str, Any]:
    found = _call(file, name, lambda: function(depth, tuple(widths)))
    missing = [key for key in _EXPERIMENT_KEYS if not isinstance(found, Mapping) or key not in found]
    if missing:
        raise TheoremFileError(f"{file.path.name}: {name} returns no {', '.join(missing)}; see an existing derivation")
    return dict(found)


def _call(file: Derivation, name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except WorkbenchError:
        raise
    # A file that leaves the process would leave it with its own status, without a verdict.
    except (Exception, SystemExit, GeneratorExit) as error:
        line, first = content.line_in(error, file.path), str(error).split("\n")[0]
        message = f"{file.path.name}{line}: {name} fails: {type(error).__name__}: {first}"
        raise TheoremFileError(message) from error
