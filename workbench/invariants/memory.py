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
        raise InputError(f"{what} needs {_size(needed)}, and the limit is {LIMIT / 2**30:.1f} GiB; {remedy}")


def _size(number: int) -> str:
    # A float holds no number beyond 1e308, and nobody reads so many digits.
    return f"about {number / 2**30:.1f} GiB" if number < 10**30 else "more than 1e20 GiB"
