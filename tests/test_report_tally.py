"""What the summary of a report counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from workbench.report.tally import _ensemble_words


def ensemble(verdict: str, **counts: int) -> Any:
    return SimpleNamespace(verdict=verdict, payload={"counts": counts})


def test_an_ensemble_left_blank_is_none_of_those_whose_members_are_counted() -> None:
    (words,) = _ensemble_words([ensemble("consistent", consistent=5), ensemble("blank")])
    assert words.startswith("Of the 5 members of 1 ensemble, 5 are consistent, 0 are violated")
    (words,) = _ensemble_words([ensemble("violated", consistent=4, violated=1), ensemble("consistent", consistent=5)])
    assert words.startswith("Of the 10 members of 2 ensembles, 9 are consistent, 1 is violated")
