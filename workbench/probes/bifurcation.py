"""What descent settles on over the step size: fixed points, cycles, chaos, escape.

The diagram is of float64 orbits. At the steps asked for by name the cycle is proved: its period is read off the orbit,
and Krawczyk's test in balls encloses the cycle and its multiplier. For equal numbers the Lyapunov exponent stands
below; for matrices every mode is shown in the target's singular frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import experiment
from workbench.backends.ball import arb, measured, precision
from workbench.errors import InputError
from workbench.exact import Measured, decimal_text, rational
from workbench.probes import _chain_map as chain
from workbench.probes._ensemble_orbits import counts, mean_exponent, of_matrices, of_numbers, period_of
from workbench.probes._krawczyk import bits_for, enclosed_root
from workbench.probes._problem import PROBLEM, problem_of
from workbench.probes.base import (
    FOUND,
    UNDECIDED,
    Axis,
    Density,
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
    plain,
)

OPTIONS = (
    *(o for o in PROBLEM if o.name != "depth"),
    Option("depth", "Number of layers; without a target, of equal numbers with the target 1", int, default=2),
    Option("low", "Smallest scaled step h = eta L s^(2-2/L)", default="9/5"),
    Option("high", "Largest scaled step", default="4"),
    Option("columns", "Step sizes of the diagram", int, default=500),
    Option("settle", "Steps before an orbit is looked at", int, default=3000),
    Option("steps", "Steps that are looked at", int, default=2000),
    Option("at", "Scaled steps at which the cycle is proved, such as 9/4,5/2,51/20"),
    Option("lyapunov", "Scaled steps at which the Lyapunov exponent of equal numbers is measured, such as 4"),
    Option("longest", "Longest period that is looked for", int, default=64),
    Option("digits", "Digits of the cycles", int, default=30),
)
_ROWS = 240

_ROUNDING = "the orbits are float64: at a saddle that a symmetry holds, rounding moves them on (the probe precision)"


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    low, high = rational(given["low"], "the smallest step"), rational(given["high"], "the largest step")
    if not 0 < low < high:
        raise InputError(f"the scaled steps go from {low} to {high}; give two positive numbers, the smaller first")
    for name, least, most in (("columns", 2, 5000), ("settle", 0, 10**7), ("steps", 2, 10**6), ("longest", 1, 1024)):
        if not least <= given[name] <= most:
            raise InputError(f"--{name} is {given[name]}; give an integer from {least} to {most}")
    if given["depth"] < 2:
        raise InputError(f"the depth is {given['depth']}; a cubic or higher map takes at least 2")
    points = {
        name: [str(rational(text, name)) for text in (given[name] or "").split(",") if text]
        for name in ("at", "lyapunov")
    }
    matrices = given["target"] is not None
    if matrices and (points["at"] or points["lyapunov"]):
        raise InputError("cycles are proved and exponents measured for equal numbers; leave --target out")
    problem = experiment.read_problem(problem_of(given)).specification() if matrices else None
    numbers = {name: given[name] for name in ("columns", "settle", "steps", "longest", "digits")}
    return {"depth": given["depth"], "problem": problem, "low": str(low), "high": str(high), **points, **numbers}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Follow the orbits, prove the cycles, and draw the diagram."""
    scaled = np.linspace(float(Fraction(question["low"])), float(Fraction(question["high"])), question["columns"])
    depth, settle, steps = question["depth"], question["settle"], question["steps"]
    if question["problem"] is None:
        orbits = of_numbers(depth, scaled, np.full(len(scaled), 0.9), settle, steps, limit)
    else:
        problem = experiment.read_problem(question["problem"])
        depth = problem.depth
        orbits = of_matrices(problem, _steps(problem, scaled), settle, steps, limit)
    found = [_cycle(question, Fraction(h), limit) for h in question["at"]]
    cycles = {h: cycle for h, cycle in zip(question["at"], found, strict=True) if cycle is not None}
    numbers = {name: n for h, cycle in cycles.items() for name, n in _cycle_numbers(h, cycle).items()}
    numbers |= {name: n for h in question["lyapunov"] for name, n in _exponent(depth, h, limit).items()}
    missing = [h for h in question["at"] if h not in cycles]
    periods = [period_of(orbits.late[:, k, 0], question["longest"]) for k in range(len(scaled))]
    return Finding(
        UNDECIDED if limit.was_over or missing else FOUND,
        f"What does descent on {_what(question)} settle on, at scaled steps h = eta L s^(2-2/L) from "
        f"{plain(decimal_text(Fraction(question['low']), 6))} to {plain(decimal_text(Fraction(question['high']), 6))}?",
        _answer(scaled, periods),
        numbers,
        _witness(cycles),
        searched=[f"{len(scaled)} step sizes in float64, {settle} steps to settle and {steps} looked at"],
        not_found=[f"a proved cycle at h = {h}" for h in missing],
        figure=_figure(question, scaled, orbits.late, orbits.exponent),
        tables=[_table(scaled, periods)],
        notes=() if question["problem"] is None else [_ROUNDING],
    )


def _steps(problem: Any, scaled: np.ndarray) -> np.ndarray:
    target = np.array([[float(v) for v in row] for row in problem.loss.target.rows])
    largest = float(np.linalg.norm(target, 2))
    if largest == 0:
        raise InputError("the target is zero: a step cannot be scaled by its largest singular value")
    found: np.ndarray = scaled / (problem.depth * largest ** (2 - 2 / problem.depth))
    return found


