"""Refuse what needs too much memory before it starts, with its size."""

from __future__ import annotations

from workbench.errors import InputError

# What one question may take; a laptop has several times as much.
LIMIT = 2**30


def refuse_large(what: str, needed: int, remedy: str) -> None:
    """Refuse a computation that needs more memory than the limit.

    Parameters
    ----------
    what : str
        What is to be computed, and its size in its own terms.
    needed : int
        Bytes.
    remedy : str
        What to ask instead.

    Raises
    ------
    InputError
        If it is too large.
    """
    if needed > LIMIT:
        raise InputError(f"{what} needs about {_size(needed)}, and the limit is {_size(LIMIT)}; {remedy}")


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB"
