"""What a report is made of: its `report.toml`, read and checked.

Top level: `title`, `subtitle`, `abstract`. `[[runs]]`: `key`, and either `derivation` (with `depth`, `widths`) or a
`theorem` with `depth` or `widths`, `target`, `start`, `dynamics`, `parameters`, `step_size`, one of `steps`, `time`,
`until_loss` (with `most`), `backend`, `without`, `ensemble` (as in a sweep: the target then has no seed); `expect`;
`claim`, the words of its line in the first table. `depths = [2, 4]` and `spectra = [[...], ...]` make one run for each,
with keys `KEY.0`, `KEY.1`, ...; so does `grid = { depth, width, condition }` for each combination of its lists.
A run may be a `probe` instead, with `options`: those of `workbench probe`, by name.
`[[sections]]`: `heading`, `words`, `statement` (a run's key), `figures`, `compare` (keys of runs side by side),
`derivation` (a run's key), `probe` (a run's key).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.store import digest

_RUN = (
    "key theorem derivation depth depths widths size spectra target start dynamics parameters step_size steps time "
    "until_loss most backend without ensemble grid expect claim probe options"
).split()
_SECTION = ("heading", "words", "statement", "figures", "compare", "derivation", "probe")
_FIGURE = {
    "envelope": ("kind", "run", "of", "caption"),
    "steps": ("kind", "runs", "over", "caption"),
    "saddle": ("kind", "runs", "caption"),
    "map": ("kind", "runs", "of", "label", "caption"),
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
    probe: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> str:
        """Name in the manifest: the key with a digest of what is asked, so that an edited run is a missing one."""
        sizes = None if self.widths is None else list(self.widths)
        asked = [dict(self.experiment), self.derivation, self.depth, sizes]
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
    _known(data, ("title", "subtitle", "abstract", "runs", "sections"), "the report")
    runs = [planned for entry in data.get("runs", []) for planned in _runs(entry)]
    keys = [run.key for run in runs]
    for key in keys:
        if keys.count(key) > 1:
            raise InputError(f"two runs of the report are called {key!r}; give each its own key")
    plan = Plan(
        name=folder.resolve().name,
        title=str(_required(data, "title", "the report")),
        subtitle=str(data.get("subtitle", "")),
        abstract=str(data.get("abstract", "")),
        runs=runs,
        sections=[_section(entry) for entry in data.get("sections", [])],
    )
    _check_references(plan)
    return plan


def _runs(entry: Mapping[str, Any]) -> list[PlannedRun]:
    """Return the runs of one entry: several where it lists depths or spectra."""
    _known(entry, _RUN, "a run of the report")
    key = str(_required(entry, "key", "a run of the report"))
    expect, claim = entry.get("expect"), str(entry.get("claim", ""))
    if "derivation" in entry:
        widths = entry.get("widths")
        sizes = None if widths is None else tuple(widths)
        return [PlannedRun(key, expect, claim, {}, str(entry["derivation"]), entry.get("depth"), sizes)]
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
    _known(grid, ("depth", "width", "condition"), f"the grid of the run {entry['key']!r}")
    for depth, width, condition in product(*(grid.get(name, [None]) for name in ("depth", "width", "condition"))):
        own = {"shape": [width, width], "condition": condition}
        target = {**entry.get("target", {}), **{k: v for k, v in own.items() if v not in (None, [None, None])}}
        yield {**entry, "depth": entry.get("depth") if depth is None else depth, "target": target}


def _experiment(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification that an entry abbreviates."""
    key = entry["key"]
    target = _required(entry, "target", f"the run {key!r}")
    stop = {name: entry[name] for name in ("steps", "time", "until_loss", "most") if name in entry}
    dynamics: dict[str, Any] = {"name": entry.get("dynamics", "gradient_descent"), "stop": stop}
    for name in ("step_size", "parameters"):
        if name in entry:
            dynamics[name] = entry[name]
    return {
        "theorem": _required(entry, "theorem", f"the run {key!r}"),
        "problem": {
            "network": {"kind": "linear", "widths": _widths(entry, target)},
            "loss": {"kind": "square", "target": target, "normalisation": "half"},
            "start": entry.get("start", {"scheme": "identity"}),
        },
        "dynamics": dynamics,
        "backend": entry.get("backend", {"name": "float64"}),
        "without": entry.get("without", []),
        **({"ensemble": entry["ensemble"]} if "ensemble" in entry else {}),
    }


def _widths(entry: Mapping[str, Any], target: Mapping[str, Any]) -> list[int]:
    if "widths" in entry:
        return list(entry["widths"])
    depth = _required(entry, "depth", f"the run {entry['key']!r}")
    values = target.get("eigenvalues") or target.get("rows") or target.get("values")
    if "shape" in target:
        values = range(target["shape"][0])
    if not isinstance(depth, int) or not values:
        raise InputError(f"the run {entry['key']!r} needs widths, or an integer depth and a target of known size")
    return [len(values)] * (depth + 1)


def _section(entry: Mapping[str, Any]) -> Section:
    _known(entry, _SECTION, "a section of the report")
    figures = []
    for figure in entry.get("figures", []):
        kind = str(_required(figure, "kind", "a figure of the report"))
        if kind not in _FIGURE:
            raise UnknownNameError("figure", kind, _FIGURE)
        _known(figure, _FIGURE[kind], f"the figure {kind!r}")
        figures.append(dict(figure))
    return Section(
        str(_required(entry, "heading", "a section of the report")),
        str(entry.get("words", "")),
        str(entry.get("statement", "")),
        tuple(figures),
        tuple(entry.get("compare", ())),
        str(entry.get("derivation", "")),
        str(entry.get("probe", "")),
    )


def _check_references(plan: Plan) -> None:
    """Raise where a section names a run that there is not."""
    for section in plan.sections:
        named = [section.statement, section.derivation, section.probe, *section.compare]
        for figure in section.figures:
            named += [str(figure.get("run", "")), *figure.get("runs", [])]
        for key in named:
            if key and not plan.group(key):
                raise UnknownNameError("run of the report", key, [run.key for run in plan.runs])


def _required(data: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in data:
        raise InputError(f"{what} has no {key!r}")
    return data[key]


def _known(data: Mapping[str, Any], keys: Any, what: str) -> None:
    for key in data:
        if key not in keys:
            raise UnknownNameError(f"entry of {what}", str(key), keys)
