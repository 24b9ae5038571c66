"""What measured trainings say in depth: slopes, roughness, and how near successive depths are, as one record.

The document is the one that `workbench sweep --measured` wrote. Its runs are told apart by what varied beside the
depth, and each such series is fitted: a slope is the least-squares one of ln(statistic) in ln(depth) over the deeper
half of its depths, every member a point, with a band of two standard errors. Nothing here proves anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import InputError
from workbench.exact import rational
from workbench.rates import fitted_slope
from workbench.store import Record, Store, digest, fingerprint

FORMAT = 1

# Statistics whose power of the depth is fitted.
SLOPES = (
    "branch_norm",
    "scale_norm",
    "effective_norm",
    "rescaled_increment",
    "increment_root_sum_of_squares",
    "root_sum_of_squares",
    "effective_root_sum_of_squares",
    "two_variation",
)

# Below this a statistic is zero up to rounding, and has no exponent.
_NOTHING = 1e-13


def record(path: Path, store: Store | None = None, beside: Mapping[str, str] | None = None) -> tuple[Record, bool]:
    """Return the record of a measured document, and whether it was made now rather than found.

    Parameters
    ----------
    path : Path
    store : Store, optional
    beside : mapping of str to str, optional
        Slopes of statistics that are read elsewhere: how far each fitted one is from them is kept too.
    """
    document = _document(path)
    asked: dict[str, Any] = {"kind": "measured", "name": path.stem, "document": digest(document)}
    asked["beside"] = dict(beside or {})
    found = None if store is None else store.current(asked)
    if found is not None:
        return found, False
    made = _record(path.stem, document, asked)
    for series in made.payload["series"]:
        for statistic, slope in series["slopes"].items():
            if statistic in asked["beside"]:
                slope["beside"] = float(rational(asked["beside"][statistic], f"the slope of {statistic}"))
                slope["difference"] = slope["value"] - slope["beside"]
    if store is not None:
        store.put(made)
    return made, True


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is no measured document: {error}; `workbench sweep --measured` writes one") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("runs"), list):
        raise InputError(f"{path} has no runs in the format {FORMAT}; `workbench sweep --measured` writes them")
    return found


def _record(name: str, document: Mapping[str, Any], asked: dict[str, Any]) -> Record:
    runs = document["runs"]
    return Record(
        kind="measured",
        name=name,
        specification=asked,
        fingerprint=fingerprint(),
        title="Figures of trained residual networks, fitted over the depth.",
        statement="",
        standing="measured",
        hypotheses=[],
        source={},
        files=[],
        verdict="measured",
        grade="estimate",
        margin=None,
        error=None,
        payload={
            "sweep": str(document.get("sweep", name)),
            "runs": len(runs),
            "members": sum(len(run["members"]) for run in runs),
            "converged": sum(member["status"] == "converged" for run in runs for member in run["members"]),
            "diverged": sum(not _sound(member) for run in runs for member in run["members"]),
            "deepest": max((run["depth"] for run in runs), default=0),
            "seconds": float(sum(run["seconds"] for run in runs)),
            "series": [_series(key, found) for key, found in _split(runs).items()],
        },
    )


def _split(runs: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the runs of each series by a key made of what varied beside the depth."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        key = ",".join(f"{name}={value}" for name, value in run["values"].items() if name != "depth")
        found.setdefault(key or "all", []).append(run)
    return {key: sorted(members, key=lambda run: int(run["depth"])) for key, members in found.items()}


def _series(key: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of one series."""
    deepest = [member for member in runs[-1]["members"] if _sound(member)]
    return {
        "key": key,
        "values": {name: str(value) for name, value in runs[0]["values"].items() if name != "depth"},
        "depths": [run["depth"] for run in runs],
        "statistics": {name: [_mean(run, name) for run in runs] for name in _known(runs)},
        "slopes": {name: slope for name in SLOPES if (slope := _slope(runs, name)) is not None},
        "hoelder": _across([_hoelder(member, runs[-1]["depth"]) for member in deepest]),
        "between_depths": _between(runs),
    }


def _known(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the statistics that are single numbers."""
    names = dict.fromkeys(name for run in runs for member in run["members"] for name in member)
    others = ("seed", "rate", "status")
    return [
        name
        for name in names
        if name not in others
        and all(isinstance(m.get(name), int | float | None) for run in runs for m in run["members"])
    ]


def _sound(member: Mapping[str, Any]) -> bool:
    return member["status"] != "diverged" and member.get("branch_norm") is not None


def _values(run: Mapping[str, Any], name: str) -> list[float]:
    found = (member.get(name) for member in run["members"] if _sound(member))
    return [float(value) for value in found if value is not None]


def _mean(run: Mapping[str, Any], name: str) -> float | None:
    values = _values(run, name)
    return float(np.mean(values)) if values else None


def _slope(runs: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any] | None:
    """Return the slope in the depth over the deeper half, None where there is nothing to fit."""
    deeper = runs[len(runs) // 2 :] if len(runs) > 3 else runs
    points = [(run["depth"], value) for run in deeper for value in _values(run, name) if value > _NOTHING]
    depths = sorted({depth for depth, _ in points})
    if len(depths) < 2:
        return None
    x, y = (np.log(np.array(column, dtype=float)) for column in zip(*points, strict=True))
    slope, error = fitted_slope(x, y)
    band = 2 * error if len(points) > 2 else None
    return {"value": slope, "band": band, "from": depths[0], "to": depths[-1]}


def _hoelder(member: Mapping[str, Any], depth: int) -> float | None:
    """Return the slope of the structure function over lags up to a sixteenth of the depth.

    The quadratic variation over every s-th point, over the number of its increments, is its square at the lag s.
    """
    variation = member.get("quadratic_variation") or []
    lags = [2**j for j in range(len(variation)) if 2**j * 16 <= depth]
    squares = [variation[j] / ((depth - 1) // lag) for j, lag in enumerate(lags)]
    if len(lags) < 2 or min(squares) <= _NOTHING**2:
        return None
    return fitted_slope(np.log(np.array(lags, dtype=float)), np.log(np.array(squares)) / 2)[0]


def _across(values: Sequence[float | None]) -> dict[str, Any] | None:
    """Return the mean over the members with two standard errors, None where no member has one."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    band = 2 * float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else None
    return {"value": float(np.mean(known)), "band": band, "members": len(known)}


def _between(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the largest distance of the first member's rescaled weights between successive depths."""
    kept = [(run["depth"], run["members"][0].get("profile")) for run in runs]
    known = [(depth, np.array(profile)) for depth, profile in kept if profile]
    return [
        {
            "from": shallow,
            "to": deep,
            "distance": float(np.linalg.norm(after - before, axis=1).max()),
            "size": float(np.linalg.norm(after, axis=1).max()),
        }
        for (shallow, before), (deep, after) in pairwise(known)
    ]
