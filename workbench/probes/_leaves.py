"""The numbers of a specification as the coordinates of a search, and what it looks like at other values.

Numbers of one part that agree but for their sign are one coordinate, so that equal layers stay equal and a symmetric
target stays symmetric; set free, every entry is a coordinate of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp
from typing import Any

from workbench.errors import InputError
from workbench.exact import rational

Specification = dict[str, Any]
Path = tuple[str | int, ...]

# Where a specification holds numbers that a search may move; what else it holds is its structure.
_PARTS: tuple[Path, ...] = (
    ("problem", "loss", "target", "rows"),
    ("problem", "loss", "target", "eigenvalues"),
    ("problem", "loss", "inputs", "rows"),
    ("problem", "start", "weights"),
    ("problem", "start", "matrix"),
    ("problem", "start", "scale"),
    ("dynamics", "step_size"),
    ("dynamics", "parameters"),
    ("dynamics", "stop", "time"),
)

# Significant digits of a number that a search tries: every trial is exact, and few are long.
_DIGITS = 4

# Largest logarithm of a factor, and largest move of a free entry in units of its size.
_FARTHEST = 6.0


@dataclass(frozen=True)
class Coordinate:
    """One number, at one or more places.

    Parameters
    ----------
    part : Path
    places : tuple of (Path, int)
        Where it stands, and with which sign.
    value : Fraction
    """

    part: Path
    places: tuple[tuple[Path, int], ...]
    value: Fraction

    def moved(self, by: float, *, free: bool) -> Fraction:
        """Return the value a step away: a factor where the sign is kept, a sum where it is free."""
        held = max(-_FARTHEST, min(_FARTHEST, by))
        value = float(self.value)
        found = value + held * max(1.0, abs(value)) if free else value * exp(held)
        return Fraction(f"{found:.{_DIGITS}g}")


def at(specification: Any, path: Path) -> Any:
    """Return what stands at a place, None where there is none."""
    found = specification
    for key in path:
        if not isinstance(found, dict | list | tuple) or (isinstance(found, dict) and key not in found):
            return None
        found = found[key]  # type: ignore[index]
    return found


def _numbers(value: Any, path: Path) -> Iterator[tuple[Path, Fraction]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))
    elif value is not None:
        try:
            yield path, rational(value)
        except InputError:
            # A named operation or the word "largest": structure, not a coordinate.
            return


def coordinates(specification: Specification, *, free: bool = False) -> list[Coordinate]:
    """Return the coordinates of a specification; those at zero only where every entry is free."""
    found: list[Coordinate] = []
    for part in _PARTS:
        groups: dict[Any, list[tuple[Path, int]]] = {}
        for path, value in _numbers(at(specification, part), part):
            sign = -1 if value < 0 else 1
            if value or free:
                groups.setdefault(path if free else abs(value), []).append((path, 1 if free else sign))
        for places in groups.values():
            path, sign = places[0]
            found.append(Coordinate(part, tuple(places), sign * rational(at(specification, path))))
    return found


def placed(specification: Specification, chosen: Sequence[tuple[Coordinate, Fraction]]) -> Specification:
    """Return the specification with other values at its coordinates."""
    found = copy.deepcopy(specification)
    for coordinate, value in chosen:
        for path, sign in coordinate.places:
            *parents, last = path
            holder = at(found, tuple(parents))
            holder[last] = str(sign * value)
    return found


def listed(value: Any) -> Any:
    """Return a copy of JSON data whose tuples are lists, which a search can write into."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value
