"""Changes of the structure of a problem: a part of it drawn anew, another depth, another run, a longer one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from random import Random

from workbench import dynamics
from workbench.exact import rational
from workbench.probes._edge_cases import (
    random_dynamics,
    random_problem,
    random_specification,
    random_start,
    random_target,
)
from workbench.probes._leaves import Specification

# Runs no longer than this: a search of many short runs finds more than one of few long ones.
_MOST_STEPS, _LONGEST = 2000, Fraction(60)
_DEEPEST = 24


def _widths(specification: Specification) -> list[int] | None:
    network = specification["problem"]["network"]
    return list(network["widths"]) if network.get("kind", "linear") == "linear" and "widths" in network else None


def another_target(specification: Specification, random: Random) -> Specification:
    """Draw the target anew."""
    loss, widths = specification["problem"]["loss"], _widths(specification)
    if widths is None or "inputs" in loss:
        return another_problem(specification, random)
    loss["target"] = random_target(widths[-1], widths[0], random)
    return specification


def another_start(specification: Specification, random: Random) -> Specification:
    """Draw the start anew."""
    widths = _widths(specification)
    if widths is not None:
        specification["problem"]["start"] = random_start(widths, random)
    return specification


def another_problem(specification: Specification, random: Random) -> Specification:
    """Draw the target, the inputs and the start anew."""
    specification["problem"] = random_problem(specification["problem"]["network"], random)
    return specification


def another_network(specification: Specification, random: Random) -> Specification:
    """Draw the whole problem anew and keep the dynamics."""
    specification["problem"] = random_specification(random)["problem"]
    return specification


def another_dynamics(specification: Specification, random: Random) -> Specification:
    """Draw the dynamics anew."""
    specification["dynamics"] = random_dynamics(random)
    return specification


def another_step(specification: Specification, random: Random) -> Specification:
    """Draw the step size anew and keep the dynamics."""
    method = specification["dynamics"]
    if not dynamics.module(method["name"]).FLOW:
        method["step_size"] = random.choice(
            ("largest", f"1/{2 ** random.randrange(12)}", f"1/{random.randrange(1, 60)}")
        )
    return specification


def another_length(specification: Specification, random: Random) -> Specification:
    """Make the run longer or shorter by a power of four."""
    stop = specification["dynamics"]["stop"]
    factor = Fraction(4) ** random.choice((-2, -1, 1, 1, 2))
    if "steps" in stop:
        stop["steps"] = max(1, min(_MOST_STEPS, round(stop["steps"] * factor)))
    if "time" in stop:
        stop["time"] = str(min(_LONGEST, rational(stop["time"]) * factor))
    return specification


def another_depth(specification: Specification, random: Random) -> Specification:
    """Add layers beside one of square shape, or take one away; given layers follow."""
    widths, start = _widths(specification), specification["problem"]["start"]
    network = specification["problem"]["network"]
    if widths is None:
        if "depth" in network:
            network["depth"] = max(1, network["depth"] + random.choice((-1, 1, network["depth"])))
        return specification
    square = [j for j, pair in enumerate(pairwise(widths)) if pair[0] == pair[1]]
    if not square:
        return specification
    place, layers = random.choice(square), start.get("weights")
    if random.randrange(3) or len(widths) == 2:
        for _ in range(random.choice((1, 1, 2, 4, 8))):
            if len(widths) > _DEEPEST:
                break
            widths.insert(place, widths[place])
            if layers:
                layers.insert(place, copy.deepcopy(layers[place]))
    else:
        del widths[place]
        if layers:
            del layers[place]
    network["widths"] = widths
    return specification


MOVES: tuple[Callable[[Specification, Random], Specification], ...] = (
    another_target,
    another_start,
    another_problem,
    another_network,
    another_dynamics,
    another_step,
    another_length,
    another_depth,
)


def moved(specification: Specification, random: Random) -> Specification:
    """Return a copy with one part of its structure changed."""
    return random.choice(MOVES)(copy.deepcopy(specification), random)
