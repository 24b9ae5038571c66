"""Order of convergence of descent to the gradient flow, and of its extrapolations, with the work they take.

Descent over a flow time T in n steps is Euler's method. Its losses at T for n, 2n, 4n, ... are extrapolated by
Richardson's rule, each column one order higher. The reference is the flow by a validated Taylor method, the runs are in
balls: every error is enclosed, and the orders are fitted over a window chosen by rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench import dynamics, experiment
from workbench.errors import InputError
from workbench.exact import Measured, decimal_text, rational, to_float
from workbench.probes._problem import PROBLEM, problem_of, target_label
from workbench.probes.base import (
    FOUND,
    UNDECIDED,
    Axis,
    Figure,
    Finding,
    Number,
    Option,
    Panel,
    Series,
    Table,
    TimeLimit,
    plain,
    shortened,
)
from workbench.rates import observed_order
from workbench.trajectory import Arithmetic, Method, Stop

OPTIONS = (
    *PROBLEM,
    Option("time", "Flow time T at which the losses are compared", default="1"),
    Option("fewest", "Fewest steps; they double", int, default=8),
    Option("doublings", "How often the steps double", int, default=9),
    Option("columns", "Orders of the extrapolation, the first of them descent itself", int, default=4),
    Option("digits", "Digits of the balls", int, default=40),
)


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    time = rational(given["time"], "the time")
    if time <= 0:
        raise InputError(f"the time is {time}; it must be positive")
    for name, least, most in (("fewest", 1, 10**5), ("doublings", 3, 20), ("columns", 1, 8), ("digits", 10, 1000)):
        if not least <= given[name] <= most:
            raise InputError(f"--{name} is {given[name]}; give an integer from {least} to {most}")
    numbers = {name: given[name] for name in ("fewest", "doublings", "columns", "digits")}
    return {"problem": experiment.read_problem(problem_of(given)).specification(), "time": str(time), **numbers}


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Run descent with ever more steps, extrapolate, and fit the orders."""
    problem, time = experiment.read_problem(question["problem"]), Fraction(question["time"])
    arithmetic = Arithmetic("ball", question["digits"])
    flow = dynamics.run(problem, Method("gradient_flow", Stop(time=time), None, {}), arithmetic)
    exact = flow.observables["loss"][-1]
    counts = [question["fewest"] * 2**k for k in range(question["doublings"] + 1)]
    losses: list[Measured] = []
    for count in counts:
        if limit.over:
            break
        method = Method("gradient_descent", Stop(steps=count), time / count, {})
        losses.append(dynamics.run(problem, method, arithmetic).observables["loss"][-1])
    columns = extrapolated(losses, question["columns"])
    errors = [[_distance(value, exact) for value in column] for column in columns]
    sizes = [time / count for count in counts]
    numbers = _orders(sizes, errors)
    numbers["loss"] = Number(f"loss of the flow at time {time}", shortened(exact), flow.grade)
    missing = [k + 1 for k in range(len(errors)) if f"order_{k + 1}" not in numbers]
    return Finding(
        UNDECIDED if missing or limit.was_over else FOUND,
        f"At which order in the step size does descent approach the flow at time {time} on "
        f"{target_label(problem.loss.target)}, widths {', '.join(map(str, problem.network.widths))}, and its "
        "extrapolations?",
        _answer(numbers),
        numbers,
        searched=[f"{len(losses)} runs of {counts[0]} to {counts[len(losses) - 1] if losses else 0} steps"],
        not_found=[f"the order of column {k}" for k in missing],
        figure=_figure(counts, errors),
        tables=[_table(counts, errors)],
    )


def extrapolated(values: list[Measured], columns: int) -> list[list[Measured]]:
    """Return Richardson's table for steps that double: column p removes the term of order p from its neighbour."""
    table = [values]
    for p in range(1, columns):
        weight = Fraction(2**p)
        table.append([_combined(fine, coarse, weight) for coarse, fine in zip(table[-1], table[-1][1:], strict=False)])
    return table


def _combined(fine: Measured, coarse: Measured, weight: Fraction) -> Measured:
    if fine.value is None or coarse.value is None or fine.error is None or coarse.error is None:
        return Measured(None, None)
    value = (weight * fine.value - coarse.value) / (weight - 1)
    return Measured(value, (weight * fine.error + coarse.error) / (weight - 1))


def _distance(value: Measured, exact: Measured) -> Measured:
    gap = value.minus(exact)
    return gap if gap.value is None else Measured(abs(gap.value), gap.error)


def _orders(sizes: list[Fraction], errors: list[list[Measured]]) -> dict[str, Number]:
    found = {}
    for p, column in enumerate(errors, start=1):
        # Column p belongs to the finer of the steps that it combines.
        fitted = observed_order(sizes[p - 1 : p - 1 + len(column)], column)
        if fitted is not None:
            name = "descent" if p == 1 else f"extrapolation {p - 1}"
            value = Measured(Fraction(fitted.order), Fraction(fitted.band))
            found[f"order_{p}"] = Number(f"order of {name}", value, "estimate", p)
    return found


def _answer(numbers: Mapping[str, Number]) -> str:
    orders = [n.value.value for k, n in numbers.items() if k.startswith("order") and isinstance(n.value, Measured)]
    return f"Orders {', '.join(f'{float(x or 0):.4g}' for x in orders)}." if orders else "No order could be fitted."


def _table(counts: list[int], errors: list[list[Measured]]) -> Table:
    head = ["steps", "descent", *(f"extrapolated {p}" for p in range(1, len(errors)))]
    rows = []
    for k in range(len(errors[0])):
        cells = [errors[p][k - p] if k >= p else None for p in range(len(errors))]
        rows.append([str(counts[k]), *(("-" if c is None else plain(decimal_text(c.value, 3))) for c in cells)])
    return Table("Distance of the loss to that of the flow", head, rows)


def _figure(counts: list[int], errors: list[list[Measured]]) -> Figure:
    series = []
    for p, column in enumerate(errors):
        # The work of an extrapolation is that of every run that it combines.
        work = [float(sum(counts[k : k + p + 1])) for k in range(len(column))]
        values = [to_float(e.value) or float("nan") for e in column]
        label = "descent, order 1" if p == 0 else f"extrapolated, order {p + 1}"
        series.append(Series(label, work, values, "joined"))
    across, up = Axis("gradients computed", "log"), Axis("distance to the flow", "log")
    panel = Panel(across, up, series, legend="lower left")
    caption = (
        "Work and precision: the distance of the loss to that of the gradient flow against the gradients computed, for "
        "descent and for its extrapolations. Every distance is enclosed."
    )
    return Figure((panel,), caption, height=3.0)
