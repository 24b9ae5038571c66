"""The shape of a family of data: rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import InputError
from workbench.exact import rational


def sizes(shape: Sequence[Any], example: str) -> tuple[int, int]:
    """Return rows and columns, both positive integers."""
    found = [rational(x, "a size") for x in shape]
    if len(found) != 2 or any(size.denominator != 1 or size < 1 for size in found):
        raise InputError(f"the shape is {list(shape)}; give rows and columns, such as {example}")
    return int(found[0]), int(found[1])


def count(value: Any, name: str) -> int:
    """Return a positive integer."""
    number = rational(value, name)
    if number.denominator != 1 or number < 1:
        raise InputError(f"{name} is {value}; give a positive integer")
    return int(number)
