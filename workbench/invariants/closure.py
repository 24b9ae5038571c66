"""The rank of everything that brackets of the generating fields reach, at a random point modulo a prime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.invariants import jets
from workbench.invariants.exact_matrices import residues
from workbench.invariants.jets import State
from workbench.invariants.systems import Control, System

# Least number of fields drawn between two eliminations: one that does not raise the rank already says that a level
# is exhausted.
_BATCH = 4
# A bracket of length n costs 3^n products; a count that stops here says that it did.
_LONGEST = 10


@dataclass(frozen=True)
class Closure:
    """What the brackets span at one point.

    Parameters
    ----------
    rank : int
        Certainly not above the rank at a generic point over the rationals.
    brackets : tuple of int
        How many fields of each bracket length 0, 1, ... were evaluated.
    exhausted : bool
        Whether the rank reached the ceiling, or brackets of one more length left it as it was: then it is the rank
        of the whole Lie closure, but for an unlucky point. Otherwise the brackets became too long to go on.
    rows : flint.nmod_mat
        The rank's rows, reduced.
    """

    rank: int
    brackets: tuple[int, ...]
    exhausted: bool
    rows: Any


def bracket(system: System, controls: Sequence[Control], state: State) -> State:
    """Return the nested bracket [X_n, [... [X_1, X_0]]] at a state, with [X, Y] = DY X - DX Y."""
    if len(controls) == 1:
        return system.field(controls[0], state)
    outer = controls[-1]
    moved = bracket(system, controls[:-1], jets.lift(state, system.field(outer, state)))
    turned = system.field(outer, jets.lift(state, jets.value(moved)))
    pairs = zip(jets.derivative(moved), jets.derivative(turned), strict=True)
    return [jets.minus(along, back) for along, back in pairs]


def lie_closure(system: System, seed: int, ceiling: int) -> Closure:
    """Return the rank of the Lie closure at a random point.

    Nested brackets with one generating field at a time span the closure, and so do those of random combinations:
    a field drawn at random that does not raise the rank means that none of its length does, but for a chance of
    degree over prime.

    Parameters
    ----------
    ceiling : int
        No more is looked for than this rank: the laws found leave room for no more.
    """
    search = _Search(system, seed)
    for length in range(_LONGEST):
        before = search.rank
        search.level(length, ceiling)
        if search.rank >= ceiling or (length and search.rank == before):
            return search.result(exhausted=True)
    return search.result(exhausted=False)


class _Search:
    """The state of one elimination."""

    def __init__(self, system: System, seed: int) -> None:
        self._system, self._seed = system, seed
        self._point = system.point(seed)
        self._drawn = 0
        self._counts: list[int] = []
        self._basis: list[list[int]] = []
        self._rows: Any = None

    @property
    def rank(self) -> int:
        return len(self._basis)

    def level(self, length: int, ceiling: int) -> None:
        """Draw fields of one bracket length until one does not raise the rank."""
        self._counts.append(0)
        grown = size = 1
        while grown == size and self.rank < ceiling:
            size = min(max(_BATCH, self.rank // 4), ceiling - self.rank)
            before = self.rank
            self._eliminate([self._field(length) for _ in range(size)])
            grown = self.rank - before

    def result(self, exhausted: bool) -> Closure:
        """Return what was found."""
        return Closure(self.rank, tuple(self._counts), exhausted, self._rows)

    def _field(self, length: int) -> list[int]:
        controls = [self._system.control(self._seed, self._drawn + k) for k in range(length + 1)]
        self._drawn += length + 1
        self._counts[-1] += 1
        return jets.flatten(bracket(self._system, controls, self._point))

    def _eliminate(self, fields: list[list[int]]) -> None:
        self._rows, self._basis = reduced(self._basis + fields, self._system.prime)


def reduced(rows: Sequence[Sequence[int]], prime: int) -> tuple[Any, list[list[int]]]:
    """Return the reduced row echelon form modulo a prime without zero rows, as a matrix and as lists."""
    form, rank = residues(len(rows), len(rows[0]), [entry for row in rows for entry in row], prime).rref()
    basis = [[int(entry) for entry in row] for row in form.tolist()[:rank]]
    flat = [entry for row in basis for entry in row]
    return residues(rank, len(rows[0]), flat, prime), basis
