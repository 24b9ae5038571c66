"""Certified descent beside uncertified peers: processor seconds a step, the loss enclosed at every step, in one run.

Plain mpmath is `mpmath.matrix` on Python integers, what an install without gmpy2 has, in a process of its own; where
gmpy2 is here a second row has mpmath on it, which from 1000 digits on is itself near the speed of the products. PARI/GP
runs the same formulas in floating point where `gp` is on the path and keeps its last loss alone, beside a run that
records its end alone. The floor is (3L - 3) d^3 products of integers of
the run's bits, at FLINT's speed, which is GMP's. Runs are interleaved and medians taken of the steps alone: what a run
costs at its start is in them, over the steps that the row names.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from time import process_time
from typing import Any

import mpmath

from workbench import backends, dynamics, targets
from workbench.backends.integer_matrices import IntegerMatrix, library
from workbench.bench.measure import Measurement
from workbench.dynamics._fixed_point_descent import FixedPointDescent
from workbench.exact import Measured
from workbench.problem import LinearNetwork, Problem, SquareLoss
from workbench.trajectory import Arithmetic, Method, Stop

_SIZES = [(2, 4), (4, 8), (8, 16)]
_PROMISES = {50: 25.0, 200: 15.0, 1000: 8.0}
_STRUCTURED_PROMISE = 1000.0
_PARI_PROMISE = 1 / 1.5

# Small enough that eta (top + lam) <= 2 at every size: beyond it the enclosure has to grow.
_STEP_SIZES = {1: Fraction(1, 100), 2: Fraction(1, 100), 4: Fraction(1, 100), 8: Fraction(1, 200)}
_DEEP_STEP = Fraction(1, 1000)

# From the identity the first numbers are short, and cheap: a peer is timed once its mantissas are full.
_WARM_UP = 4

# A step's products are (3L - 3) d^3; a peer's run has about this many, ours sixty times as many.
_PEER_PRODUCTS = 3000

_WORKER = """
import json, sys, time
from fractions import Fraction
from workbench.bench.precision import Peer
from workbench.exact import Matrix
rows, depth, digits, eta, warm, steps = json.loads(sys.stdin.readline())
peer = Peer(Matrix.from_rows(rows), depth, digits)
peer.descend(Fraction(eta), warm)
print("ready", flush=True)
while sys.stdin.readline():
    start = time.process_time()
    peer.descend(Fraction(eta), steps)
    print((time.process_time() - start) / steps, flush=True)
