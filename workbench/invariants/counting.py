"""Count the independent conservation laws of a network, and say whether those found are all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workbench.errors import InconsistentError
from workbench.invariants.closure import Closure, lie_closure
from workbench.invariants.integrals import polynomial_integrals
from workbench.invariants.laws import (
    Law,
    balancedness_laws,
    check_constant,
    gradients,
    independent,
    momentum_laws,
    point_of,
)
from workbench.invariants.memory import refuse_large
from workbench.invariants.systems import GradientFlow, HeavyBallFlow, System, checked_widths

# 2^61 - 1 and the largest prime below it, 2^61 - 31: products of two residues fit FLINT's two-word arithmetic.
PRIMES = (2**61 - 1, 2**61 - 31)
# An entry of a gradient or a bracket is a Python integer in a list before it is FLINT's.
_BYTES_OF_ENTRY = 48


@dataclass(frozen=True)
class Witness:
    """The ranks at one point modulo one prime."""

    prime: int
    seed: int
    closure: Closure
    law_rank: int


@dataclass(frozen=True)
class Census:
    """How many independent laws there are, and which were found.

    Parameters
    ----------
    widths : tuple of int
    momentum : bool
        Heavy-ball flow in place of gradient flow.
    dimension : int
        Number of coordinates: weights; with momentum also velocities and time.
    laws : tuple of Law
        Those found that are independent of each other.
    witnesses : tuple of Witness
        One for each prime.
    degree : int or None
        Up to which all polynomial integrals were looked for.
    """

    widths: tuple[int, ...]
    momentum: bool
    dimension: int
    laws: tuple[Law, ...]
    witnesses: tuple[Witness, ...]
    degree: int | None = None

    @property
    def count(self) -> int:
        """Number of independent laws valid for every loss: dimension minus the rank of the Lie closure."""
        return self.dimension - self.witnesses[0].closure.rank

    @property
    def missing(self) -> int:
        """Number of laws that are not accounted for by those found."""
        return self.count - len(self.laws)

    @property
    def complete(self) -> bool:
        """Whether the ranks prove that no law is missing."""
        return self.missing == 0

    @property
    def certificate(self) -> dict[str, Any]:
        """What another needs to repeat the count."""
        return {
            "widths": list(self.widths),
            "dynamics": "heavy ball" if self.momentum else "gradient flow",
            "dimension": self.dimension,
            "primes": [witness.prime for witness in self.witnesses],
            "point_seeds": [witness.seed for witness in self.witnesses],
            "lie_rank": self.witnesses[0].closure.rank,
            "law_rank": self.witnesses[0].law_rank,
            "brackets": [list(witness.closure.brackets) for witness in self.witnesses],
            "exhausted": all(witness.closure.exhausted for witness in self.witnesses),
        }


def census(widths: Sequence[int], momentum: bool = False, degree: int | None = None, seed: int = 0) -> Census:
    """Count the laws of a linear network's flow that hold for every loss, and find them.

    Parameters
    ----------
    widths : sequence of int
        d_0 ... d_L.
    momentum : bool
        Heavy-ball flow in place of gradient flow.
    degree : int, optional
        Look also for all polynomial integrals up to this degree.
    seed : int
        Of the points at which ranks are taken; the second point has the next seed.

    Raises
    ------
    InputError
        If the widths are no network, or the degree needs too much memory.
    InconsistentError
        If two primes or a law and a bracket contradict each other.

    References
    ----------
    Marcotte, Gribonval and Peyre (2023), arXiv:2307.00144; (2024), arXiv:2405.12888.
    """
    sizes = checked_widths(widths)
    laws, coordinates = counting_size(sizes, momentum)
    shape = ",".join(map(str, sizes))
    needed = _BYTES_OF_ENTRY * (laws + coordinates) * coordinates
    refuse_large(f"counting among {coordinates} coordinates (widths {shape})", needed, "take narrower widths")
    kind = HeavyBallFlow if momentum else GradientFlow
    known = momentum_laws(sizes) if momentum else balancedness_laws(sizes)
    candidates = known if degree is None else [*known, *polynomial_integrals(sizes, degree, momentum)]
    systems = [kind(sizes, prime) for prime in PRIMES]
    results = [_witness(system, candidates, seed + k) for k, system in enumerate(systems)]
    found, witnesses = results[0][0], tuple(witness for _, witness in results)
    check_agreement(witnesses)
    return Census(sizes, momentum, len(systems[0].names), tuple(found), witnesses, degree)


def counting_size(widths: Sequence[int], momentum: bool) -> tuple[int, int]:
    """Return the number of laws known beforehand and the number of coordinates."""
    weights = sum(a * b for a, b in pairwise(widths))
    laws = sum(width * (width - 1 if momentum else width + 1) // 2 for width in widths[1:-1])
    return laws, 2 * weights + 1 if momentum else weights


def check_agreement(witnesses: Sequence[Witness]) -> None:
    """Check that the ranks at every prime and point are the same.

    Raises
    ------
    InconsistentError
        If they are not.
    """
    ranks = {(witness.closure.rank, witness.law_rank) for witness in witnesses}
    if len(ranks) > 1:
        raise InconsistentError(f"the ranks (brackets, laws) differ between primes: {sorted(ranks)}; take another seed")


def _witness(system: System, laws: Sequence[Law], seed: int) -> tuple[list[Law], Witness]:
    names, prime = system.names, system.prime
    rows = gradients(laws, names, point_of(system, seed), prime)
    found = independent(laws, rows, prime)
    closure = lie_closure(system, seed, ceiling=len(names) - len(found))
    check_constant(laws, rows, closure.rows, prime)
    return found, Witness(prime, seed, closure, len(found))
