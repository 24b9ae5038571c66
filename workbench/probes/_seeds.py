"""Where a search starts: the statement's own examples, those of the whole catalogue, and problems put together anew."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from workbench import theorems
from workbench.errors import WorkbenchError
from workbench.probes._edge_cases import random_specification, simplest
from workbench.probes._leaves import Specification, listed
from workbench.probes._moves import moved
from workbench.theorems import Theorem

# Problems put together anew that meet the hypotheses: no more than this.
_ASSEMBLED = 60

# Draws that are kept as parents of others while none, or few, meet every hypothesis.
_PARENTS = 12


def _bare(specification: Specification) -> Specification:
    """Return the problem and the dynamics alone: the search chooses the backend, and what is set aside."""
    return {"problem": listed(specification["problem"]), "dynamics": listed(specification["dynamics"])}


@cache
def _catalogue() -> tuple[tuple[frozenset[str], Specification], ...]:
    """Return the examples of the catalogue, each with the names of what its statement supposes and reads."""
    found = []
    for name in theorems.catalogue():
        try:
            theorem = theorems.load(name)
        except WorkbenchError:
            # An entry point of another package that does not load is no reason to search nowhere.
            continue
        words = _words(theorem)
        found += [(words, _bare(example.experiment)) for example in theorem.examples]
    return tuple(found)


def _words(theorem: Theorem) -> frozenset[str]:
    return frozenset((*theorem.hypothesis_texts, *theorem.observes))


def known(theorem: Theorem) -> Iterator[Specification]:
    """Yield the statement's own examples, then those of the catalogue, those of the likest statements first."""
    for example in theorem.examples:
        if {"problem", "dynamics"} <= set(example.experiment):
            yield _bare(example.experiment)
    words = _words(theorem)

    def unlike(item: tuple[frozenset[str], Specification]) -> float:
        return -len(item[0] & words) / len(item[0] | words)

    for _, specification in sorted(_catalogue(), key=unlike):
        yield specification


def assembled(
    distance_of: Callable[[Specification], float | None], random: Random, seconds: float, most: float
) -> Iterator[Specification]:
    """Yield problems that meet the hypotheses as far as they can be told before the run.

    Draws that fail the fewest are the parents of the next: one part at a time comes right.
    """
    end, last, found = time.monotonic() + seconds, time.monotonic() + most, 0
    parents: list[tuple[float, int, Specification]] = []
    plain = simplest(random)
    for number in itertools.count():
        # Where nothing was met yet, there is nothing better to do with the time than to go on.
        if found >= _ASSEMBLED or (time.monotonic() > end and (found or time.monotonic() > last)):
            return
        fresh = not parents or not random.randrange(4)
        drawn = random_specification(random) if fresh else moved(random.choice(parents)[2], random)
        specification = next(plain, drawn) if number % 2 else drawn
        distance = distance_of(specification)
        if distance is None:
            continue
        if distance == 0:
            found += 1
            yield specification
        parents = sorted([*parents, (distance, -number, specification)], key=lambda p: p[:2])[:_PARENTS]
