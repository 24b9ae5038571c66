r"""How far below two over the step size the sharpness comes to rest, against the closed form of the gap.

Descent on $\frac{1}{2}(1 - x^m y^m)^2$ with m copies each of x and y, so depth 2m, starts with a sharpness a little
above $2/\eta$. It oscillates, the sharpness falls, and comes to rest at a gap below $2/\eta$ that is proportional to
$\eta$: the gap over $\eta$ tends to $3m^2/(4(m-1)(5m-4))$.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from workbench import experiment
from workbench.backends.ball import flint, precision
from workbench.errors import InputError
from workbench.exact import Measured, rational
from workbench.networks.hessian import linear_hessian
from workbench.probes.base import (
    FOUND,
    UNDECIDED,
    Axis,
    Figure,
    Finding,
    Mark,
    Number,
    Option,
    Panel,
    Series,
    Table,
    TimeLimit,
    Witness,
)

OPTIONS = (
    Option("copies", "Copies m of each number: half the depth", int, default=2),
    Option("step_sizes", "Step sizes, falling", default="1/25,1/50,1/100,1/200"),
    Option("excess", "By what share the first sharpness lies above 2/eta", default="1/20"),
    Option("most_steps", "Steps at which a run is given up", int, default=20_000_000),
)

# The residual at which the oscillation has died out: the gap still moves by about its square over eta^2.
_QUIET = 1e-8
_STRETCH, _RECORDS, _DECADES = 200_000, 200, 5.5


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    copies, excess = given["copies"], rational(given["excess"], "the excess")
    if not 2 <= copies <= 32:
        raise InputError(f"the copies are {copies}; give from 2 to 32 (two numbers alone have no such gap)")
    sizes = sorted({rational(text, "a step size") for text in given["step_sizes"].split(",")}, reverse=True)
    if not all(0 < size <= Fraction(1, 10) for size in sizes):
        raise InputError(f"the step sizes are {given['step_sizes']}; the law is for small ones, from 0 to 1/10")
    if not 0 < excess < 1:
        raise InputError(f"the excess is {excess}; give a share between 0 and 1")
    if given["most_steps"] < 1:
        raise InputError(f"the steps are {given['most_steps']}; give a positive integer")
    return {
        "copies": copies,
        "step_sizes": [str(size) for size in sizes],
        "excess": str(excess),
        "most_steps": given["most_steps"],
    }


def _walk(x: float, y: float, copies: int, eta: float, steps: int, quiet: float) -> tuple[float, float, int]:
    """Take steps of descent until the residual is small twice in a row, and return where and after how many."""
    for step in range(steps):
        product = (x * y) ** copies
        residual = product - 1.0
        if abs(residual) < quiet:
            return x, y, step
        # Each copy of x has the gradient residual product / x.
        pull = eta * residual * product
        x, y = x - pull / x, y - pull / y
    return x, y, steps


@cache
def _compiled() -> Any:
    try:
        from numba import njit
    except ImportError:
        return _walk
    return njit(_walk)


def start(copies: int, eta: float, excess: float) -> tuple[float, float]:
    """Return x and y a hundredth off the minimum whose sharpness is about 2/eta (1 + excess)."""
    y = math.sqrt(2 * (1 + excess) / (copies * eta))
    return 1.01 ** (1 / copies) / y, y


def gap_of(x: float, y: float, copies: int, eta: float) -> float:
    """Return (2/eta - sharpness)/eta at the minimum below."""
    return (2 / eta - _sharpness_below(x, y, copies)) / eta


def _sharpness_below(x: float, y: float, copies: int) -> float:
    """Return the sharpness of the minimum with the same y^2 - x^2, which a step changes least of all.

    There x y = 1, the Hessian is the square of the product's gradient, and its one eigenvalue m (x^2 + y^2).
    """
    return copies * math.hypot(y**2 - x**2, 2.0)


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Run descent at every step size and measure the gap."""
    copies, most = question["copies"], question["most_steps"]
    gaps: dict[Fraction, tuple[float, int]] = {}
    for size in map(Fraction, question["step_sizes"]):
        found = _gap(copies, float(size), float(Fraction(question["excess"])), most, limit)
        if found is not None:
            gaps[size] = found
    law = Fraction(3 * copies**2, 4 * (copies - 1) * (5 * copies - 4))
    missing = [size for size in question["step_sizes"] if Fraction(size) not in gaps]
    return Finding(
        UNDECIDED if missing else FOUND,
        f"At which gap below 2/eta does the sharpness of {2 * copies} numbers, {copies} copies each of x and y, come "
        "to rest, over the step size?",
        f"The gap over eta tends to {law} by the closed form 3m^2/(4(m-1)(5m-4)); measured "
        + (", ".join(f"{gap:.6g} at eta = {size}" for size, (gap, _) in gaps.items()) or "nowhere")
        + ".",
        _numbers(gaps, law),
        Witness("the number y of each start; x is (101/100)^(1/m) / y", _starts(question)),
        searched=[f"{len(gaps)} of {len(question['step_sizes'])} step sizes, at most {most} steps each"],
        not_found=[f"a rest at eta = {size}" for size in missing],
        figure=_figure(question, gaps, law),
        tables=[_table(gaps, law)] if gaps else [],
    )


def _starts(question: Mapping[str, Any]) -> dict[str, str]:
    excess = float(Fraction(question["excess"]))
    return {
        f"eta={size}": str(Fraction(start(question["copies"], float(Fraction(size)), excess)[1]))
        for size in question["step_sizes"]
    }


