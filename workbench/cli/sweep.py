"""`workbench sweep FILE.toml`: many runs into one store, resumed where they were left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.console import VIOLATED, WRONG, print_json, progress, say, status_of, store_at, table, worst

_HELP = {
    "file": "The sweep: a TOML file of fixed entries, grids and draws",
    "set": "Values of a grid, such as depth=2,4,8 or dynamics.step_size=1/8,1/16; repeat for several",
    "quick": "The grids of the file's table [quick], of a size of seconds",
    "measured": "Where the figures of trainings go whole, a .json; left out, they stay in the store",
    "table": "Where the table goes, .parquet or .csv; left out, into the store",
    "trajectories": "Where the trajectories go, .parquet or .csv, one line a record; left out, they stay in the store",
    "processes": "Runs carried side by side on this machine",
    "cluster": "In place of this machine: a Dask scheduler, tcp://HOST:8786, or slurm:partition=short",
}


def sweep_command(
    file: Annotated[Path, typer.Argument(help=_HELP["file"])],
    change: Annotated[list[str] | None, typer.Option("--set", help=_HELP["set"], metavar="NAME=VALUES")] = None,
    quick: Annotated[bool, typer.Option("--quick", help=_HELP["quick"])] = False,
    processes: Annotated[int, typer.Option(help=_HELP["processes"], min=1)] = 1,
    cluster: Annotated[str | None, typer.Option(help=_HELP["cluster"])] = None,
    table_file: Annotated[Path | None, typer.Option("--table", help=_HELP["table"])] = None,
    trajectory_file: Annotated[Path | None, typer.Option("--trajectories", help=_HELP["trajectories"])] = None,
    measured_file: Annotated[Path | None, typer.Option("--measured", help=_HELP["measured"])] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Carry every run of a sweep that the store does not have, and tabulate all of them."""
    from workbench.sweeps import execution, measured, results, specification, trajectories
    from workbench.sweeps import outcomes as ends

    changes = dict(specification.assignment(text) for text in change or [])
    template = specification.read(file, changes, quick=quick)
    cells, root = list(specification.cells(template)), store_at(store).root
    path = table_file or root / "sweeps" / f"{file.stem}{results.default_suffix()}"
    for asked in (path, trajectory_file):
        if asked is not None:
            results.check_path(asked)
    if measured_file is not None:
        measured.check_path(measured_file, template)
    begun, outcomes = time.monotonic(), []
    with _executor(cluster, root) as executor, progress(f"{file.stem}: {len(cells)} runs", len(cells)) as bar:
        for outcome in execution.execute(cells, root, processes, executor):
            outcomes.append(outcome)
            if outcome.state == ends.FAILED:
                say(f"run {_named(outcome.values)}: {outcome.row['error']}")
            bar.advance(_pace(file.stem, len(outcomes), len(cells), time.monotonic() - begun))
    results.write(outcomes, path)
    if trajectory_file is not None:
        trajectories.write(outcomes, store_at(store), trajectory_file)
    if measured_file is not None:
        measured.write(file.stem, outcomes, store_at(store), measured_file)
    states = Counter(outcome.state for outcome in outcomes)
    verdicts = Counter(str(o.row["verdict"]) for o in outcomes if o.state != ends.FAILED)
    summary = {"runs": len(cells), **{s: states[s] for s in (ends.COMPUTED, ends.FOUND, ends.FAILED)}}
    if json:
        print_json({"sweep": file.stem, **summary, "verdicts": dict(verdicts), "table": str(path)})
    else:
        print(table([[verdict, str(count)] for verdict, count in sorted(verdicts.items())], ["verdict", "runs"]))
        print(", ".join(f"{count} {word}" for word, count in summary.items()))
        print(f"table in {path}")
    raise typer.Exit(_status(verdicts, states[ends.FAILED]))


@contextmanager
def _executor(cluster: str | None, root: Path) -> Iterator[Any]:
    """Return what carries the runs elsewhere; None where they are carried here."""
    if cluster is None:
        yield None
    elif cluster.partition(":")[0] == "slurm":
        from workbench.sweeps.slurm import SlurmExecutor

        with SlurmExecutor(root / "slurm", cluster.partition(":")[2]) as executor:
            yield executor
    else:
        from workbench.sweeps.cluster import connected

        with connected(cluster, say) as executor:
            yield executor


def _named(values: Any) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "(the only one)"


def _pace(name: str, done: int, total: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    return f"{name}: {done}/{total}, {rate:.3g} runs/s, {(total - done) / rate:.0f} s left"


def _status(verdicts: Counter[str], failed: int) -> int:
    """Return the exit status: a violation beats a failure, a failure beats what is open."""
    found = worst(status_of(verdict) for verdict in verdicts)
    return WRONG if failed and found != VIOLATED else found
