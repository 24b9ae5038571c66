"""Reports: from the store to a PDF.

A report is a folder with a `report.toml`: what to run, the words, the figures. `workbench verify NAME` runs it and
keeps a manifest; `build` reads the records that the manifest names and typesets them. Nothing is computed here, and
a store that is missing something or stale is refused.
"""

from __future__ import annotations

from pathlib import Path

from workbench import content
from workbench.errors import StoreError, UnknownNameError
from workbench.report.plan import Plan, PlannedRun, read_plan
from workbench.store import Record, Store


def folder(name: str) -> Path:
    """Return the folder of a report, by name or by path."""
    path = Path(name)
    if (path / "report.toml").is_file():
        return path
    known = content.reports()
    if name not in known:
        raise UnknownNameError("report", name, known)
    return known[name]


def runs(name: str) -> list[PlannedRun]:
    """Return what a report needs to have run."""
    return read_plan(folder(name)).runs


def records(plan: Plan, store: Store, asked: str | None = None) -> dict[str, Record]:
    """Return the records of a report by key.

    Parameters
    ----------
    plan : Plan
    store : Store
    asked : str, optional
        The report as the user named it, for the message.

    Raises
    ------
    StoreError
        If one is missing or stale; the message names the command that computes it.
    """
    advice = f"run `workbench verify {asked or plan.name}` first"
    manifest = store.manifest(plan.name)
    found: dict[str, Record] = {}
    for run in plan.runs:
        record = store.get(manifest[run.entry]) if run.entry in manifest else None
        if record is None:
            raise StoreError(f"the store {store.root} has no result for {run.key!r} of this report; {advice}")
        if not record.is_current():
            raise StoreError(f"the result for {run.key!r} is stale: the sources have changed since; {advice}")
        found[run.key] = record
    return found


def build(name: str, store: Store, output: Path | None = None) -> Path:
    """Typeset a report and return where the PDF is.

    Parameters
    ----------
    name : str
        A report's name, or its folder.
    store : Store
    output : path, optional
        By default `reports/NAME/NAME.pdf` beside its `report.toml`, or in the current folder where that is not
        writable (a report of the installed package).
    """
    from workbench.report.document import typeset

    where = folder(name)
    plan = read_plan(where)
    pdf = typeset(plan, records(plan, store, name))
    target = output or _default(where, plan.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(pdf)
    except OSError as error:
        raise StoreError(f"the report cannot be written to {target}: {error.strerror}") from error
    return target


def _default(where: Path, name: str) -> Path:
    installed = "_content" in where.parts
    return Path("reports") / name / f"{name}.pdf" if installed else where / f"{name}.pdf"
