"""Certified flows: processor seconds beside `mpmath.odefun` and heyoka in one run, and what the cost grows with.

The peers certify nothing: `mpmath.odefun` has a heuristic for its error, heyoka rounds to nearest. heyoka is timed
where it can be imported (the extra `taylor`), without the time it takes to compile. Exponents are those of one
expansion, nearly all the work of a step: by theory (3L - 3) d^3 N^2 / 2 products of numbers with b bits, N = 0.35 b.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from math import log
from statistics import median
from time import process_time
from typing import Any

import mpmath

from workbench import dynamics
from workbench.backends import load
from workbench.bench.measure import Measurement
from workbench.bench.precision import Peer, random_problem
from workbench.dynamics._taylor import ingredients
from workbench.networks import build
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Stop

# 256 bits are 77 decimal digits.
_FLOOR, _FLOOR_DIGITS, _FLOOR_BITS = 8.0, 77, 256

# The largest sizes promised are to finish; this is far from what they take on an idle machine.
_LIMIT = 300.0


def measure(quick: bool = False) -> list[Measurement]:
    """Return the flows beside their peers, those that promise to finish, and the fitted exponents."""
    found = [_beside_odefun(2, 2, 20, "1", None) if quick else _beside_odefun(2, 3, _FLOOR_DIGITS, "5", _FLOOR)]
    if find_spec("heyoka") is not None:
        found.append(_beside_heyoka(2, 2, 70, "1") if quick else _beside_heyoka(2, 3, _FLOOR_BITS, "5"))
    if not quick:
        found += [_alone(2, 2, 200, "10"), _alone(4, 4, 50, "10")]
    return found + _exponents(quick=quick)


def seconds(task: Callable[[], object]) -> float:
    """Return the seconds of the processor that a task takes: ours and the peers' run in one thread."""
    start = process_time()
    task()
    return process_time() - start


def _run(width: int, depth: int, digits: int, end: str) -> Callable[[], object]:
    given = random_problem(width, depth, structured=False)
    method = Method("gradient_flow", Stop(time=Fraction(end)))
    return lambda: dynamics.run(given, method, Arithmetic("ball", digits))


def _named(width: int, depth: int, digits: int, end: str) -> str:
    return f"flow to t = {end}, d={width}, L={depth}, {digits} digits"


def _beside_odefun(width: int, depth: int, digits: int, end: str, floor: float | None) -> Measurement:
    peer = Peer(random_problem(width, depth, structured=False).loss.target, depth, digits)
    task = _run(width, depth, digits, end)
    own = [seconds(task) for _ in range(3)]
    theirs = seconds(lambda: peer.flow(Fraction(end)))
    label = f"mpmath.odefun on {mpmath.libmp.BACKEND}"
    return Measurement(_named(width, depth, digits, end), median(own), 3, label, theirs, floor)


def _beside_heyoka(width: int, depth: int, bits: int, end: str) -> Measurement:
    digits = round(bits * 0.30103)
    given = random_problem(width, depth, structured=False)
    ours, theirs = _run(width, depth, digits, end), []
    own = []
    for _ in range(3):
        own.append(seconds(ours))
        # A propagation starts from where the last one ended: each is compiled anew, outside of the clock.
        theirs.append(seconds(heyoka_flow(given, bits, end)))
    name = f"{_named(width, depth, digits, end)}, floating peer"
    return Measurement(name, median(own), 3, f"heyoka real, {bits} bits", median(theirs))


