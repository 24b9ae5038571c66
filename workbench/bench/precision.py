"""Certified runs against mpmath: a step of descent (`precision_descent`), a flow, as ratios within one run.

The peer of descent is `mpmath.matrix` with the same formulas (3L - 3 products, the loss at every step) at the same
digits, rounding to nearest and certifying nothing. The peer of the flow is `mpmath.odefun`. Runs are interleaved and
medians taken, so that a busy machine slows both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from typing import Any

import mpmath

from workbench import dynamics, targets
from workbench.bench.measure import Measurement
from workbench.exact import Matrix, Measured, decimal_text
from workbench.problem import LinearNetwork, Problem, SquareLoss
from workbench.trajectory import Arithmetic, Method, Stop

# Ratios that were asked for, by run and digits.
_PROMISES = {
    ("flow to t = 5", 76): 8.0,
}


def measure(quick: bool = False) -> list[Measurement]:
    """Return each run beside its peer, with the ratio that was promised for it."""
    from workbench.bench import precision_descent

    return precision_descent.measure(quick) + [_measurement(row) for row in _rows(quick=quick)]


def _measurement(row: dict[str, Any]) -> Measurement:
    name = f"{row['run']}, d={row['d']}, L={row['L']}, {row['digits']} digits"
    floor = _PROMISES.get((row["run"], row["digits"]))
    return Measurement(name, row["ms"] / 1e3, row["repeats"], row["peer"], row["peer ms"] / 1e3, floor)


def _rows(*, quick: bool) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    flows = [(2, 2, 20, "1")] if quick else [(2, 2, 50, "5"), (2, 3, 76, "5")]
    return [_flow(*size) for size in flows]


def _problem(width: int, depth: int, *, structured: bool) -> Problem:
    family: dict[str, Any] = {"family": "uniform", "shape": [width, width], "seed": 1}
    if structured:
        eigenvalues = [str(Fraction(k + 1, 4)) for k in range(width)]
        family = {"family": "spectrum", "eigenvalues": eigenvalues, "rotate": 1}
    return Problem(LinearNetwork((width,) * (depth + 1)), SquareLoss(targets.matrix(family)))


def _interleaved(ours: Callable[[], Any], peer: Callable[[], Any], repeats: int) -> tuple[float, float, float]:
    """Return the median seconds of both sides, and the median ratio of neighbours."""
    pairs = [(_seconds(ours), _seconds(peer)) for _ in range(repeats)]
    return median(p[0] for p in pairs), median(p[1] for p in pairs), median(p[1] / p[0] for p in pairs)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _flow(width: int, depth: int, digits: int, end: str) -> dict[str, Any]:
    given, found = _problem(width, depth, structured=False), []

    def ours() -> None:
        method = Method("gradient_flow", Stop(time=Fraction(end)))
        found.append(dynamics.run(given, method, Arithmetic("ball", digits)))

    peer = Peer(given.loss.target, depth, digits)
    mine, theirs, ratio = _interleaved(ours, lambda: peer.flow(Fraction(end)), 1)
    return {
        "run": f"flow to t = {end}",
        "d": width,
        "L": depth,
        "digits": digits,
        "repeats": 1,
        "ms": 1e3 * mine,
        "peer": f"mpmath.odefun on {mpmath.libmp.BACKEND}",
        "peer ms": 1e3 * theirs,
        "ratio": ratio,
        "bits": found[-1].arithmetic.precision_bits,
        "error": _error(found[-1].observables["loss"][-1]),
    }


def _error(value: Measured) -> str | None:
    return decimal_text(value.error, 2)


class Peer:
    """The same dynamics in plain mpmath, from the identity.

    Parameters
    ----------
    target : Matrix, shape (d, d)
    depth : int
    digits : int
    """

    def __init__(self, target: Matrix, depth: int, digits: int) -> None:
        self._mp: Any = mpmath.MPContext()
        self._mp.dps = digits
        self._depth, self._size = depth, target.shape[0]
        rows = [[self._mp.mpf(x.numerator) / x.denominator for x in row] for row in target.rows]
        self._target = self._mp.matrix(rows)
        self._layers = [self._mp.eye(self._size) for _ in range(depth)]

    def _gradients(self, layers: list[Any]) -> tuple[Any, list[Any]]:
        prefixes = [layers[0]]
        for layer in layers[1:]:
            prefixes.append(layer * prefixes[-1])
        suffix = prefixes[-1] - self._target
        loss = sum((x * x for x in suffix), self._mp.zero) / 2
        gradients = []
        for index in range(self._depth - 1, 0, -1):
            gradients.append(suffix * prefixes[index - 1].T)
            suffix = layers[index].T * suffix
        return loss, [suffix, *reversed(gradients)]

    def descend(self, step_size: Fraction, steps: int) -> Any:
        """Go on for some steps, and return the loss before the last."""
        eta = self._mp.mpf(step_size.numerator) / step_size.denominator
        loss = self._mp.zero
        for _ in range(steps):
            loss, gradients = self._gradients(self._layers)
            self._layers = [w - eta * g for w, g in zip(self._layers, gradients, strict=True)]
        return loss

    def flow(self, end: Fraction) -> Any:
        """Return the weights at a time, a flat list."""
        size = self._size

        def field(_: Any, flat: list[Any]) -> list[Any]:
            blocks = [flat[k * size * size : (k + 1) * size * size] for k in range(self._depth)]
            layers = [self._mp.matrix(size, size) for _ in blocks]
            for layer, block in zip(layers, blocks, strict=True):
                for place, value in enumerate(block):
                    layer[place // size, place % size] = value
            return [-x for g in self._gradients(layers)[1] for x in g]

        start = [x for _ in range(self._depth) for x in self._mp.eye(size)]
        return self._mp.odefun(field, 0, start)(self._mp.mpf(end.numerator) / end.denominator)
