"""The worst case of a statement: a problem that meets its hypotheses and breaks it, or comes nearest to that.

The search returns a violation that is certified in balls and made small, or the largest and the smallest ratio of the
two sides that it met. That none was found is never a proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import InputError
from workbench.probes import _report
from workbench.probes._asked import question_of, theorem_of
from workbench.probes._search import Search
from workbench.probes._shrink import Shrinking
from workbench.probes.base import NONE_FOUND, REFUTED, UNDECIDED, Finding, Option, Table, TimeLimit
from workbench.theorems import Theorem

OPTIONS = (
    Option("theorem", "Name of a theorem, or the path of a theorem file", positional=True, required=True),
    Option("tries", "Problems at which the search ends", int, default=20_000),
    Option("seed", "Seed of the search", int, default=0),
)

# Seconds of a search that is given no limit, and the share of the time that is left to make a witness small.
SECONDS = 60.0
_SHRINKING_SHARE, _MOST_SHRINKING = 0.2, 8.0


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    if given["tries"] < 1 or given["seed"] < 0:
        raise InputError(
            f"tries are {given['tries']} and the seed is {given['seed']}; give a positive integer and one from 0"
        )
    return {"theorem": question_of(given["theorem"]), "tries": given["tries"], "seed": given["seed"]}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Search for a violation, and for the extremes of the ratio."""
    theorem = theorem_of(question)
    whole = min(limit.left, SECONDS)
    shrinking = min(_SHRINKING_SHARE * whole, _MOST_SHRINKING)
    search = Search(theorem, seconds=whole - shrinking, seed=question["seed"], tries=question["tries"])
    search.run()
    if search.inside == 0 and search.failure is not None:
        raise search.failure
    if search.found is not None:
        return _refuted(theorem, search, shrinking)
    return _not_refuted(theorem, search, limit)


def _refuted(theorem: Theorem, search: Search, seconds: float) -> Finding:
    if search.found is None:
        raise InputError("there is no violation to report")
    smallest = Shrinking(theorem, search.found, (), seconds).run()
    assumed = ", ".join(f"{name} = {value}" for name, value in theorem.constants.items())
    answer = "It is false: a problem meets every hypothesis and breaks it."
    if assumed:
        answer = f"It fails for {assumed}; the statement leaves that open, so that this refutes the values alone."
    return Finding(
        UNDECIDED if assumed else REFUTED,
        _asked(theorem),
        answer,
        witness=_report.witness_of(smallest, theorem),
        searched=_report.effort(search),
        figure=_report.history(search, smallest.trial, f"The search for a violation of {theorem.name}"),
    )


def _not_refuted(theorem: Theorem, search: Search, limit: TimeLimit) -> Finding:
    done = search.tried >= search.tries
    # The time that was left for a witness is not used up, yet it is the limit that ended the search.
    limit.was_over = limit.was_over or (not done and limit.seconds is not None)
    numbers = _report.ratio_numbers(search)
    rows = [
        (name.replace("_", " "), f"{trial.ratio:.6g}", _report.in_words(trial.specification))
        for name, trial in (("largest_ratio", search.largest), ("smallest_ratio", search.smallest))
        if trial is not None and trial.ratio is not None
    ]
    tables = [Table("Where the ratios were met", ("ratio", "value", "problem"), rows)] if rows else []
    answer = f"No violation was met in {search.inside} problems that meet the hypotheses; that is no proof."
    if search.inside == 0:
        answer = "No problem was met that meets every hypothesis, so that nothing was tried."
    elif search.decided == 0:
        answer = f"Of {search.inside} problems that meet the hypotheses none could be decided; that is no proof."
    return Finding(
        NONE_FOUND if done and search.decided else UNDECIDED,
        _asked(theorem),
        answer,
        numbers,
        searched=_report.effort(search),
        not_found=["a violation"],
        figure=_report.history(search, None, f"The search for a violation of {theorem.name}"),
        tables=tables,
        notes=_limits(theorem),
    )


def _limits(theorem: Theorem) -> list[str]:
    """Say of a statement that is about families too that those were not searched."""
    both = hasattr(theorem.module, "predict_family")
    return ["its limits along families of runs were not searched: `workbench family` judges them"] if both else []


def _asked(theorem: Theorem) -> str:
    return f"Does a problem meet the hypotheses of {theorem.name} and break it, and how near does the worst come?"


__all__ = ["OPTIONS", "find", "question"]
