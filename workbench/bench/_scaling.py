"""How the cost of a run grows with members, depth, width and steps: fitted exponents beside the theory's.

A step of B networks takes (3L - 3) matrix products of 2 d^3 operations each, and the rest is d^2: the exponents are 1,
1, 3 and 1, where the slope against L is taken against L - 1. Fitted by least squares of logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from statistics import linear_regression, median
from typing import Any

from workbench.bench.measure import Measurement, seconds
from workbench.ensembles import Ensemble
from workbench.ensembles.descent import batch_of

_STEP = Fraction(1, 64)

# What is varied, its values, what the fit takes of a value, the theory's exponent.
_AXES: tuple[tuple[str, Sequence[int], Callable[[int], int], float], ...] = (
    ("members", (512, 1024, 2048, 4096), lambda b: b, 1.0),
    ("depth less one", (3, 5, 9, 17), lambda depth: depth - 1, 1.0),
    ("width", (4, 8, 12, 16), lambda d: d, 3.0),
    ("steps", (50, 100, 200, 400), lambda steps: steps, 1.0),
)


def measure(make: Callable[[Any], Any], runs: int) -> list[Measurement]:
    """Return the fitted exponents; `make` puts a batch on the path that is measured."""
    return [_exponent(make, axis, runs) for axis in range(len(_AXES))]


def _exponent(make: Callable[[Any], Any], axis: int, runs: int) -> Measurement:
    name, values, taken, theory = _AXES[axis]
    tasks = [_task(make, axis, value) for value in values]
    for task in tasks:
        task()
    # In turns, so that a busy machine slows all sizes alike.
    times = [[seconds(task) for task in tasks] for _ in range(runs)]
    typical = [median(turn[k] for turn in times) for k in range(len(tasks))]
    slope = linear_regression([math.log(taken(v)) for v in values], [math.log(t) for t in typical]).slope
    return Measurement(f"exponent of the cost in {name}", slope, runs, "theory", theory, unit="")


def _task(make: Callable[[Any], Any], axis: int, value: int) -> Callable[[], None]:
    count, depth, width, steps = (value if axis == k else usual for k, usual in enumerate((1024, 5, 8, 50)))
    target = {"family": "near_identity", "shape": [width, width]}
    ensemble = Ensemble((width,) * (depth + 1), target, count, (_STEP,))
    state = make(batch_of(ensemble, range(count)))
    return lambda: state.advance(0, steps)
