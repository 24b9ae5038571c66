"""The statement that a probe is about, in an exact question: a name of the catalogue, or a file by its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench import theorems
from workbench.errors import InputError
from workbench.theorems import Theorem

# A question knows a file by its digest alone, since a path is no part of what is asked; these are the files read.
_files: dict[str, Theorem] = {}


def question_of(name: str) -> dict[str, Any]:
    """Return what stands for a statement in a question, and keep a file at hand for the answer."""
    theorem = theorems.load(name)
    if not hasattr(theorem.module, "predict"):
        raise InputError(f"{theorem.name} is about families of runs and says nothing of one run; give another theorem")
    if theorem.built_in or not theorems.is_path(name):
        return {"name": theorem.name}
    _files[theorem.sha256] = theorem
    return {"name": theorem.name, "sha256": theorem.sha256}


def theorem_of(question: Mapping[str, Any]) -> Theorem:
    """Return the statement that a question is about."""
    asked = question["theorem"]
    if "sha256" not in asked:
        return theorems.load(asked["name"])
    if asked["sha256"] not in _files:
        raise InputError(f"the file of {asked['name']} was not given: ask the question anew, by its path")
    return _files[asked["sha256"]]
