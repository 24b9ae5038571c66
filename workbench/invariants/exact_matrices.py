"""Matrices over the integers and modulo a prime, from python-flint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import MissingPackageError


def residues(rows: int, columns: int, entries: Sequence[int], prime: int) -> Any:
    """Return a matrix modulo a prime, its entries row by row."""
    return _flint().nmod_mat(rows, columns, entries, prime)


def integers(rows: int, columns: int, entries: Sequence[int]) -> Any:
    """Return a matrix of integers, its entries row by row."""
    return _flint().fmpz_mat(rows, columns, entries)


def _flint() -> Any:
    try:
        import flint
    except ImportError as error:
        raise MissingPackageError("python-flint", "the linear algebra of conservation laws") from error
    return flint