def _gap(copies: int, eta: float, excess: float, most: int, limit: TimeLimit) -> tuple[float, int] | None:
    """Return the gap over eta at rest and the steps to it, None where the run did not come to rest."""
    (x, y), done = start(copies, eta, excess), 0
    while done < most and not limit.over:
        x, y, steps = _compiled()(x, y, copies, eta, min(_STRETCH, most - done), _QUIET)
        done += steps
        if not math.isfinite(x * y):
            return None
        if steps < _STRETCH and abs((x * y) ** copies - 1) < _QUIET:
            return gap_of(x, y, copies, eta), done
    return None


def _numbers(gaps: Mapping[Fraction, tuple[float, int]], law: Fraction) -> dict[str, Number]:
    found = {}
    for size, (gap, steps) in gaps.items():
        # A rounding a step of y^2 ~ 2/(m eta), one way at worst, and what the residual at rest still moves.
        error = Fraction(2.0**-52 * steps * 2 / float(size) ** 2 + (10 * _QUIET / float(size)) ** 2)
        key = f"eta_{size.numerator}_over_{size.denominator}"
        found[key] = Number(f"gap over eta at eta = {size}", Measured(Fraction(gap), error), "estimate", law)
    if len(gaps) > 1:
        (coarse, (a, _)), (fine, (b, _)) = list(gaps.items())[-2:]
        # The correction is of second order in eta.
        share = float(fine**2 / (coarse**2 - fine**2))
        limit = b + share * (b - a)
        label = "its limit, extrapolated in the square of eta"
        found["limit"] = Number(label, Measured(Fraction(limit), abs(Fraction(limit - b))), "estimate", law)
    return found


def _table(gaps: Mapping[Fraction, tuple[float, int]], law: Fraction) -> Table:
    rows = [[str(s), f"{gap:.8f}", f"{gap / float(law):.6f}", str(steps)] for s, (gap, steps) in gaps.items()]
    return Table("The gap at rest", ["eta", "gap / eta", "over the closed form", "steps"], rows)


def _figure(question: Mapping[str, Any], gaps: Mapping[Fraction, Any], law: Fraction) -> Figure:
    eta = float(Fraction(question["step_sizes"][0]))
    steps, below, least, most, loss = _path(question, eta)
    edge = Mark("y", 2 / eta, r"$2/\eta$")
    line = Series("of the minimum below", steps, below, colour="blue", low=least, high=most)
    upper = Panel(Axis("step", "log"), Axis("sharpness"), (line,), (edge,), legend="lower left")
    middle = Panel(Axis("step", "log"), Axis("loss", "log"), (Series("", steps, loss, colour="orange"),))
    sizes, found = [float(size) for size in gaps], [gap for gap, _ in gaps.values()]
    closed = Series("closed form", [0.0, *sizes[:1]], [float(law)] * (1 + len(sizes[:1])), "dashed", colour="orange")
    points = Series("measured", sizes, found, "joined", colour="blue")
    lowest = min([float(law), *found])
    gap_axis = Axis(r"$(2/\eta - S)/\eta$", low=lowest - 0.02 * float(law), high=1.01 * float(law))
    lower = Panel(Axis(r"step size $\eta$", low=0.0), gap_axis, (closed, points), legend="lower left")
    caption = (
        f"Descent on {2 * question['copies']} numbers beyond the edge of stability, at the step size "
        f"{question['step_sizes'][0]}: the sharpness of the minimum below, with the span of the Hessian's largest "
        "eigenvalue over two steps shaded; the loss; and the gap at rest over the step size."
    )
    return Figure((upper, middle, lower), caption, height=1.9)


def _path(question: Mapping[str, Any], eta: float) -> tuple[list[float], ...]:
    """Return along a run: steps, sharpness of the minimum below, its span over two steps at the iterates, loss."""
    copies = question["copies"]
    x, y = start(copies, eta, float(Fraction(question["excess"])))
    widths = [1] * (2 * copies + 1)
    problem = experiment.read_problem(
        {"network": {"kind": "linear", "widths": widths}, "loss": {"kind": "square", "target": [["1"]]}}
    )
    at, rows = 0, []
    for mark in sorted({round(10 ** (_DECADES * k / _RECORDS)) for k in range(_RECORDS)}):
        x, y, _ = _compiled()(x, y, copies, eta, mark - at, 0.0)
        at = mark
        a, b, _ = _compiled()(x, y, copies, eta, 1, 0.0)
        pair = sorted((_sharpness(problem, x, y, copies), _sharpness(problem, a, b, copies)))
        loss = ((x * y) ** copies - 1) ** 2 / 2
        rows.append((float(at), _sharpness_below(x, y, copies), *pair, loss))
        if loss < _QUIET**2 / 2:
            break
    return tuple([row[k] for row in rows] for k in range(5))


def _sharpness(problem: Any, x: float, y: float, copies: int) -> float:
    """Return the largest eigenvalue of the whole Hessian, from the loss by the network's own rules."""
    with precision(80):
        layers = [flint().arb_mat([[value]]) for value in [x] * copies + [y] * copies]
        hessian = linear_hessian(problem, layers)
        entries = np.array([[float(v.mid()) for v in row] for row in hessian.tolist()])
    return float(np.linalg.eigvalsh(entries)[-1])
