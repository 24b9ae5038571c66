"""How many members are carried at once: what a member takes, and what there is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.ensembles.plan import Plan
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.ensembles.members import Ensemble

_DOUBLE = 8

# A fraction with its two integers and its place in a row.
_EXACT = 120

# Arrays of the size of all layers: the layers and the prefixes; the velocities; all suffixes where errors are bounded;
# the midpoint rule's five with the copy that a look for a stall compares with, and two more where steps are doubled.
_DESCENT, _MOMENTUM, _BOUNDED, _FLOW, _DOUBLED = 2, 1, 1, 6, 2

# Matrices of the largest size: the two suffixes, the residual, and what an observable needs on the way.
_MATRICES = 12


def bytes_of_member(ensemble: Ensemble, plan: Plan) -> int:
    """Return the bytes that one member takes while it runs, with all that is recorded of it."""
    entries = sum(rows * columns for rows, columns in ensemble.network.shapes)
    chains = sum(rows * ensemble.widths[0] for rows, _ in ensemble.network.shapes)
    arrays = _DESCENT + _MOMENTUM * bool(plan.momentum) + _BOUNDED * plan.bounded
    arrays += (_FLOW + _DOUBLED * plan.bounded) * plan.flow
    size = _DOUBLE if plan.precision == "float64" else _DOUBLE // 2
    working = size * arrays * max(entries, chains) + _DOUBLE * _MATRICES * max(ensemble.widths) ** 2
    return working + recorded_bytes(ensemble, plan)


def recorded_bytes(ensemble: Ensemble, plan: Plan) -> int:
    """Return the bytes that the records of one member take: what was asked for, and nothing else."""
    entries = sum(rows * columns for rows, columns in ensemble.network.shapes)
    numbers = entries * plan.keep_weights + bool(plan.bounded) + 2 * len(plan.observe)
    return _DOUBLE * numbers * len(plan.kept)


def parts(ensemble: Ensemble, plan: Plan, members: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the members in parts of even size that fit the memory."""
    each, limit = bytes_of_member(ensemble, plan), available(plan)
    if each > limit:
        raise InputError(
            f"one member takes {each} bytes and {limit} are allowed; record fewer steps, or not the weights"
        )
    number = -(-len(members) * each // limit)
    size = -(-len(members) // number)
    for first in range(0, len(members), size):
        yield members[first : first + size]


def available(plan: Plan) -> int:
    """Return the bytes that members may take at once: what was given, or half of what is free."""
    if plan.memory is not None:
        return plan.memory
    if plan.device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(plan.device)[0]) // 2
    return _free()


def check_exact(widths: Sequence[int]) -> None:
    """Raise where not even one member fits as exact numbers, before any of them is drawn."""
    entries = sum(rows * columns for columns, rows in pairwise(widths)) + widths[0] * widths[-1]
    if entries * _EXACT > _free():
        raise InputError(
            f"a member has {entries} entries, which take {entries * _EXACT >> 20} MiB as exact numbers, and "
            f"{_free() >> 20} MiB are allowed; take smaller widths"
        )


def _free() -> int:
    # Not every system tells what is free; then half of half of what there is.
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    share = 2 if pages == "SC_AVPHYS_PAGES" else 4
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") // share
