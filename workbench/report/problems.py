"""The problem of a run of a report: given whole, or by the target of a linear network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import InputError, UnknownNameError


def problem(entry: Mapping[str, Any]) -> Any:
    """Return the problem that an entry gives, whole or by the target of a linear network."""
    if "problem" in entry:
        return _filled(entry["problem"], entry.get("depth"))
    target = required(entry, "target", f"the run {entry['key']!r}")
    return {
        "network": {"kind": "linear", "widths": _widths(entry, target)},
        "loss": {"kind": "square", "target": target, "normalisation": "half"},
        "start": entry.get("start", {"scheme": "identity"}),
    }


def _filled(value: Any, depth: int | None) -> Any:
    """Return a part of a problem with the depth in its place: the number itself where nothing else stands there."""
    if isinstance(value, Mapping):
        return {key: _filled(part, depth) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, depth) for part in value]
    if not isinstance(value, str) or "{depth}" not in value:
        return value
    if depth is None:
        raise InputError(f"a problem of the report has {value!r}, but its run has no depth; give depth or depths")
    return depth if value == "{depth}" else value.replace("{depth}", str(depth))


def _widths(entry: Mapping[str, Any], target: Mapping[str, Any]) -> list[int]:
    if "widths" in entry:
        return list(entry["widths"])
    depth = required(entry, "depth", f"the run {entry['key']!r}")
    values = target.get("eigenvalues") or target.get("rows") or target.get("values")
    if "shape" in target:
        values = range(target["shape"][0])
    if not isinstance(depth, int) or not values:
        raise InputError(f"the run {entry['key']!r} needs widths, or an integer depth and a target of known size")
    return [len(values)] * (depth + 1)


def required(data: Mapping[str, Any], key: str, what: str) -> Any:
    """Return an entry that must be there."""
    if key not in data:
        raise InputError(f"{what} has no {key!r}")
    return data[key]


def known(data: Mapping[str, Any], keys: Any, what: str) -> None:
    """Raise where there is an entry that means nothing."""
    for key in data:
        if key not in keys:
            raise UnknownNameError(f"entry of {what}", str(key), keys)
