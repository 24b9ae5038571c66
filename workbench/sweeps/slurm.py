"""Jobs of SLURM, by submitit, as an executor: one job a run, so it suits runs of minutes.

Results come back through files that submitit keeps in the store, so the store must be on a disk that the nodes share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import ClusterError, InputError, MissingPackageError
from workbench.store import fingerprint

# Seconds between two looks at the jobs.
_PAUSE = 0.5

# Parameters that submitit knows on every kind of cluster; the others are SLURM's own.
_SHARED = ("timeout_min", "cpus_per_task", "mem_gb", "gpus_per_node", "name")


class SlurmExecutor(Executor):
    """Jobs of SLURM, behind the interface of `concurrent.futures`.

    Parameters
    ----------
    folder : Path
        Where submitit keeps what goes to the jobs and comes back.
    options : str
        Such as `partition=short,timeout_min=60`; `cluster=local` runs processes here, for a try.
    """

    def __init__(self, folder: Path, options: str = "") -> None:
        if find_spec("submitit") is None:
            raise MissingPackageError("submitit", "a sweep on SLURM")
        import submitit

        given = _read(options)
        try:
            self._jobs = submitit.AutoExecutor(folder=folder / "%j", cluster=given.pop("cluster", "slurm"))
            self._jobs.update_parameters(**{k if k in _SHARED else f"slurm_{k}": v for k, v in given.items()})
        except (RuntimeError, ValueError, TypeError, NameError, OSError) as error:
            raise ClusterError(f"no SLURM here, or not so: {str(error).splitlines()[0]}") from error
        self._away: dict[Future[Any], Any] = {}
        self._over, self._lock = threading.Event(), threading.Lock()
        self._watch = threading.Thread(target=self._follow, daemon=True)
        self._watch.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a call to a job of its own."""
        answer: Future[Any] = Future()
        job = self._jobs.submit(_checked, fingerprint(), fn, *args, **kwargs)
        with self._lock:
            self._away[answer] = job
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel the jobs that nobody waits for any more."""
        self._over.set()
        self._watch.join()
        for job in self._away.values():
            job.cancel()

    def _follow(self) -> None:
        while not self._over.wait(_PAUSE):
            with self._lock:
                ended = [(answer, job) for answer, job in self._away.items() if job.done()]
                for answer, _ in ended:
                    del self._away[answer]
            for answer, job in ended:
                if answer.set_running_or_notify_cancel():
                    _pass_on(answer, job)


def _pass_on(answer: Future[Any], job: Any) -> None:
    try:
        answer.set_result(job.result())
    # A job that died is told by submitit over many lines; its files tell the rest.
    except Exception as error:  # noqa: BLE001
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        answer.set_exception(ClusterError(f"job {job.job_id} gave no result: {first}; see {job.paths.stderr}"))


def _checked(sources: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a job, if it has the sources that are asked for."""
    if fingerprint() != sources:
        raise ClusterError("the job has other sources than the process that sent it")
    return fn(*args)


def _read(options: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, options.split(",")):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise InputError(f"{part!r} is no option of SLURM; write NAME=VALUE such as partition=short")
        found[name.strip()] = int(value) if value.isdecimal() else value
    return found
