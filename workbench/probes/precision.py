"""One descent in arithmetic after arithmetic, and the first step at which each parts from the enclosure.

Every rung runs the same code with no error beside its numbers, as a user's script would; its loss, its verdict on a
statement, the symmetry of its layers and the value at which it settles are held against an enclosure of the exact
run. A budget says how much of what is seen is slack of the bound, how much the step size, how much rounding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench import dynamics, experiment, theorems
from workbench.errors import InputError, UnsupportedError
from workbench.exact import decimal_text, rational
from workbench.probes._ladder import Ladder, floors, halved, loss_parts, settled, slacks, symmetry_breaks, verdict
from workbench.probes._problem import DYNAMICS, PROBLEM, compare_command, dynamics_of, problem_of, target_label
from workbench.probes._rungs import checked, walk
from workbench.probes.base import (
    FOUND,
    NO_CHANGE,
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
    plain,
    shortened,
)
from workbench.records import thinned

OPTIONS = (
    *PROBLEM,
    *(option for option in DYNAMICS if option.name in ("step_size", "steps")),
    Option("theorem", "A statement about the loss, whose verdict is taken at every rung"),
    Option(
        "rungs",
        "Arithmetics: bfloat16, tf32, float32, float64, or digits",
        default="bfloat16,float32,float64,30,50,100",
    ),
    Option("digits", "Digits of the enclosure", int, default=30),
    Option("tolerance", "Relative gap of a loss at which a rung has parted", default="1/100"),
    Option("full", "Carry the full matrices in balls, where a symmetry could stand for them", bool, default=False),
)


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    for name in ("steps", "step_size"):
        if given[name] is None:
            raise InputError(f"the ladder needs --{name.replace('_', '-')}; give --steps 3000 --step-size 1/10")
    if not 1 <= given["steps"] <= 1_000_000:
        raise InputError(f"the steps are {given['steps']}; give between 1 and 1000000")
    problem = experiment.read_problem(problem_of(given))
    tolerance = rational(given["tolerance"], "the tolerance")
    if not 0 < tolerance < 1:
        raise InputError(f"the tolerance is {tolerance}; give one between 0 and 1")
    told = dynamics_of({**given, "dynamics": "gradient_descent", "set": []})
    method = experiment.read_method(told, problem)
    arithmetic = experiment.read_arithmetic(
        {"name": "ball", "digits": given["digits"], **({"structure": False} if given["full"] else {})}
    )
    if given["theorem"] is not None and set(theorems.load(given["theorem"]).observes) != {"loss"}:
        raise UnsupportedError(f"the theorem {given['theorem']} reads more than the loss; give one about the loss")
    return {
        "problem": problem.specification(),
        "dynamics": method.specification(),
        "enclosure": arithmetic.specification(),
        "rungs": checked(given["rungs"]),
        "tolerance": str(tolerance),
        "theorem": given["theorem"],
    }


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Climb the ladder, and say where each rung parts from the enclosure."""
    problem = experiment.read_problem(question["problem"])
    method = experiment.read_method(question["dynamics"], problem)
    enclosure = dynamics.run(problem, method, experiment.read_arithmetic(question["enclosure"]))
    # An enclosure that ends early, where the descent diverges, ends the comparison with it.
    walks = [walk(rung, problem, method, enclosure.steps[-1], limit) for rung in question["rungs"]]
    theorem = None if question["theorem"] is None else theorems.load(question["theorem"])
    done = [w for w in walks if w is not None]
    ladder = Ladder(problem, method, enclosure, done, Fraction(question["tolerance"]), theorem)
    return _finding(ladder, question, cut=len(done) < len(walks))


def _finding(ladder: Ladder, question: Mapping[str, Any], *, cut: bool) -> Finding:
    partings = {w.rung: loss_parts(w, ladder) for w in ladder.walks}
    verdicts = {w.rung: verdict(ladder, w) for w in ladder.walks} if ladder.theorem is not None else {}
    parted = {rung: step for rung, step in partings.items() if step is not None}
    open_ended = cut or any(x.value is None for x in ladder.exact)
    method = ladder.method
    return Finding(
        UNDECIDED if open_ended else FOUND if parted else NO_CHANGE,
        f"Where does each arithmetic part from exact descent at step size {method.step_size}, over {ladder.steps} "
        f"steps on {target_label(ladder.problem.loss.target)} with widths "
        f"{', '.join(str(x) for x in ladder.problem.network.widths)}?",
        _answer(partings, ladder),
        _numbers(ladder, partings),
        _witness(question),
        searched=[f"{len(ladder.walks)} rungs, {ladder.steps} steps each, every loss against its enclosure"],
        not_found=[f"a parting of {_name(rung)}" for rung, step in partings.items() if step is None],
        figure=_figure(ladder),
        tables=[_conclusions(ladder, partings, verdicts), _budget(ladder)],
        notes=[
            *ladder.enclosure.notes,
            "the steps of the floats are those of this machine's libraries; others round elsewhere",
        ],
    )


def _name(rung: str) -> str:
    return f"{rung} digits" if rung.isdecimal() else rung


