"""`workbench verify`: theorems run their examples, derivations their parts, reports their runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.console import HOLDS, OPEN, VIOLATED, print_json, progress, say, status_of, store_at, table, worst
from workbench.cli.verification import Asked, Task, tasks_of
from workbench.cli.verifying import Carried, carry, sensible_processes
from workbench.store import Record, Store


@dataclass(frozen=True)
class Result:
    """What came of a task."""

    task: Task
    carried: Carried

    @property
    def record(self) -> Record:
        """What was computed, or found in the store."""
        return self.carried.record

    @property
    def testimony(self) -> Any:
        """What a second computation says of a certified run, None of any other."""
        return self.carried.testimony

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
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that share the work; left out, one a core where it pays")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Verify theorems, derivations and reports; with no name, every theorem and derivation."""
    asked = Asked(tuple(names or ()), derivations, theorems)
    tasks = tasks_of(asked)
    manifests: dict[str, dict[str, str]] = {}
    where = store_at(store)
    found: dict[int, Carried] = {}
    with progress("verifying", len(tasks)) as bar:
        for number, carried in carry(tasks, asked, where, processes or sensible_processes(len(tasks)), witness):
            found[number] = carried
            bar.advance(f"{tasks[number].name}: {tasks[number].part}")
    results = [Result(task, found[number]) for number, task in enumerate(tasks)]
    for result in results:
        if (key := result.task.report_key) is not None:
            manifests.setdefault(key[0], {})[key[1]] = result.record.id
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
    fresh = sum(result.carried.fresh for result in results)
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
                "recomputed": r.carried.fresh,
                "run_id": r.record.id,
                "witness": None if r.testimony is None else asdict(r.testimony),
            }
            for r in results
        ],
    }
