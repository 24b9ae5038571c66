"""All polynomial first integrals up to a degree, by exact linear algebra over the rationals.

A polynomial with unknown coefficients is constant for every loss when its derivative along each generating field
vanishes: linear equations with small integers. They fall apart into blocks without common unknowns (sign symmetry
of each neuron sees to that), and each block is solved by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product
from math import gcd, prod

from workbench.errors import InputError
from workbench.invariants.exact_matrices import integers
from workbench.invariants.laws import Law
from workbench.invariants.memory import refuse_large
from workbench.invariants.systems import GROWTH, GradientFlow
from workbench.symbolic.polynomials import Polynomial, collect

# Measured: a coefficient in the sparse equations, with its share of keys, takes 200 to 430 bytes at its peak.
_BYTES_EACH = 430
# A dense entry is a Python integer in a list before it is FLINT's.
_BYTES_OF_ENTRY = 16
# Unknowns beyond this are not counted exactly: no memory holds them.
MANY = 10**24
_REMEDY = "take a smaller degree or narrower widths"

Exponents = tuple[int, ...]
Row = dict[Exponents, int]


@dataclass(frozen=True)
class _Equations:
    """Which coordinates move, and the terms of the fields that move them.

    Parameters
    ----------
    names : tuple of str
        Of weights, and with momentum of velocities behind them.
    pushes : mapping from coordinate to list of (field, product of coordinates)
        The gradient of entry `field` of W_L ... W_1 in the coordinate, or in the weight whose velocity it is.
    momentum : bool
    """

    names: tuple[str, ...]
    pushes: Mapping[int, list[tuple[int, Exponents]]]
    momentum: bool

    def column(self, monomial: Exponents, growth: int) -> Iterator[tuple[tuple[int, Exponents], int]]:
        """Yield where a monomial times e^{growth tau t} enters the equations, and with which coefficient."""
        for place, count in Counter(monomial).items():
            rest = list(monomial)
            rest.remove(place)
            for field, factors in self.pushes.get(place, ()):
                yield (field, tuple(sorted([*rest, *factors]))), count
            if self.momentum and place < len(self.names) // 2:
                yield (-1, tuple(sorted([*rest, place + len(self.names) // 2]))), count
        if self.momentum:
            speed = sum(place >= len(self.names) // 2 for place in monomial)
            yield (-1, monomial), growth - speed


def polynomial_integrals(widths: Sequence[int], degree: int, momentum: bool = False) -> list[Law]:
    """Return a basis of the polynomials up to a degree, without constants, that no loss changes.

    With momentum they are polynomials in weights and velocities times a power of e^{tau t}.

    Raises
    ------
    InputError
        If the degree is below 1 or the equations need too much memory; the message says how much.
    """
    if degree < 1:
        raise InputError(f"the degree is {degree}; it must be at least 1")
    unknowns, needed = estimated_bytes(widths, degree, momentum)
    shape = ",".join(map(str, widths))
    count = f"{unknowns}" if unknowns < MANY else "more than 1e24"
    refuse_large(f"finding {count} coefficients (degree {degree}, widths {shape})", needed, _REMEDY)
    equations = _equations(widths, momentum)
    found: list[Law] = []
    for size in range(1, degree + 1):
        for growth in range(size + 1 if momentum else 1):
            found += _of_degree(equations, size, growth, len(found))
    return found


def estimated_bytes(widths: Sequence[int], degree: int, momentum: bool = False) -> tuple[int, int]:
    """Return the number of unknowns and the memory of the equations in bytes, both before building any.

    Beyond `MANY` unknowns both are lower bounds.
    """
    weights = sum(columns * rows for columns, rows in pairwise(widths))
    paths = max(prod(widths[: j - 1]) * prod(widths[j + 1 :]) for j in range(1, len(widths)))
    coordinates = 2 * weights if momentum else weights
    # Sums over k = 1 ... degree of C(n+k-1, k), and with momentum of k C(n+k-1, k) = n C(n+k-1, k-1) more.
    unknowns = _binomial(coordinates + degree, degree) - 1
    if momentum:
        unknowns += coordinates * _binomial(coordinates + degree, degree - 1)
    return unknowns, unknowns * (degree * (paths + momentum) + momentum) * _BYTES_EACH


def _binomial(whole: int, part: int) -> int:
    """Return C(whole, part), or some number above `MANY` that it exceeds: each factor below is at least 2."""
    part = min(part, whole - part)
    value = 1
    for k in range(1, part + 1):
        value = value * (whole - part + k) // k
        if value > MANY:
            break
    return value


def nullspace(rows: Sequence[Row], unknowns: Sequence[Exponents]) -> list[dict[Exponents, int]]:
    """Return a basis of the integer vectors that solve homogeneous equations, without common factors."""
    if not rows:
        return [{unknown: 1} for unknown in unknowns]
    flat = [row.get(unknown, 0) for row in rows for unknown in unknowns]
    basis, nullity = integers(len(rows), len(unknowns), flat).nullspace()
    columns = [[int(basis[k, c]) for k in range(len(unknowns))] for c in range(nullity)]
    return [_primitive(dict(zip(unknowns, column, strict=True))) for column in columns]


def blocks(unknowns: Sequence[Exponents], rows: Sequence[Row]) -> Iterator[tuple[list[Exponents], list[Row]]]:
    """Yield the unknowns and equations that hang together."""
    parent = {unknown: unknown for unknown in unknowns}

    def root(unknown: Exponents) -> Exponents:
        while parent[unknown] != unknown:
            parent[unknown] = unknown = parent[parent[unknown]]
        return unknown

    for row in rows:
        first, *others = row
        for other in others:
            parent[root(other)] = root(first)
    members: dict[Exponents, tuple[list[Exponents], list[Row]]] = defaultdict(lambda: ([], []))
    for unknown in unknowns:
        members[root(unknown)][0].append(unknown)
    for row in rows:
        members[root(next(iter(row)))][1].append(row)
    yield from members.values()


def _of_degree(equations: _Equations, size: int, growth: int, known: int) -> list[Law]:
    unknowns = list(combinations_with_replacement(range(len(equations.names)), size))
    live, rows = _presolve(unknowns, _rows(equations, unknowns, growth))
    vectors = [vector for part in blocks(live, rows) for vector in _solve(*part)]
    first = known + 1
    return [
        Law(f"I_{number}", _polynomial(equations.names, vector, growth)) for number, vector in enumerate(vectors, first)
    ]


def _rows(equations: _Equations, unknowns: Sequence[Exponents], growth: int) -> list[Row]:
    rows: dict[tuple[int, Exponents], Row] = defaultdict(dict)
    for unknown in unknowns:
        for key, coefficient in equations.column(unknown, growth):
            rows[key][unknown] = rows[key].get(unknown, 0) + coefficient
    kept = ({unknown: c for unknown, c in row.items() if c} for row in rows.values())
    return [row for row in kept if row]


def _presolve(unknowns: Sequence[Exponents], rows: Sequence[Row]) -> tuple[list[Exponents], list[Row]]:
    """Drop unknowns that an equation alone sets to zero, and equations that say the same, until none is left."""
    zero: set[Exponents] = set()
    while True:
        alone = {next(iter(row)) for row in rows if len(row) == 1}
        if not alone:
            break
        zero |= alone
        left = ({unknown: c for unknown, c in row.items() if unknown not in alone} for row in rows)
        rows = [row for row in left if row]
    distinct = {tuple(sorted(_primitive(row).items())): row for row in rows}
    return [unknown for unknown in unknowns if unknown not in zero], list(distinct.values())


def _solve(unknowns: list[Exponents], rows: list[Row]) -> list[dict[Exponents, int]]:
    what = f"a block of {len(unknowns)} unknowns and {len(rows)} equations"
    refuse_large(what, _BYTES_OF_ENTRY * len(unknowns) * len(rows), _REMEDY)
    return nullspace(rows, unknowns)


def _equations(widths: Sequence[int], momentum: bool) -> _Equations:
    weights = GradientFlow(tuple(widths), 2).names
    place = {name: k for k, name in enumerate(weights)}
    velocities = tuple(name.replace("W", "V", 1) for name in weights)
    shift = len(weights) if momentum else 0
    pushes: dict[int, list[tuple[int, Exponents]]] = defaultdict(list)
    for path in product(*(range(1, width + 1) for width in widths)):
        # One term of entry (a, b) of W_L ... W_1 is one path from input b to output a.
        field = (path[-1] - 1) * widths[0] + path[0] - 1
        steps = [place[f"W_{j}[{path[j]},{path[j - 1]}]"] for j in range(1, len(path))]
        for k, step in enumerate(steps):
            pushes[step + shift].append((field, tuple(steps[:k] + steps[k + 1 :])))
    return _Equations(weights + velocities if momentum else weights, pushes, momentum)


def _polynomial(names: Sequence[str], vector: Mapping[Exponents, int], growth: int) -> Polynomial:
    terms = []
    for monomial, coefficient in vector.items():
        exponents = Counter(names[place] for place in monomial)
        if growth:
            exponents[GROWTH] = growth
        terms.append((tuple(sorted(exponents.items())), Fraction(coefficient)))
    return collect(terms)


def _primitive(vector: Mapping[Exponents, int]) -> dict[Exponents, int]:
    kept = {unknown: entry for unknown, entry in vector.items() if entry}
    common = gcd(*kept.values())
    if next(iter(kept.values())) < 0:
        common = -common
    return {unknown: entry // common for unknown, entry in kept.items()}
