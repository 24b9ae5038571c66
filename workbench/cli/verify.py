"""`workbench verify`: theorems run their examples, derivations their parts, reports their runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench import content
from workbench.cli.console import HOLDS, OPEN, VIOLATED, print_json, progress, say, status_of, store_at, table, worst
from workbench.errors import UnknownNameError
from workbench.store import Record, Store

Compute = Callable[[Store], tuple[Record, bool]]


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


@dataclass(frozen=True)
class Result:
    """What came of a task."""

    task: Task
    record: Record
    fresh: bool
    testimony: Any = None

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.record.verdict in self.task.expect.split(" or ")

    @property
    def status(self) -> int:
        """Exit status: a theorem that is violated with its hypotheses in place fails whatever was expected.

        So does an enclosure that a second computation lies outside of.
        """
        if self.testimony is not None and not self.testimony.disagreement <= 1:
            return VIOLATED
        if self.record.verdict in ("violated", "refuted") and not self.task.controlled:
            return VIOLATED
        if self.as_expected:
            return HOLDS
        return max(status_of(self.record.verdict), OPEN) if self.record.verdict != "blind" else VIOLATED


def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="Theorems, derivations, reports, or paths of files")] = None,
    derivations: Annotated[bool, typer.Option("--derivations", help="Every derivation")] = False,
    theorems: Annotated[bool, typer.Option("--theorems", help="Every theorem")] = False,
    witness: Annotated[bool, typer.Option("--witness", help="Recompute certified runs in mpmath alone")] = False,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Verify theorems, derivations and reports; with no name, every theorem and derivation."""
    tasks = _tasks(names or [], derivations=derivations, theorems=theorems)
    results: list[Result] = []
    manifests: dict[str, dict[str, str]] = {}
    where = store_at(store)
    with progress("verifying", len(tasks)) as bar:
        for task in tasks:
            record, fresh = task.compute(where)
            results.append(Result(task, record, fresh, _testimony(task) if witness else None))
            if task.report_key is not None:
                manifests.setdefault(task.report_key[0], {})[task.report_key[1]] = record.id
            bar.advance(f"{task.name}: {task.part}")
    for report, entries in manifests.items():
        where.put_manifest(report, entries)
    status = worst(result.status for result in results)
    if json:
        print_json(_document(results, status))
    else:
        header = ["name", "part", "verdict", "expected", "grade", *(["witness"] if witness else [])]
        print(table([_row(result, witness=witness) for result in results], header))
        _summarise(results, where)
    raise typer.Exit(status)


def _tasks(names: list[str], *, derivations: bool, theorems: bool) -> list[Task]:
    """Return the tasks of some names; no name means everything."""
    from workbench import theorems as statements

    everything = not names and not derivations and not theorems
    tasks: list[Task] = []
    if everything or theorems:
        tasks += [task for name in statements.catalogue() for task in _theorem_tasks(statements.load(name))]
    if everything or derivations:
        tasks += [task for name in content.modules("derivations") for task in _derivation_tasks(name)]
    for name in names:
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
        if run.derivation is not None:
            compute = _derived(run.derivation, run.depth, run.widths)
            tasks.append(Task(run.derivation, run.key, run.expect or "proved", compute, False, (stem, run.entry)))
            continue
        if run.probe is not None:
            asked = probes.read(run.probe, run.options)
            tasks.append(Task(run.probe, run.key, run.expect or "found", asked.record, True, (stem, run.entry)))
            continue
        prepared: Any = runs.read(run.experiment)
        expect = run.expect or "consistent"
        controlled = bool(prepared.without)
        key = (stem, run.entry)
        alone = None if "ensemble" in run.experiment else prepared
        tasks.append(Task(prepared.theorem.name, run.key, expect, prepared.record, controlled, key, alone))
    return tasks


def _testimony(task: Task) -> Any:
    """Return what a second computation says of a certified run, None of any other task."""
    from workbench import witness

    return witness.recompute(task.experiment) if task.experiment and witness.applies(task.experiment) else None


def _witnessed(result: Result) -> str:
    found = result.testimony
    return "-" if found is None else f"{found.disagreement:.2g} of the radius, {found.numbers} numbers"


def _row(result: Result, *, witness: bool) -> list[str]:
    mark = "" if result.as_expected else "  <-- not as expected"
    return [
        result.task.name,
        result.task.part,
        result.record.verdict,
        result.task.expect + mark,
        result.record.grade or "-",
        *([_witnessed(result)] if witness else []),
    ]


def _summarise(results: list[Result], store: Store) -> None:
    fresh = sum(result.fresh for result in results)
    wrong = sum(not result.as_expected for result in results)
    computed = f"{fresh} computed, {len(results) - fresh} found in the store {store.root}"
    if fresh == 0:
        computed = f"nothing recomputed: all {len(results)} found in the store {store.root}"
    say(f"{len(results)} verified ({computed}); {len(results) - wrong} as expected, {wrong} not")


def _document(results: list[Result], status: int) -> dict[str, Any]:
    return {
        "status": status,
        "results": [
            {
                "name": r.task.name,
                "part": r.task.part,
                "kind": r.record.kind,
                "verdict": r.record.verdict,
                "expected": r.task.expect,
                "as_expected": r.as_expected,
                "grade": r.record.grade,
                "margin": None if r.record.margin is None else float(r.record.margin),
                "margin_decimal": r.record.margin,
                "recomputed": r.fresh,
                "run_id": r.record.id,
                "witness": None if r.testimony is None else asdict(r.testimony),
            }
            for r in results
        ],
    }
