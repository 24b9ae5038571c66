"""Changes of the structure of a problem: a part of it drawn anew, another depth, another run, a longer one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from workbench import dynamics, experiment
from workbench.errors import WorkbenchError
from workbench.exact import rational
from workbench.initialization import weights
from workbench.probes._edge_cases import (
    random_dynamics,
    random_problem,
    random_specification,
    random_start,
    random_target,
)
from workbench.probes._leaves import Specification, coordinates, placed
from workbench.rotation import product

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


def at_rest(specification: Specification, random: Random) -> Specification:
    """Put the target where the start is: at a minimum, or a tenth beside it."""
    problem, network = specification["problem"], specification["problem"]["network"]
    try:
        posed = experiment.read_problem(problem)
        layers = weights(posed.network, posed.start)
    except WorkbenchError:
        return specification
    known = all(isinstance(x, Fraction) for layer in layers for row in layer for x in row)
    if not known or network.get("kind", "linear") != "linear" or "inputs" in problem["loss"]:
        return specification
    found: Any = layers[0]
    for layer in layers[1:]:
        found = product(layer, found)  # type: ignore[arg-type]
    beside = random.choice((Fraction(0), Fraction(0), Fraction(1, 10), Fraction(-1, 10)))
    rows = [[str(x + beside * (i == j)) for j, x in enumerate(row)] for i, row in enumerate(found)]
    problem["loss"]["target"] = {"rows": rows}
    return specification


def far_side(specification: Specification) -> Specification:
    """Return a copy with the target turned to the other side of zero, ten times as far."""
    target = [c for c in coordinates(specification) if "target" in c.part]
    return placed(specification, [(c, -10 * c.value) for c in target])


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
    return lengthened(specification, Fraction(4) ** random.choice((-2, -1, 1, 1, 2)))


def extremes(specification: Specification, random: Random) -> Iterator[Specification]:
    """Yield the problem on the far side of zero, deeper, longer, both, at the largest step, and at rest."""
    yield far_side(specification)
    longer, deeper = lengthened(copy.deepcopy(specification), Fraction(8)), copy.deepcopy(specification)
    _deepen(deeper, 8)
    yield deeper
    yield longer
    yield lengthened(copy.deepcopy(deeper), Fraction(8))
    if "step_size" in specification["dynamics"]:
        longest = copy.deepcopy(longer)
        longest["dynamics"]["step_size"] = "largest"
        yield longest
    yield at_rest(copy.deepcopy(specification), random)


def lengthened(specification: Specification, factor: Fraction) -> Specification:
    """Return the run longer by a factor, past the loss that it was to stop at."""
    stop = specification["dynamics"]["stop"]
    if "until_loss" in stop and "time" not in stop:
        specification["dynamics"]["stop"] = {"steps": 25 * round(factor) if factor > 1 else 25}
        return specification
    if "steps" in stop:
        stop["steps"] = max(1, min(_MOST_STEPS, round(stop["steps"] * factor)))
    if "time" in stop:
        stop["time"] = str(min(_LONGEST, rational(stop["time"]) * factor))
    return specification


def _deepen(specification: Specification, layers: int) -> None:
    """Add layers beside the first of square shape; given layers follow."""
    widths, start = _widths(specification), specification["problem"]["start"]
    if widths is None:
        return
    for place, (into, out) in enumerate(pairwise(widths)):
        if into == out:
            for _ in range(min(layers, _DEEPEST - len(widths))):
                widths.insert(place, into)
                if start.get("weights"):
                    start["weights"].insert(place, copy.deepcopy(start["weights"][place]))
            break
    specification["problem"]["network"]["widths"] = widths


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
    at_rest,
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
