"""`workbench verify`: theorems run their examples, derivations their parts, reports their runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.console import HOLDS, OPEN, VIOLATED, print_json, progress, say, status_of, store_at, table, worst
from workbench.cli.verification import Asked, Task, tasks_of
from workbench.store import Record, Store


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
    tasks = tasks_of(Asked(tuple(names or ()), derivations, theorems))
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