def _what(question: Mapping[str, Any]) -> str:
    if question["problem"] is None:
        return f"{question['depth']} equal numbers"
    widths = question["problem"]["network"]["widths"]
    return f"layers of widths {', '.join(map(str, widths))}"


def _answer(scaled: np.ndarray, periods: list[int | None]) -> str:
    told, last = [], None
    for h, period in zip(scaled, periods, strict=True):
        if period is not None and period & (period - 1) == 0 and (last is None or period == 2 * last):
            told.append(f"period {period} from h = {h:.4g}")
            last = period
    return "In float64: " + (", ".join(told[:6]) or "no short period") + "."


# A cycle: its period, its points and its multiplier, all enclosed.
_Cycle = tuple[int, tuple[Measured, ...], Measured]


def _cycle(question: Mapping[str, Any], h: Fraction, limit: TimeLimit) -> _Cycle | None:
    """Return the proved cycle that the orbit at a scaled step settles on, None where none was proved."""
    depth, longest, digits = question["depth"], question["longest"], question["digits"]
    orbit = of_numbers(depth, np.array([float(h)]), np.array([0.9]), 20_000, 3 * longest, limit).late[:, 0, 0]
    period = period_of(orbit, longest)
    if period is None:
        return None
    last = orbit[-1]
    # The orbit is of x^L; for an even depth the sign of x is that of the basin it started in.
    start = abs(last) ** (1 / depth) * (1 if depth % 2 == 0 else np.sign(last))

    def system(unknowns: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        (x,) = unknowns
        end = chain.orbit(depth, x, arb(h), period)[-1]
        return [end.value - x], [[end.x - 1]]

    root = enclosed_root(system, [float(start)], digits)
    if root is None or not root.proved:
        return None
    with precision(2 * bits_for(digits)):
        jets = chain.orbit(depth, arb(root.values[0]), arb(h), period)
        points = tuple(measured(jet.value) for jet in jets[:-1])
        return period, points, measured(jets[-1].x)


def _cycle_numbers(h: str, cycle: _Cycle) -> dict[str, Number]:
    period, _, multiplier = cycle
    key = f"h_{h.replace('/', '_over_')}"
    return {
        f"{key}_period": Number(f"period at h = {h}", period, "exact"),
        f"{key}_multiplier": Number(f"multiplier of that cycle at h = {h}", multiplier, "enclosure"),
    }


def _witness(cycles: Mapping[str, _Cycle]) -> Witness | None:
    if not cycles:
        return None
    points = {f"h={h}": [decimal_text(x.value, 30) for x in cycle[1][:64]] for h, cycle in cycles.items()}
    return Witness("the points x of each proved cycle, in units of s^(1/L), to thirty digits", points)


def _exponent(depth: int, h: str, limit: TimeLimit) -> dict[str, Number]:
    value, band, kept = mean_exponent(depth, float(Fraction(h)), limit)
    if kept < 2:
        return {}
    chebyshev = depth == 2 and Fraction(h) == Fraction(4)
    known = Measured(Fraction(float(np.log(3))), Fraction(1, 10**15)) if chebyshev else None
    words = "ln 3: the map is Chebyshev's of degree 3" if known else ""
    number = Number(
        f"Lyapunov exponent at h = {h}", Measured(Fraction(value), Fraction(band)), "estimate", known, words
    )
    return {f"lyapunov_{h.replace('/', '_over_')}": number}


def _table(scaled: np.ndarray, periods: list[int | None]) -> Table:
    """Return the stretches of step sizes with one period, the longest of them."""
    stretches: list[tuple[int | None, float, float]] = []
    for h, period in zip(scaled, periods, strict=True):
        if stretches and stretches[-1][0] == period:
            stretches[-1] = (period, stretches[-1][1], float(h))
        else:
            stretches.append((period, float(h), float(h)))
    kept = sorted(sorted(stretches, key=lambda s: s[1] - s[2])[:10], key=lambda s: s[1])
    rows = [[f"{a:.4f}", f"{b:.4f}", "none found" if p is None else str(p)] for p, a, b in kept]
    return Table("Stretches of the scaled step with one period, the widest", ["from h", "to h", "period"], rows)


def _figure(question: Mapping[str, Any], scaled: np.ndarray, late: np.ndarray, exponent: np.ndarray) -> Figure:
    target = question["problem"]
    seen = late[np.isfinite(late)]
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    low, high = low - 0.04 * (high - low or 1), high + 0.04 * (high - low or 1)
    grids = [np.array(counts(late[:, :, mode], low, high, _ROWS)) for mode in range(late.shape[2])]
    density = Density(sum(grids[1:], grids[0]).tolist(), (float(scaled[0]), float(scaled[-1]), low, high))
    x_axis = Axis(r"scaled step $\eta L s^{2-2/L}$")
    y_axis = Axis("product $x^L / s$" if target is None else "modes $u_i^T W v_i$")
    marks = [Mark("x", 2.0, "edge of stability")] if scaled[0] < 2 < scaled[-1] else []
    panels = [Panel(x_axis, y_axis, marks=marks, density=density)]
    what = f"Where {_what(question)} go in the end, over the step size: every column is a run."
    if target is None:
        values = [float(v) for v in exponent]
        line = Series("", [float(h) for h in scaled], values, "line", colour="orange")
        lowest = max(-2.0, min((v for v in values if np.isfinite(v)), default=-2.0))
        panels.append(Panel(x_axis, Axis("Lyapunov exponent", low=lowest), (line,), (Mark("y", 0.0),)))
        what += " Below, the Lyapunov exponent: where it is positive, neighbouring orbits part."
    return Figure(panels, what, height=2.3, shared=True)
