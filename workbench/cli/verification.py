"""What `workbench verify` has to do: one task for each example of a theorem, derivation, and run of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import content
from workbench.errors import UnknownNameError
from workbench.store import Record, Store

Compute = Callable[[Store], tuple[Record, bool]]


@dataclass(frozen=True)
class Asked:
    """What the command line named: theorems, derivations, reports or paths, or whole folders of them."""

    names: tuple[str, ...] = ()
    derivations: bool = False
    theorems: bool = False


@dataclass(frozen=True)
class Task:
    """One thing to verify: how it is computed, and what is expected of it."""

    name: str
    part: str
    expect: str
    compute: Compute
    controlled: bool = False
    report_key: tuple[str, str] | None = None
    experiment: Any = None


def tasks_of(asked: Asked) -> list[Task]:
    """Return the tasks of what was asked for, always in one order; nothing named means everything."""
    from workbench import theorems as statements

    everything = asked == Asked()
    tasks: list[Task] = []
    if everything or asked.theorems:
        tasks += [task for name in statements.catalogue() for task in _theorem_tasks(statements.load(name))]
    if everything or asked.derivations:
        tasks += [task for name in content.modules("derivations") for task in _derivation_tasks(name)]
    for name in asked.names:
        tasks += _named(name)
    return tasks


def _named(name: str) -> list[Task]:
    """Return the tasks of a name or a path: of a theorem, a derivation, a report, or all that share the name."""
    from workbench import derivation, theorems

    if theorems.is_path(name):
        path = Path(name)
        if path.is_dir() and (path / "report.toml").is_file():
            return _report_tasks(name)
        if derivation.is_derivation(path):
            return _derivation_tasks(name)
        return _theorem_tasks(theorems.load(name))
    tasks: list[Task] = []
    if name in theorems.catalogue():
        tasks += _theorem_tasks(theorems.load(name))
    if name in content.modules("derivations"):
        tasks += _derivation_tasks(name)
    if name in content.reports():
        tasks += _report_tasks(name)
    if not tasks:
        known = [*theorems.catalogue(), *content.modules("derivations"), *content.reports()]
        raise UnknownNameError("theorem, derivation or report", name, known)
    return tasks


def _theorem_tasks(theorem: Any) -> list[Task]:
    from workbench import experiment
    from workbench.errors import TheoremFileError
    from workbench.sweeps import family as families

    tasks = []
    for example in theorem.examples:
        prepared = experiment.read(example.experiment, theorem)
        tasks.append(
            Task(
                theorem.name,
                example.name,
                example.expect,
                prepared.record,
                controlled=bool(prepared.without),
                experiment=prepared,
            )
        )
    for example in theorem.families:
        family = families.of_example(theorem, example)
        tasks.append(Task(theorem.name, example.name, example.expect, family.record, controlled=bool(family.without)))
    if not any(task.expect == "consistent" for task in tasks):
        raise TheoremFileError(
            f"{theorem.path.name} has no example that it expects to be consistent: nothing to verify"
        )
    return tasks


def _derivation_tasks(name: str) -> list[Task]:
    from workbench import derivation

    return [Task(derivation.load(name).name, "derivation", "proved", _derived(name))]


def _derived(name: str, depth: int | None = None, widths: tuple[int, ...] | None = None) -> Compute:
    """Return how a derivation is computed."""
    from workbench import derivation

    claim = derivation.load(name)
    return lambda store: derivation.recorded(claim, store, depth, widths)


def _report_tasks(name: str) -> list[Task]:
    from workbench import probes, report
    from workbench.sweeps import runs

    tasks = []
    # A report given by its folder is kept under the folder's own name, as `workbench report` looks for it.
    stem = Path(name).resolve().name
    for run in report.runs(name):
        if run.measured or run.sweep:
            tasks.append(_fitted(run, stem))
            continue
        if run.derivation is not None:
            compute = _derived(run.derivation, run.depth, run.widths)
            tasks.append(Task(run.derivation, run.key, run.expect or "proved", compute, False, (stem, run.entry)))
            continue
        if run.probe is not None:
            probe = probes.read(run.probe, run.options)
            tasks.append(Task(run.probe, run.key, run.expect or "found", probe.record, True, (stem, run.entry)))
            continue
        prepared: Any = runs.read(run.experiment)
        expect = run.expect or "consistent"
        controlled = bool(prepared.without)
        key = (stem, run.entry)
        alone = None if "ensemble" in run.experiment else prepared
        tasks.append(Task(prepared.theorem.name, run.key, expect, prepared.record, controlled, key, alone))
    return tasks


def _fitted(run: Any, stem: str) -> Task:
    """Return the task of a family of runs, or of a document that was measured elsewhere."""
    from workbench.sweeps import exponents, specification
    from workbench.sweeps import family as families

    key = (stem, run.entry)
    if run.measured:
        path = Path(run.measured)
        return Task(path.stem, run.key, run.expect, lambda store: exponents.record(path, store, run.beside), False, key)
    family = families.read(specification.validated(dict(run.sweep), run.key))
    return Task(family.theorem.name, run.key, run.expect or "consistent", family.record, bool(family.without), key)
