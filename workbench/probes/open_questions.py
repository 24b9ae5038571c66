"""The open questions of the theory, each a search that anyone can run again.

`radius`: is one the true radius around the identity within which descent converges. `positive_targets`: does descent
from the identity reach every target with a positive quadratic form. `step_conditions`: which step-size condition of the
negative eigenvalue theorem is sharp.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.exact import rational
from workbench.probes import _positive_targets, _radius, _step_conditions
from workbench.probes.base import Finding, Option, TimeLimit

_ASKED = {"radius": _radius, "positive_targets": _positive_targets, "step_conditions": _step_conditions}

OPTIONS = (
    Option("about", f"One of {', '.join(_ASKED)}", positional=True, required=True),
    Option("depth", "Number of layers, L", int, default=3),
    Option("eigenvalue", "Size lambda of the negative eigenvalue, for step_conditions", default="1/2"),
    Option("seed", "Seed of the search", int, default=0),
)


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    about, depth, seed = given["about"], given["depth"], given["seed"]
    if about not in _ASKED:
        raise UnknownNameError("open question", about, _ASKED)
    if depth < 1 or seed < 0:
        raise InputError(f"the depth is {depth} and the seed {seed}; give a positive integer and one from 0")
    asked: dict[str, Any] = {"about": about}
    if about == "positive_targets":
        return {**asked, "seed": seed}
    if about == "radius":
        return {**asked, "depth": depth, "seed": seed}
    size: Fraction = rational(given["eigenvalue"], "the eigenvalue")
    if size <= 0:
        raise InputError(f"the eigenvalue is {size}; give its size, a positive number")
    if depth < 3 or depth % 2 == 0:
        raise InputError(f"the depth is {depth}; the step-size conditions are about odd depths from 3")
    return {**asked, "depth": depth, "eigenvalue": str(size)}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Answer the question as far as the search goes."""
    found: Finding = _ASKED[question["about"]].find(question, limit)
    return found
