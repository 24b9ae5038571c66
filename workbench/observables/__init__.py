"""Quantities of a run: one module each, computed over any backend with the error that its arrays carry."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from workbench.errors import UnknownNameError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def catalogue() -> list[str]:
    """Return the names of the observables: the modules of this folder."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.name.startswith("_"))


def load(name: str) -> Callable[[Snapshot], Measured]:
    """Return the function that measures an observable on a snapshot."""
    if name not in catalogue():
        raise UnknownNameError("observable", name, catalogue())
    measure: Callable[[Snapshot], Measured] = import_module(f"workbench.observables.{name}").measure
    return measure


__all__ = ["Snapshot", "catalogue", "load"]