"""


def measure(quick: bool = False) -> list[Measurement]:
    """Return the rows of the table."""
    sizes = _SIZES[:2] if quick else _SIZES
    digits = (50, 200) if quick else (50, 200, 1000)
    repeats = 3 if quick else 5
    found = [row for d, depth in sizes for n in digits for row in _rows(d, depth, n, repeats, structured=False)]
    found += [row for n in digits[:1] if quick or digits for row in _rows(8, 16, n, repeats, structured=True)]
    return found + _tables(quick) + ([] if quick else [_long_run()])


def problem(width: int, depth: int, *, structured: bool) -> Problem:
    """Return the problem that every row is timed on."""
    family: dict[str, Any] = {"family": "uniform", "shape": [width, width], "seed": 1}
    if structured:
        eigenvalues = [str(Fraction(k + 1, 4)) for k in range(width)]
        family = {"family": "spectrum", "eigenvalues": eigenvalues, "rotate": 1}
    return Problem(LinearNetwork((width,) * (depth + 1)), SquareLoss(targets.matrix(family)))


def step_size(depth: int) -> Fraction:
    """Return the step at which a depth is timed."""
    return _STEP_SIZES.get(depth, _DEEP_STEP)


def _products(width: int, depth: int) -> int:
    return max(3 * depth - 3, 1) * width**3


def _steps(width: int, depth: int, digits: int, *, structured: bool) -> int:
    """Return how many steps a run has: enough that its start counts little, few where a step is dear."""
    if structured:
        return 2000 if digits <= 200 else 400
    least = 400 if digits <= 50 else 150 if digits <= 200 else 30
    return max(least, min(2000, 60 * _PEER_PRODUCTS // _products(width, depth) * 50 // digits))


def _rows(width: int, depth: int, digits: int, repeats: int, *, structured: bool) -> list[Measurement]:
    """Return a run beside each of its peers."""
    given, eta = problem(width, depth, structured=structured), step_size(depth)
    steps, bits = _steps(width, depth, digits, structured=structured), [0]
    peer_steps = max(1, _PEER_PRODUCTS // _products(width, depth) * 50 // digits)

    def ours() -> float:
        method = Method("gradient_descent", Stop(steps=steps), eta)
        start = process_time()
        run = dynamics.run(given, method, Arithmetic("ball", digits, structured=structured))
        bits[0] = run.arithmetic.precision_bits or 0
        return (process_time() - start) / steps

    peers: list[tuple[str, Callable[[], float], float | None]] = []
    promise = (_STRUCTURED_PROMISE if digits == 50 else None) if structured else _PROMISES[digits]
    with _Mpmath(given, depth, digits, eta, peer_steps, gmpy=False) as plain:
        peers.append(("plain mpmath.matrix", plain.seconds, promise))
        if mpmath.libmp.BACKEND != "python":
            peers.append(("mpmath.matrix on gmpy2", _in_process(given, depth, digits, eta, peer_steps), None))
        if shutil.which("gp") is not None:
            pari = _Pari(given, depth, digits, eta, steps)
            peers.append(("PARI/GP, floating", pari.seconds, None if structured else _PARI_PROMISE))
        times = [[ours(), *(seconds() for _, seconds, _ in peers)] for _ in range(repeats)]
    mine = median(t[0] for t in times)
    quiet = median(_quiet(given, eta, bits[0], steps) for _ in range(repeats)) if not structured and library() else mine
    word = "by modes" if structured else "matrices"
    name = f"certified step, {word}, d={width}, L={depth}, {digits} digits ({steps} steps, each recorded)"
    at_the_end = name.replace("each recorded", "the end recorded")
    found = []
    for k, (peer, _, floor) in enumerate(peers, start=1):
        own, label = (quiet, at_the_end) if peer.startswith("PARI") and not structured else (mine, name)
        found.append(Measurement(label, own, repeats, peer, median(t[k] for t in times), floor=floor))
    if not structured and library() is not None:
        found.append(Measurement(at_the_end, quiet, repeats, "floor: its products", _floor(width, depth, bits[0])))
    return found


def _quiet(given: Problem, eta: Fraction, bits: int, steps: int) -> float:
    """Return the seconds of a step of a run in fixed point that records nothing but its end."""
    base = backends.load("ball", bits=bits)
    with base.session():
        start = process_time()
        method = Method("gradient_descent", Stop(steps=steps), eta)
        run = FixedPointDescent(given, base, method, ("loss",), False, None)
        run.recorder.wants = lambda step: False  # type: ignore[method-assign]
        run.run()
        return (process_time() - start) / steps


def _in_process(given: Problem, depth: int, digits: int, eta: Fraction, steps: int) -> Callable[[], float]:
    from workbench.bench.precision import Peer

    peer = Peer(given.loss.target, depth, digits)
    peer.descend(eta, _WARM_UP)

    def seconds() -> float:
        start = process_time()
        peer.descend(eta, steps)
        return (process_time() - start) / steps

    return seconds


class _Mpmath:
    """mpmath on Python integers, in a process that waits for its turn."""

    def __init__(self, given: Problem, depth: int, digits: int, eta: Fraction, steps: int, *, gmpy: bool) -> None:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
        if not gmpy:
            environment["MPMATH_NOGMPY"] = "1"
        rows = [[str(x) for x in row] for row in given.loss.target.rows]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER], stdin=pipe, stdout=pipe, text=True, env=environment
        )
        self._say(json.dumps([rows, depth, digits, str(eta), _WARM_UP, steps]))

    def _say(self, line: str) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the peer's process has no pipes")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def seconds(self) -> float:
        """Return the seconds of a step."""
        return float(self._say(""))

    def __enter__(self) -> _Mpmath:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class _Pari:
    """The same formulas in PARI/GP, floating point of the same digits, timed by itself."""

    def __init__(self, given: Problem, depth: int, digits: int, eta: Fraction, steps: int) -> None:
        target = ";".join(",".join(f"{x.numerator}/{x.denominator}" for x in row) for row in given.loss.target.rows)
        self._steps = steps
        self._script = f"""
