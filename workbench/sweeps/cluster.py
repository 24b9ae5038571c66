"""The workers of a Dask cluster as an executor: the scheduler is the claim, and it repeats what a dead worker held.

Every worker says by which sources it would compute; one that has others is refused, by a line, and its runs go to the
rest. The check is made where the run arrives as well, since workers come and go.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import ClusterError, InputError, MissingPackageError
from workbench.store import fingerprint

# Seconds to find the scheduler, and between two looks for a worker with the same sources.
_PATIENCE = 10.0
_PAUSE = 0.5

_LOST = "the connection to the cluster was lost"


@dataclass(frozen=True)
class Refusal:
    """What a worker with other sources answers.

    Parameters
    ----------
    worker : str
        Its address.
    """

    worker: str


class ClusterExecutor(Executor):
    """Workers of a Dask cluster, behind the interface of `concurrent.futures`.

    Parameters
    ----------
    client : distributed.Client
    say : callable
        Takes a line for the user.
    """

    def __init__(self, client: Any, say: Callable[[str], None]) -> None:
        self._client, self._say = client, say
        self._sources = fingerprint()
        self._refused: set[str] = set()

    def vet(self) -> None:
        """Ask every worker for its sources.

        Raises
        ------
        ClusterError
            If no worker has the sources of this process.
        """
        for worker, sources in self._client.run(fingerprint, on_error="return").items():
            if sources != self._sources:
                self._refuse(worker, None if isinstance(sources, str) else sources)
        if not self._accepted():
            why = "all workers were refused" if self._refused else "no workers; start one with `dask worker`"
            raise ClusterError(f"the cluster {self._client.scheduler.address} has {why}")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a call to a worker that has not been refused."""
        answer: Future[Any] = Future()
        self._send(answer, fn, args, kwargs)
        return answer

    def _send(self, answer: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        where: dict[str, Any] = {}
        if self._refused:
            # Should all of these die, the run still goes somewhere, and is refused there rather than lost.
            where = {"workers": self._accepted(), "allow_other_workers": True}
        try:
            sent = self._client.submit(_vetted, self._sources, fn, *args, pure=False, **where, **kwargs)
        # A client that has lost its scheduler raises what it likes.
        except Exception as error:
            raise ClusterError(_LOST) from error
        sent.add_done_callback(lambda done: self._arrived(done, answer, fn, args, kwargs))

    def _arrived(self, done: Any, answer: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Pass on what came of a call; whatever goes wrong here must not leave anyone waiting."""
        try:
            if done.status not in ("finished", "error"):
                raise ClusterError(_LOST)
            found = done.result()
            if isinstance(found, Refusal):
                self._refuse(found.worker, None)
                if not self._accepted():
                    raise ClusterError("only workers with other sources are left")
                self._send(answer, fn, args, kwargs)
            elif answer.set_running_or_notify_cancel():
                answer.set_result(found)
        except Exception as error:  # noqa: BLE001
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)

    def _refuse(self, worker: str, error: object) -> None:
        if worker not in self._refused:
            self._refused.add(worker)
            why = "has other sources than this process" if error is None else f"has no workbench to run ({error})"
            self._say(f"the worker {worker} {why} and is refused; install the same workbench there")

    def _accepted(self) -> list[str]:
        return sorted(set(self._client.nthreads()) - self._refused)


def _vetted(sources: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Call a function on a worker, if it has the sources that are asked for."""
    if fingerprint() == sources:
        return fn(*args)
    from distributed import get_worker

    # A refusal is quick, and an idle worker gets the next run: leave the others time to be idle too.
    time.sleep(_PAUSE)
    return Refusal(get_worker().address)


def _reach(address: str) -> None:
    """Raise unless something listens at an address: a client that finds nobody is slow to give up, and loud."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not port:
        raise InputError(f"the cluster {address!r} is no address; give that of a scheduler, such as tcp://host:8786")
    try:
        socket.create_connection((parts.hostname, port), _PATIENCE).close()
    except OSError as error:
        raise ClusterError(f"no scheduler answers at {address}: {error.strerror or error}") from error


@contextmanager
def connected(address: str, say: Callable[[str], None]) -> Iterator[ClusterExecutor]:
    """Connect to the scheduler of a cluster.

    Parameters
    ----------
    address : str
        Such as `tcp://10.0.0.1:8786`.
    say : callable
        Takes a line for the user.
    """
    if find_spec("distributed") is None:
        raise MissingPackageError("distributed", "a sweep on a cluster")
    _reach(address)
    from distributed import Client

    # A lost connection is told by the runs that it costs.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"no scheduler answers at {address}: {str(error).splitlines()[0]}") from error
    with client:
        executor = ClusterExecutor(client, say)
        executor.vet()
        yield executor
