"""Certified runs against mpmath: seconds a step of descent, seconds a flow (`precision_flow`), as ratios in one run.

The peer of descent is `mpmath.matrix` with the same formulas (3L - 3 products, the loss at every step) at the same
digits, rounding to nearest and certifying nothing. Runs are interleaved and medians taken, so that a busy machine
slows both sides.
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
from workbench.trajectory import Arithmetic, Method, Stop, Trajectory

_QUICK_SIZES = [(2, 4, 50), (2, 4, 200), (4, 8, 50)]
_SIZES = [(d, depth, digits) for d, depth in ((2, 4), (4, 8), (8, 16)) for digits in (50, 200, 1000)]

# Small enough that eta (top + lam) <= 2 at every size: beyond it the enclosure has to grow.
_STEP_SIZES = {4: Fraction(1, 100), 8: Fraction(1, 200), 16: Fraction(1, 1000)}


# From the identity the first numbers are short, and cheap: the peer is timed once its mantissas are full.
_WARM_UP = 4


# Ratios that were asked for, by run and digits.
_PROMISES = {
    ("descent", 50): 25.0,
    ("descent", 200): 15.0,
    ("descent", 1000): 8.0,
    ("descent by modes", 50): 1000.0,
}


def measure(quick: bool = False) -> list[Measurement]:
    """Return each run beside its peer, with the ratio that was promised for it."""
    from workbench.bench import precision_flow

    return [_measurement(row) for row in _rows(quick=quick)] + precision_flow.measure(quick)


def _measurement(row: dict[str, Any]) -> Measurement:
    name = f"{row['run']}, d={row['d']}, L={row['L']}, {row['digits']} digits"
    floor = _PROMISES.get((row["run"], row["digits"]))
    return Measurement(name, row["ms"] / 1e3, row["repeats"], row["peer"], row["peer ms"] / 1e3, floor)


def _rows(*, quick: bool) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    repeats = 3 if quick else 5
    rows = [_descent(*size, repeats, structured=False) for size in (_QUICK_SIZES if quick else _SIZES)]
    return rows + [
        _descent(8, 16, digits, repeats, structured=True) for digits in ((50,) if quick else (50, 200, 1000))
    ]


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


def _descent(width: int, depth: int, digits: int, repeats: int, *, structured: bool) -> dict[str, Any]:
    given, eta = _problem(width, depth, structured=structured), _STEP_SIZES[depth]
    steps = 400 if structured else max(40, 3000 // (width**2 * depth))
    peer_steps = max(1, 600 // (width**3 * depth))
    found: list[Trajectory] = []

    def ours() -> None:
        method = Method("gradient_descent", Stop(steps=steps), eta)
        found.append(dynamics.run(given, method, Arithmetic("ball", digits, structured=structured)))

    peer = Peer(given.loss.target, depth, digits)
    peer.descend(eta, _WARM_UP)
    mine, theirs, _ = _interleaved(ours, lambda: peer.descend(eta, peer_steps), repeats)
    return {
        "run": "descent by modes" if structured else "descent",
        "d": width,
        "L": depth,
        "digits": digits,
        "steps": steps,
        "repeats": repeats,
        "ms": 1e3 * mine / steps,
        "peer": f"mpmath.matrix on {mpmath.libmp.BACKEND}",
        "peer ms": 1e3 * theirs / peer_steps,
        "ratio": theirs / peer_steps / (mine / steps),
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
