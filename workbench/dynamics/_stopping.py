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


def proved_divergence(step: int) -> str:
    """Return the note of a run whose loss is past the bound for certain."""
    return f"divergence was proved at step {step}: the whole enclosure of the loss is above {DIVERGED:.0e}"


def unproved_divergence(step: int) -> str:
    """Return the note of a run whose enclosure was lost before its loss was past the bound for certain."""
    return (
        f"at step {step} the computed loss passed {DIVERGED:.0e}, but its enclosure does not: divergence is not proved"
    )