def heyoka_flow(problem: Problem, bits: int, end: str) -> Callable[[], Any]:
    """Return the propagation of the flow from the identity by heyoka, compiled; its state is the result.

    Parameters
    ----------
    problem : Problem
        A square linear network that starts at the identity.
    bits : int
    end : str
        Flow time.
    """
    import heyoka

    size, depth = problem.network.widths[0], problem.depth
    names = [f"w{k}" for k in range(depth * size * size)]
    flat = heyoka.make_vars(*names)
    layers = [[flat[(i * size + r) * size : (i * size + r + 1) * size] for r in range(size)] for i in range(depth)]

    def product(a: Any, b: Any) -> Any:
        return [[heyoka.sum([x * y for x, y in zip(r, c, strict=True)]) for c in zip(*b, strict=True)] for r in a]

    def transposed(a: Any) -> Any:
        return [list(column) for column in zip(*a, strict=True)]

    def number(value: Fraction) -> Any:
        return heyoka.real(value.numerator, bits) / heyoka.real(value.denominator, bits)

    prefixes = [layers[0]]
    for layer in layers[1:]:
        prefixes.append(product(layer, prefixes[-1]))
    targets = [[number(Fraction(str(x))) for x in row] for row in problem.loss.target.rows]
    suffix = [[x - y for x, y in zip(*rows, strict=True)] for rows in zip(prefixes[-1], targets, strict=True)]
    gradients = []
    for i in range(depth - 1, 0, -1):
        gradients.append(product(suffix, transposed(prefixes[i - 1])))
        suffix = product(transposed(layers[i]), suffix)
    rates = [-x for g in (suffix, *reversed(gradients)) for row in g for x in row]
    start = [heyoka.real(int(r == c), bits) for _ in range(depth) for r in range(size) for c in range(size)]
    pairs = list(zip(flat, rates, strict=True))
    solver = heyoka.taylor_adaptive(pairs, start, fp_type=heyoka.real, prec=bits, compact_mode=True)

    def propagate() -> Any:
        solver.propagate_until(number(Fraction(end)))
        return solver.state

    return propagate


def _alone(width: int, depth: int, digits: int, end: str) -> Measurement:
    name, task = _named(width, depth, digits, end), _run(width, depth, digits, end)
    return Measurement(name, seconds(task), 1, limit=_LIMIT)


def _exponents(*, quick: bool) -> list[Measurement]:
    """Return the growth of an expansion's cost with digits, width and depth, beside the theory's."""
    digits = (50, 100, 200) if quick else (50, 100, 200, 400)
    # Products of numbers at both ends, in the same run: what the theory's last factor costs here.
    growth = _slope(digits, [_multiplication(n) for n in digits])
    widths, depths = ((2, 4, 8), (3, 6, 12)) if quick else ((2, 4, 8, 16), (3, 6, 12, 24))
    return [
        _fitted("digits", digits, [(2, 3, n) for n in digits], f"2 + {growth:.2f} of one multiplication"),
        _fitted("width", widths, [(d, 3, 50) for d in widths], "3"),
        _fitted("depth - 1", [n - 1 for n in depths], [(2, n, 50) for n in depths], "1"),
    ]


def _fitted(name: str, along: Any, sizes: list[tuple[int, int, int]], theory: str) -> Measurement:
    times = [_expansion(*size) for size in sizes]
    ends = f"{along[0]} to {along[-1]}"
    return Measurement(
        f"one expansion, exponent of {name} over {ends}: {_slope(along, times):.2f}, theory {theory}", times[-1], 3
    )


def _slope(along: Any, times: list[float]) -> float:
    """Return the least-squares slope of the logarithms."""
    x, y = [log(n) for n in along], [log(t) for t in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    top = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return top / sum((a - mean_x) ** 2 for a in x)


def _expansion(width: int, depth: int, digits: int) -> float:
    """Return the median seconds of one expansion, at the order that the digits take."""
    given = random_problem(width, depth, structured=False)
    backend = load("ball", bits=round(digits / 0.30103))
    with backend.session():
        series, _ = ingredients(given, backend)
        # A third away from the identity, so that mantissas are full.
        third = Fraction(1, 3)
        start = tuple(backend.scale(third, p).mid() for p in build(given, backend).parameters)
        return median(seconds(lambda: series.expand(start, round(digits * 1.15))) for _ in range(3))


def _multiplication(digits: int) -> float:
    """Return the seconds of a thousand products of numbers with so many digits."""
    backend: Any = load("ball", bits=round(digits / 0.30103))
    with backend.session():
        row = backend.matrix([[Fraction(1, 3 + k) for k in range(1000)]])
        column = row.transpose()
        return median(seconds(lambda: row * column) for _ in range(9))
