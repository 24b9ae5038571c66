"""Who carries a run: a lock on a file that the kernel releases when its holder dies, however it dies.

A claim that is a file or a folder outlives a killed process; `flock` does not. The files stay, empty and harmless:
to delete one while another process opens it would let two hold the same claim.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StoreError

# Runs whose ids begin alike share a lock file, so that a store of a million runs has a few thousand of them.
_LETTERS = 3


@contextmanager
def claimed(root: Path, run_id: str, *, wait: bool = False) -> Iterator[bool]:
    """Hold the claim of a run, or say that another process holds it.

    Parameters
    ----------
    root : Path
        The store.
    run_id : str
    wait : bool
        Whether to wait for the other process, which then has finished or died.
    """
    path = root / "claims" / f"{run_id[:_LETTERS]}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"the store {root} cannot be written: {error.strerror}") from error
    try:
        yield _locked(handle, wait)
    finally:
        # Closing releases the lock.
        os.close(handle)


def _locked(handle: int, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
