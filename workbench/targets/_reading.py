"""Matrices from texts and files, never evaluating what they hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from workbench.errors import InputError


def parse_text(text: str, name: str = "the target") -> Any:
    """Return what a JSON text holds; a number with a point or an exponent is a float, as JSON has it."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        # Besides bad syntax: an integer too long to read, or brackets too deep.
        raise InputError(f'{name} is not JSON ({error}); write rationals as texts: [["1/2","0"],["0","2"]]') from error


def _refuse(constant: str) -> None:
    raise InputError(f"an entry is {constant}; give finite numbers")


def read_file(path: Path) -> Any:
    """Return the matrix that a `.json`, `.csv` or `.npy` file holds, as rows or as a specification."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    suffix = path.suffix.lower()
    try:
        if suffix == ".json":
            return parse_text(path.read_text(encoding="utf-8-sig"), f"the file {path}")
        if suffix == ".csv":
            return _csv(path)
    except UnicodeDecodeError as error:
        raise InputError(f"the file {path} is not text, although it ends in {suffix}") from error
    return npy(path)


def _csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        try:
            return [[cell.strip() for cell in row] for row in csv.reader(stream, strict=True) if row]
        except csv.Error as error:
            raise InputError(f"the file {path} is not CSV: {error}") from error


def npy(path: Path) -> list[list[float | int]]:
    """Return the rows of a two-dimensional `.npy` array of numbers; never unpickles."""
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"the file {path} is not a .npy array of numbers: {error}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "iuf":
        shape = getattr(array, "shape", None)
        raise InputError(f"the file {path} holds shape {shape}; give a two-dimensional array of real numbers")
    if array.dtype.itemsize > 8:
        raise InputError(f"the file {path} holds {array.dtype}; give float64 or narrower")
    rows: list[list[float | int]] = array.tolist()
    return rows
