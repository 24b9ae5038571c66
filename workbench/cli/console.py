"""What the commands share: the store, progress on standard error, JSON on standard output, exit statuses."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.store import Store

HOLDS, VIOLATED, WRONG, OPEN = 0, 1, 2, 3

# Version of the JSON documents that the commands print.
JSON_FORMAT = 1

# Nothing is shown of work that is over in this many seconds.
_PATIENCE = 2.0

# What was left blank on purpose is as it was asked for.
_STATUS = {
    "consistent": HOLDS,
    "blank": HOLDS,
    "measured": HOLDS,
    "proved": HOLDS,
    "found": HOLDS,
    "no change": HOLDS,
    "none found": HOLDS,
    "violated": VIOLATED,
    "refuted": VIOLATED,
    "blind": VIOLATED,
}


def store_at(path: Path | None) -> Store:
    """Return the store that was asked for: an option, else `$WORKBENCH_STORE`, else `./.workbench`."""
    return Store(path or Path(os.environ.get("WORKBENCH_STORE") or ".workbench"))


def status_of(verdict: str) -> int:
    """Return the exit status of a verdict."""
    return _STATUS.get(verdict, OPEN)


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status of several results: 1 beats 3 beats 0."""
    found = set(statuses)
    return VIOLATED if VIOLATED in found else OPEN if OPEN in found else HOLDS


def read_widths(text: str) -> tuple[int, ...]:
    """Return the widths d_0 ... d_L that a user wrote.

    Raises
    ------
    InputError
        If they are not at least two positive integers.
    """
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts) or len(parts) < 2:
        raise InputError(f"the widths are {text!r}; give at least two positive integers such as 2,3,2")
    return tuple(int(part) for part in parts)


def print_json(document: dict[str, Any]) -> None:
    """Print one versioned JSON document."""
    print(json.dumps({"format": JSON_FORMAT, **document}, indent=2, ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """Print a line to standard error."""
    print(text, file=sys.stderr)


class Progress:
    """A progress bar that appears after two seconds, on a terminal only."""

    def __init__(self, title: str, total: int | None) -> None:
        self._title, self._total = title, total
        self._done = 0
        self._bar: Any = None
        self._task: Any = None
        self._timer = threading.Timer(_PATIENCE, self._show)
        self._lock = threading.Lock()
        self._over = False

    def _show(self) -> None:
        with self._lock:
            if self._over:
                return
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, completed=self._done)

    def start(self) -> None:
        """Begin to wait."""
        if sys.stderr.isatty():
            self._timer.daemon = True
            self._timer.start()

    def advance(self, title: str | None = None) -> None:
        """Count one piece of work as done, and name the next."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._task, completed=self._done, description=title or self._title)

    def stop(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """Show progress of what happens inside, if it takes long."""
    bar = Progress(title, total)
    bar.start()
    try:
        yield bar
    finally:
        bar.stop()


def table(rows: list[list[str]], header: list[str]) -> str:
    """Return a plain table, columns aligned."""
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([texts[0], "  ".join("-" * width for width in widths), *texts[1:]])
