"""What a report is made of: its `report.toml`, read and checked.

Top level: `title`, `subtitle`, `abstract`. `[[runs]]`: `key`, and either `derivation` (with `depth`, `widths`) or a
`theorem` with `depth` or `widths`, `target`, `start`, `dynamics`, `parameters`, `step_size`, one of `steps`, `time`,
`until_loss` (with `most`), `backend`, `without`, `ensemble` (as in a sweep: the target then has no seed); `expect`;
`claim`, the words of its line in the first table. In place of `depth` and `target` there may be a whole `problem`, with
`{depth}` where the depth stands; in place of all of it `sweep`, the data of a family that a theorem about a limit is
judged on, or `measured`, a document of `workbench sweep --measured` in the report's folder, with
`beside`, the slopes of statistics that are read elsewhere.
`depths = [2, 4]` and `spectra = [[...], ...]` make one run for each,
with keys `KEY.0`, `KEY.1`, ...; so does `grid = { depth, width, condition }` for each combination of its lists.
A run may be a `probe` instead, with `options`: those of `workbench probe`, by name.
`[[sections]]`: `heading`, `words`, `statement` (a run's key), `figures`, `table` (`head`, `widths`, `rows` of words),
`exponents` (`run`, `statistics`, `heads`: fitted slopes of a measured document), `compare` (keys of runs side by
side), `derivation` (a run's key), `probe` (a run's key).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.report.problems import known, problem, required
from workbench.store import digest

_RUN = (
    "key theorem derivation depth depths widths size spectra target start dynamics parameters step_size steps time "
    "until_loss most backend without ensemble grid expect claim problem sweep measured beside probe options"
).split()
_SECTION = ("heading", "words", "statement", "figures", "table", "exponents", "compare", "derivation", "probe")
_FIGURE = {
    "envelope": ("kind", "run", "of", "caption"),
    "steps": ("kind", "runs", "over", "caption"),
    "saddle": ("kind", "runs", "caption"),
    "map": ("kind", "runs", "of", "label", "caption"),
    "depth": ("kind", "run", "of", "labels", "series", "caption"),
    "limit": ("kind", "runs", "caption"),
    "probe": ("kind", "run", "caption"),
}


@dataclass(frozen=True)
class PlannedRun:
    """One result that a report needs.

    Parameters
    ----------
    key : str
    expect : str or None
    claim : str
        Words of its line in the table of claims; empty leaves it out.
    experiment : mapping
        A specification, for a theorem.
    derivation, depth, widths
        For a derivation.
    sweep : mapping
        The data of a family, its theorem among them.
    measured : str
        Path of a measured document.
    beside : mapping
        Slopes read elsewhere, by statistic.
    probe : str or None
    options : mapping
        For a probe.
    """

    key: str
    expect: str | None = None
    claim: str = ""
    experiment: Mapping[str, Any] = field(default_factory=dict)
    derivation: str | None = None
    depth: int | None = None
    widths: tuple[int, ...] | None = None
    sweep: Mapping[str, Any] = field(default_factory=dict)
    measured: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    probe: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> str:
        """Name in the manifest: the key with a digest of what is asked, so that an edited run is a missing one."""
        sizes = None if self.widths is None else list(self.widths)
        fitted = [dict(self.sweep), _content(self.measured), dict(self.beside)]
        asked = [dict(self.experiment), self.derivation, self.depth, sizes, *fitted]
        return f"{self.key}@{digest(asked if self.probe is None else [self.probe, dict(self.options)])}"

    @property
    def group(self) -> str:
        """Key of the entry that it comes from; several runs may come from one."""
        return self.key.partition(".")[0]


@dataclass(frozen=True)
class Section:
    """A section of a report."""

    heading: str
    words: str = ""
    statement: str = ""
    figures: tuple[Mapping[str, Any], ...] = ()
    compare: tuple[str, ...] = ()
    derivation: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)
    exponents: Mapping[str, Any] = field(default_factory=dict)
    probe: str = ""


@dataclass(frozen=True)
class Plan:
    """A report's plan."""

    name: str
    title: str
    subtitle: str
    abstract: str
    runs: list[PlannedRun]
    sections: list[Section]

    def group(self, key: str) -> list[str]:
        """Return the keys of a group of runs, in order; a single run is its own group."""
        return [run.key for run in self.runs if run.key == key or run.key.startswith(f"{key}.")]


def read_plan(folder: Path) -> Plan:
    """Return the plan in a report's folder."""
    path = folder / "report.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    known(data, ("title", "subtitle", "abstract", "runs", "sections"), "the report")
    runs = [planned for entry in data.get("runs", []) for planned in _runs(entry, folder)]
    keys = [run.key for run in runs]
    for key in keys:
        if keys.count(key) > 1:
            raise InputError(f"two runs of the report are called {key!r}; give each its own key")
    plan = Plan(
        name=folder.resolve().name,
        title=str(required(data, "title", "the report")),
        subtitle=str(data.get("subtitle", "")),
        abstract=str(data.get("abstract", "")),
        runs=runs,
        sections=[_section(entry) for entry in data.get("sections", [])],
    )
    _check_references(plan)
    return plan