default(realprecision,{digits});L={depth};phi=[{target}]*1.;step={eta}*1.;n=matsize(phi)[1];
W=vector(L,i,matid(n)*1.);
run(W,K)={{my(P=vector(L),B,G=vector(L),l);for(k=1,K,P[1]=W[1];for(i=2,L,P[i]=W[i]*P[i-1]);
B=P[L]-phi;l=norml2(B)/2;forstep(i=L,2,-1,G[i]=B*P[i-1]~;B=W[i]~*B);G[1]=B;for(i=1,L,W[i]=W[i]-step*G[i]));[W,l]}};
W=run(W,{_WARM_UP})[1];gettime();r=run(W,{steps});print(gettime());print(r[2]);
"""
        self.loss = 0.0

    def seconds(self) -> float:
        """Return the seconds of a step."""
        done = subprocess.run(["gp", "-q", "-f"], input=self._script, capture_output=True, text=True, check=True)
        milliseconds, loss = done.stdout.split()[:2]
        self.loss = float(loss.replace(" E", "e"))
        return float(milliseconds) / 1e3 / self._steps


def _floor(width: int, depth: int, bits: int) -> float:
    """Return the seconds of the products of a step, timed over a row of integers in one call."""
    count = 1000
    row, factor, result = IntegerMatrix(1, count), IntegerMatrix(1, 1), IntegerMatrix(1, count)
    row.fill([[(1 << bits) - 2 * k - 1 for k in range(count)]])
    factor.fill([[(1 << bits) // 3]])
    functions = library()
    if functions is None:
        return math.nan
    times = []
    for _ in range(7):
        start = process_time()
        functions.fmpz_mat_scalar_mul_fmpz(result.pointer, row.pointer, factor.entry())
        times.append(process_time() - start)
    return _products(width, depth) * median(times[1:]) / count


def _cost(width: int, depth: int, digits: int, steps: int) -> float:
    """Return the seconds of a step of a run that records its start and its end."""
    given = problem(width, depth, structured=False)
    times = []
    for _ in range(3):
        method = Method("gradient_descent", Stop(steps=steps), step_size(depth))
        start = process_time()
        dynamics.run(given, method, Arithmetic("ball", digits, structured=False))
        times.append((process_time() - start) / steps)
    return min(times)


def _tables(quick: bool) -> list[Measurement]:
    """Return the fitted exponents of the cost of a step beside the theoretical ones."""
    few = 40 if quick else 60
    sweeps: dict[str, tuple[str, list[tuple[int, float]]]] = {
        "digits": (
            "1 to 2, as a product's",
            [(n, _cost(4, 8, n, few)) for n in ((400, 800) if quick else (1000, 2000, 4000))],
        ),
        "d": ("3", [(d, _cost(d, 4, 200, few)) for d in ((8, 12) if quick else (8, 16, 24))]),
        "L": ("1", [(depth, _cost(4, depth, 200, few)) for depth in ((8, 16) if quick else (8, 16, 32, 64))]),
        "steps": ("0", [(k, _cost(2, 4, 50, k)) for k in ((500, 1000) if quick else (1000, 4000, 16000))]),
    }
    return [_exponent(name, theory, points) for name, (theory, points) in sweeps.items()]


def _exponent(name: str, theory: str, points: list[tuple[int, float]]) -> Measurement:
    """Return the least-squares slope of the logarithms, as a row whose time is that of the largest size."""
    x, y = ([math.log(value) for value in column] for column in zip(*points, strict=True))
    mean = sum(x) / len(x)
    slope = sum((a - mean) * b for a, b in zip(x, y, strict=True)) / sum((a - mean) ** 2 for a in x)
    listed = ", ".join(f"{size}: {1e6 * seconds:.3g} us" for size, seconds in points)
    return Measurement(
        f"cost of a step against {name}: exponent {slope:.2f}, in theory {theory} ({listed})", points[-1][1], 3
    )


def _long_run() -> Measurement:
    """Return how many digits 100,000 steps at d=2, L=4 lose."""
    steps, given = 100_000, problem(2, 4, structured=False)
    start = process_time()
    run = dynamics.run(
        given, Method("gradient_descent", Stop(steps=steps), step_size(4)), Arithmetic("ball", 50), keep_weights=True
    )
    seconds = process_time() - start
    bits = run.arithmetic.precision_bits or 0
    worst = max(_radius(x) for layer in (run.weights or ())[-1] for row in layer for x in row)
    lost = math.log10(worst.numerator) - math.log10(worst.denominator) + bits * math.log10(2)
    return Measurement(
        f"{steps} certified steps, d=2, L=4, weights kept: {lost:.1f} digits lost, at most 8 promised", seconds, 1
    )


def _radius(value: Measured) -> Fraction:
    return value.error or Fraction(1)
