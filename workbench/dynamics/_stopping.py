"""When a descent ends."""

from __future__ import annotations

from workbench.errors import UnsupportedError
from workbench.trajectory import Method

# A loss past this is a run that diverged, in every arithmetic alike.
DIVERGED = 1e100


def number_of_steps(method: Method) -> int:
    """Return the number of steps that a run takes at most."""
    stop = method.stop
    if stop.steps is not None:
        return stop.steps
    if stop.time is not None and method.step_size:
        return int(stop.time / method.step_size)
    raise UnsupportedError("a run needs steps, a time or a loss to stop at")
