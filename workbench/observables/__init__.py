"""Quantities of a run: one module each, computed over any backend with the error that its arrays carry.

A name may carry a parameter where its module reads one: `p_variation:3/2`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from workbench.errors import InputError, UnknownNameError, UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._snapshot import Snapshot


def catalogue() -> list[str]:
    """Return the names of the observables: the modules of this folder."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.name.startswith("_"))


def load(name: str) -> Callable[[Snapshot], Measured]:
    """Return the function that measures an observable on a snapshot."""
    stem, colon, parameter = name.partition(":")
    if stem not in catalogue():
        raise UnknownNameError("observable", name, catalogue())
    module = import_module(f"workbench.observables.{stem}")
    measure: Callable[..., Measured] = module.measure
    if not colon:
        return measure
    if not hasattr(module, "order"):
        raise InputError(f"the observable {stem} takes no parameter, and {name!r} gives it one; write {stem}")
    return partial(measure, power=module.order(parameter))


def measured(
    name: str, measure: Callable[[Snapshot], Measured], snapshot: Snapshot, unmeasured: dict[str, str]
) -> Measured:
    """Return an observable, unknown where the run has none: a statement about it is then vacuous or undecided.

    Parameters
    ----------
    name : str
    measure : callable
        What `load(name)` returns.
    snapshot : Snapshot
    unmeasured : dict
        Takes a sentence for what there is none of, by name.
    """
    try:
        return measure(snapshot)
    except UnsupportedError as error:
        unmeasured[name] = f"{name} was not measured: {error}"
        return UNKNOWN


__all__ = ["Snapshot", "catalogue", "load", "measured"]