def _content(path: str) -> str:
    """Return a measured document's text, empty where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the report measures by {path}, which cannot be read: {error}") from error


def _runs(entry: Mapping[str, Any], folder: Path) -> list[PlannedRun]:
    """Return the runs of one entry: several where it lists depths or spectra."""
    known(entry, _RUN, "a run of the report")
    key = str(required(entry, "key", "a run of the report"))
    expect, claim = entry.get("expect"), str(entry.get("claim", ""))
    if "derivation" in entry:
        widths = entry.get("widths")
        sizes = None if widths is None else tuple(widths)
        return [PlannedRun(key, expect, claim, {}, str(entry["derivation"]), entry.get("depth"), sizes)]
    if "measured" in entry:
        path, beside = str(folder / str(entry["measured"])), entry.get("beside", {})
        return [PlannedRun(key, expect or "measured", claim, measured=path, beside=beside)]
    if "sweep" in entry:
        theorem = required(entry, "theorem", f"the run {key!r}")
        return [PlannedRun(key, expect, claim, sweep={**entry["sweep"], "theorem": theorem})]
    if "probe" in entry:
        options = entry.get("options", {})
        return [PlannedRun(key, expect, claim, probe=str(entry["probe"]), options=options)]
    if "depths" in entry:
        variants = [{**entry, "depth": depth} for depth in entry["depths"]]
    elif "grid" in entry:
        variants = list(_combined(entry))
    elif "spectra" in entry:
        family = {"family": "spectrum", **entry.get("target", {})}
        variants = [{**entry, "target": family | {"eigenvalues": values}} for values in entry["spectra"]]
    else:
        return [PlannedRun(key, expect, claim, _experiment(entry))]
    return [PlannedRun(f"{key}.{n}", expect, claim, _experiment(variant)) for n, variant in enumerate(variants)]


def _combined(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an entry for each depth, width and condition number of a grid."""
    grid = entry["grid"]
    known(grid, ("depth", "width", "condition"), f"the grid of the run {entry['key']!r}")
    for depth, width, condition in product(*(grid.get(name, [None]) for name in ("depth", "width", "condition"))):
        own = {"shape": [width, width], "condition": condition}
        target = {**entry.get("target", {}), **{k: v for k, v in own.items() if v not in (None, [None, None])}}
        yield {**entry, "depth": entry.get("depth") if depth is None else depth, "target": target}


def _experiment(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification that an entry abbreviates."""
    stop = {name: entry[name] for name in ("steps", "time", "until_loss", "most") if name in entry}
    dynamics: dict[str, Any] = {"name": entry.get("dynamics", "gradient_descent"), "stop": stop}
    for name in ("step_size", "parameters"):
        if name in entry:
            dynamics[name] = entry[name]
    return {
        "theorem": required(entry, "theorem", f"the run {entry['key']!r}"),
        "problem": problem(entry),
        "dynamics": dynamics,
        "backend": entry.get("backend", {"name": "float64"}),
        "without": entry.get("without", []),
        **({"ensemble": entry["ensemble"]} if "ensemble" in entry else {}),
    }


def _section(entry: Mapping[str, Any]) -> Section:
    known(entry, _SECTION, "a section of the report")
    figures = []
    for figure in entry.get("figures", []):
        kind = str(required(figure, "kind", "a figure of the report"))
        if kind not in _FIGURE:
            raise UnknownNameError("figure", kind, _FIGURE)
        known(figure, _FIGURE[kind], f"the figure {kind!r}")
        figures.append(dict(figure))
    return Section(
        str(required(entry, "heading", "a section of the report")),
        str(entry.get("words", "")),
        str(entry.get("statement", "")),
        tuple(figures),
        tuple(entry.get("compare", ())),
        str(entry.get("derivation", "")),
        _table(entry.get("table", {})),
        _exponents(entry.get("exponents", {})),
        str(entry.get("probe", "")),
    )


def _table(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a table of words, its rows as long as its head."""
    if table:
        known(table, ("head", "widths", "rows"), "a table of the report")
        head, rows = required(table, "head", "a table"), required(table, "rows", "a table")
        if any(len(row) != len(head) for row in [*rows, table.get("widths", head)]):
            raise InputError(f"a table of the report has {len(head)} columns; give each row as many cells")
    return dict(table)


def _exponents(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a table of fitted slopes is made of."""
    if asked:
        known(asked, ("run", "statistics", "heads"), "a table of exponents")
        for name in ("run", "statistics", "heads"):
            required(asked, name, "a table of exponents")
        if len(asked["statistics"]) != len(asked["heads"]):
            raise InputError("a table of exponents has not one head for each statistic")
    return dict(asked)


def _check_references(plan: Plan) -> None:
    """Raise where a section names a run that there is not."""
    for section in plan.sections:
        named = [section.statement, section.derivation, section.probe, *section.compare]
        named.append(str(section.exponents.get("run", "")))
        for figure in section.figures:
            named += [str(figure.get("run", "")), *figure.get("runs", [])]
        for key in named:
            if key and not plan.group(key):
                raise UnknownNameError("run of the report", key, [run.key for run in plan.runs])
