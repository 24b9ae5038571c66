"""Errors a user may see: each says what was given, what was wanted, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Base of every error that the workbench raises on purpose."""


class InputError(WorkbenchError, ValueError):
    """A value or a text from the user does not mean what it should."""


class ShapeError(InputError):
    """Matrices or widths do not fit together."""


class UnknownNameError(WorkbenchError, LookupError):
    """A name is in no catalogue; the message carries the nearest known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(set(known))
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names)}"
        super().__init__(f"no {kind} is called {name!r}; {hint}")


class UnsupportedError(WorkbenchError, ValueError):
    """The parts exist, but not in this combination."""


class MissingPackageError(WorkbenchError, ImportError):
    """An optional package is not installed; the message carries the command that installs it."""

    def __init__(self, package: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package}: install it with `pip install {package}`")


class DeviceError(WorkbenchError, RuntimeError):
    """The device asked for is not on this machine."""


class StoreError(WorkbenchError, RuntimeError):
    """A store is missing a record, holds a stale one, or one whose bytes do not match their hash."""


class DamagedRecordError(StoreError):
    """A record does not hold what its name and its hash say."""


class TheoremFileError(InputError):
    """A theorem or derivation file lacks a part that it must have."""


class InconsistentError(WorkbenchError, ArithmeticError):
    """Two computations that must agree do not: a fault of the workbench, never of the user."""


class ClusterError(WorkbenchError, RuntimeError):
    """A cluster cannot be reached, or has no worker that computes with the present sources."""


class WorkerDiedError(WorkbenchError, RuntimeError):
    """A process that shared the work was killed."""
