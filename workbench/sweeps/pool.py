"""A pool of processes that ends with its owner, however that ends.

A worker of `concurrent.futures` waits on a pipe of which it holds both ends: when its owner is killed it waits for
ever, and holds the owner's standard output open. Here each worker also watches its owner. An owner that is
interrupted does not wait for what its workers have begun: nothing is lost that the store would have had to keep whole.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait


@contextmanager
def pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Hold some worker processes, as a context.

    Parameters
    ----------
    processes : int
    """
    others = set(multiprocessing.active_children())
    # Spawned: a forked child would inherit the threads' locks of the numerical libraries.
    executor = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_bind_to_owner)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    executor.shutdown()


def _bind_to_owner() -> None:
    # A key press interrupts the whole group; the owner says so in a line, and its workers say nothing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_owner, daemon=True).start()


def _leave_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        wait([owner.sentinel])
        os._exit(1)
