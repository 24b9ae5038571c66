"""What a search found, as numbers, tables and figures of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from workbench.exact import Measured, to_float
from workbench.probes._command import compare_command
from workbench.probes._leaves import Specification
from workbench.probes._search import Search
from workbench.probes._shrink import Witness as Smallest
from workbench.probes._trial import CERTIFYING, Trial, attempt, cheap_backend
from workbench.probes.base import Axis, Figure, Mark, Number, Panel, Series, Witness
from workbench.theorems import Bound, Theorem

# A figure draws every problem up to this many, and of more as many in turn.
_MOST_POINTS = 2000

# A search of fewer problems than this is told in words.
_FEWEST_POINTS = 20


def in_words(specification: Specification) -> str:
    """Return a problem in one line."""
    problem, method = specification["problem"], specification["dynamics"]
    network, start = problem["network"], problem.get("start", {"scheme": "identity"})
    size = network.get("widths") or [network.get("width")] * (1 + int(network.get("depth", 1)))
    target = problem["loss"]["target"]
    goal = target.get("rows", target.get("eigenvalues", target)) if isinstance(target, dict) else target
    words = [f"{network.get('kind', 'linear')} widths {','.join(map(str, size))}", f"target {_short(goal)}"]
    words += [f"inputs {_short(problem['loss']['inputs'])}"] if problem["loss"].get("inputs") else []
    rest = {k: v for k, v in start.items() if k not in ("scheme", "generator")}
    words.append(f"start {start.get('scheme')}" + (f" {_short(rest)}" if rest else ""))
    step = f" eta {method['step_size']}" if "step_size" in method else ""
    more = f" {_short(method['parameters'])}" if method.get("parameters") else ""
    return "; ".join([*words, f"{method['name']}{step}{more}, {_short(method['stop'])}"])


def _short(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).replace('"', "")
    return text if len(text) <= 120 else text[:117] + "..."


def effort(search: Search) -> list[str]:
    """Return what was searched, in sentences."""
    kinds = len(search.kinds)
    found = [
        f"{search.tried} problems run in {search.took:.0f} s, seed {search.seed}; {search.inside} met every "
        f"hypothesis and {search.decided} were decided, of {kinds} kinds of network, dynamics, start and signs",
        "edge cases of the catalogue and of lists, then changed structure, single numbers to the edge of the "
        "hypotheses, and CMA-ES over all numbers",
    ]
    if search.certifications:
        found.append(f"{search.certifications} suspects were run again in balls")
    return found


def ratio_numbers(search: Search) -> dict[str, Number]:
    """Return the largest and the smallest ratio of the smaller side to the larger, certified where balls tell them."""
    named = (("largest_ratio", "largest", search.largest), ("smallest_ratio", "smallest", search.smallest))
    return {
        name: _ratio(f"{word} ratio of the smaller side to the larger", trial, search)
        for name, word, trial in named
        if trial is not None and trial.ratio is not None
    }


def _ratio(label: str, trial: Trial, search: Search) -> Number:
    again = trial
    if cheap_backend(trial.specification)["name"] != "ball":
        again = attempt(search.theorem, trial.specification, search.without, 5.0, CERTIFYING[0])
    if again.evidence is not None and again.evidence.grade == "enclosure":
        enclosed = Measured.largest(_enclosed(again))
        if enclosed.value:
            return Number(label, enclosed, "enclosure")
    return Number(label, Measured(Fraction(trial.ratio or 0.0)), "estimate")


def _enclosed(trial: Trial) -> Iterator[Measured]:
    """Yield an enclosure of the ratio at each record after the start where the larger side is positive."""
    if trial.evidence is None:
        return
    first = 0 if trial.evidence.trajectory.steps[-1] == 0 else 1
    for judged in trial.evidence.judged:
        if not isinstance(judged.prediction, Bound):
            continue
        sides = list(zip(judged.lhs, judged.rhs, strict=True))[first:]
        for left, right in sides:
            small, large = (left, right) if judged.prediction.relation == "<=" else (right, left)
            a, b = small.bounds(), large.bounds()
            if a is not None and b is not None and b[0] > 0 and b[1] - b[0] < b[0] / 1000:
                yield Measured.between(min(a[0] / b[1], a[0] / b[0]), max(a[1] / b[0], a[1] / b[1]))


def history(search: Search, witness: Trial | None, title: str) -> Figure | None:
    """Draw the ratio of each problem with the largest so far, and both sides along the witness."""
    known = [(k, r) for k, r in enumerate(search.ratios, start=1) if r is not None and r > 0]
    panels = []
    if len(known) >= _FEWEST_POINTS:
        best, running = 0.0, []
        for k, ratio in known:
            best = max(best, ratio)
            running.append((float(k), best))
        thin = known[:: max(1, len(known) // _MOST_POINTS)]
        panels.append(
            Panel(
                Axis("problem"),
                Axis("smaller side / larger side", "log"),
                (
                    Series("problem", [float(k) for k, _ in thin], [r for _, r in thin], "points", colour="sky"),
                    Series("largest so far", [k for k, _ in running], [r for _, r in running], colour="blue"),
                ),
                (Mark("y", 1.0, "violated above"),),
                legend="best",
            )
        )
    sides = None if witness is None else _sides(witness)
    if sides is not None:
        panels.append(sides)
    return Figure(panels, title, height=2.5) if panels else None


def _sides(witness: Trial) -> Panel | None:
    """Draw the two sides of the prediction that a witness breaks."""
    if witness.evidence is None:
        return None
    for judged in witness.evidence.judged:
        if judged.verdict != "violated" or not judged.lhs or len(judged.lhs) != len(judged.rhs):
            continue
        steps = [float(s) for s in witness.evidence.trajectory.steps]
        flow = witness.evidence.trajectory.method.step_size is None
        places = [float(t) for t in witness.evidence.trajectory.times] if flow else steps
        left, right = ([to_float(x.value) or 0.0 for x in side] for side in (judged.lhs, judged.rhs))
        label = judged.prediction.quantity if not hasattr(judged.prediction, "at_most") else "steps"
        series = (Series("observed", places, left, "joined"), Series("claimed", places, right, "dashed"))
        scale = "log" if min(*left, *right) > 0 else "linear"
        title = "the witness: what is observed against what is claimed"
        return Panel(Axis("flow time" if flow else "step"), Axis(label or "both sides", scale), series, title=title)
    return None


def witness_of(found: Smallest, theorem: Theorem) -> Witness:
    """Return the witness of a record."""
    told = "; ".join(found.rechecked) or "certified in balls alone"
    command = compare_command(theorem, found.specification)
    return Witness(f"{in_words(found.specification)} ({told})", found.specification, command)