def _answer(partings: Mapping[str, int | None], ladder: Ladder) -> str:
    told = [f"{_name(rung)} at step {step}" for rung, step in partings.items() if step is not None]
    kept = [_name(rung) for rung, step in partings.items() if step is None]
    last = decimal_text(ladder.exact[-1].value, 6)
    words = [
        f"exact descent ends at a loss of {plain(last)}" if last else f"exact descent diverges at step {ladder.steps}"
    ]
    words += [f"the loss parts from it in {', '.join(told)}"] if told else []
    words += [f"it does not in {', '.join(kept)}"] if kept else []
    return "; ".join(words).capitalize() + "."


def _numbers(ladder: Ladder, partings: Mapping[str, int | None]) -> dict[str, Number]:
    found = {"loss": Number("loss of exact descent at the end", shortened(ladder.exact[-1]), ladder.enclosure.grade)}
    for rung, step in partings.items():
        if step is not None:
            key = f"digits_{rung}" if rung.isdecimal() else rung
            found[key] = Number(f"step at which {_name(rung)} parts", step, "exact")
    return found


def _witness(question: Mapping[str, Any]) -> Witness | None:
    if question["theorem"] is None:
        return Witness("the exact problem, and the enclosure that the rungs are held against", dict(question))
    specification = {
        "theorem": question["theorem"],
        "problem": question["problem"],
        "dynamics": question["dynamics"],
        "backend": question["enclosure"],
    }
    return Witness("the exact run, in balls", specification, compare_command(specification))


def _conclusions(ladder: Ladder, partings: Mapping[str, int | None], verdicts: Mapping[str, str]) -> Table:
    head = ["arithmetic", "last loss", "settles at", "loss parts", "layers unequal", "layers skew"]
    rows = [
        [
            _name(run.rung),
            f"{run.loss[-1]:.6g}",
            settled(run.loss, ladder),
            *(_step(x) for x in (partings[run.rung], symmetry_breaks(run.spread, run, ladder))),
            _step(symmetry_breaks(run.skew, run, ladder)),
        ]
        for run in ladder.walks
    ]
    exact = [float(x.value) for x in ladder.exact if x.value is not None]
    rows.append(["enclosure", f"{exact[-1]:.6g}", settled(exact, ladder), "-", "-", "-"])
    if verdicts:
        head.append("its verdict")
        told = [*verdicts.values(), verdict(ladder, None)]
        rows = [[*row, word] for row, word in zip(rows, told, strict=True)]
    return Table("What each arithmetic concludes, and the first step at which it parts from the enclosure", head, rows)


def _step(step: int | None) -> str:
    return "never" if step is None else str(step)


def _budget(ladder: Ladder) -> Table:
    """Say how much of the last loss is slack of the bound, step size, and the rounding of each rung."""
    exact = ladder.exact[-1]
    rows = [["loss of exact descent", _short(exact.value), f"enclosed to {_short(exact.error)}"]]
    rows += [["slack of the bound", _short(size), label] for label, size in slacks(ladder)]
    finer = halved(ladder)
    if finer is not None and exact.value is not None:
        gap = abs(finer - exact.value)
        rows.append(["step size", _short(gap), "change of the loss at the same flow time when the step is halved"])
    for run in ladder.walks:
        if exact.value is not None and math.isfinite(run.loss[-1]):
            gap = abs(Fraction(run.loss[-1]) - exact.value)
            rows.append([f"rounding in {_name(run.rung)}", _short(gap), "distance of its last loss to the enclosure"])
    return Table(f"Where the numbers of step {ladder.steps} come from", ["part", "size", "what it is"], rows)


def _short(value: Fraction | None) -> str:
    return plain(decimal_text(value, 3))


_COLOURS = ("purple", "orange", "red", "green", "sky", "yellow", "grey")


def _figure(ladder: Ladder) -> Figure:
    kept = thinned(ladder.steps + 1)
    exact = ladder.exact
    values = [float(exact[k].value) if exact[k].value is not None else math.nan for k in kept]  # type: ignore[arg-type]
    x = [float(k) for k in kept]
    lines = [
        Series(_name(run.rung), x, [run.loss[k] for k in kept], colour=colour)
        for run, colour in zip(ladder.walks, itertools.cycle(_COLOURS), strict=False)
    ]
    lines.append(Series("enclosure", x, values, "dashed", colour="black"))
    span = max(values) / max(min(values), 1e-300) if values else 1.0
    wide = span > 1e3
    top = None if wide else 1.15 * max(values)
    upper = Panel(
        Axis("step"),
        Axis("loss", "log" if wide else "linear", None if wide else 0.0, top),
        lines,
        [Mark("y", level, "floor") for level in floors(ladder)],
        legend="upper right",
    )
    panels = [upper]
    if all(run.spread for run in ladder.walks) and len(ladder.problem.network.shapes) > 1:
        spreads = [
            Series("", x, [run.spread[k] or math.nan for k in kept], colour=colour)
            for run, colour in zip(ladder.walks, itertools.cycle(_COLOURS), strict=False)
        ]
        panels.append(Panel(Axis("step"), Axis("distance of the layers", "log"), spreads))
    caption = (
        "One descent in several arithmetics. Above, the loss, with that of exact descent dashed, enclosed in balls; "
        "below, the largest distance of a layer to the first."
        if len(panels) > 1
        else "The loss of one descent in several arithmetics, with that of exact descent dashed, enclosed in balls."
    )
    return Figure(panels, caption, height=2.2, shared=True)
