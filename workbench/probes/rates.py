r"""The observed rate of a run beside the local rate at its limit and the global bound.

The observed rate is fitted over a window chosen by rule, with its band. The local rate is that of the Hessian at the
last weights: along the last gradient, which by then points where the run is slowest, and for the smallest eigenvalue
that is not zero. A bound far below the observed rate is loose; one far below the local rate can be no fault of the fit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import dynamics, experiment, theorems
from workbench.backends.ball import arb, flint, precision
from workbench.errors import InputError, UnsupportedError
from workbench.evidence import VACUOUS, compare
from workbench.exact import Measured, rational, to_float
from workbench.networks.hessian import linear_hessian
from workbench.probes._problem import DYNAMICS, PROBLEM, compare_command, dynamics_of, problem_of, target_label
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
    TimeLimit,
    Witness,
    shortened,
)
from workbench.rates import ObservedRate, logarithm, observed_rate
from workbench.records import thinned
from workbench.trajectory import Trajectory

OPTIONS = (
    *PROBLEM,
    *(option for option in DYNAMICS if option.name in ("step_size", "steps")),
    Option("time", "Flow time to run to: the gradient flow in place of descent"),
    Option("theorem", "A statement about the loss whose bound stands beside the rates"),
    Option("digits", "Digits of the balls", int, default=40),
)


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    flow = given["time"] is not None
    if flow == (given["steps"] is not None):
        raise InputError(
            "a rate needs one end: give --steps 500 --step-size 1/16 for descent, or --time 5 for the flow"
        )
    problem = experiment.read_problem(problem_of(given))
    if flow:
        told: dict[str, Any] = {"name": "gradient_flow", "stop": {"time": str(rational(given["time"], "the time"))}}
    elif given["step_size"] is None:
        raise InputError("descent needs a step size; give --step-size 1/16")
    else:
        told = dynamics_of({**given, "dynamics": "gradient_descent", "set": []})
    if given["theorem"] is not None and set(theorems.load(given["theorem"]).observes) != {"loss"}:
        raise UnsupportedError(f"the theorem {given['theorem']} reads more than the loss; give one about the loss")
    return {
        "problem": problem.specification(),
        "dynamics": experiment.read_method(told, problem).specification(),
        "theorem": given["theorem"],
        "backend": experiment.read_arithmetic({"name": "ball", "digits": given["digits"]}).specification(),
    }


@dataclass(frozen=True)
class _Local:
    """Rates of the loss at the limit, per unit of flow time: along the last gradient, and of the slowest direction."""

    along: float | None
    slowest: float | None


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Run, fit the rate, and set the local rate and the bound beside it."""
    problem = experiment.read_problem(question["problem"])
    method = experiment.read_method(question["dynamics"], problem)
    run = dynamics.run(problem, method, experiment.read_arithmetic(question["backend"]), keep_weights=True)
    observed = observed_rate(run.times, run.observables["loss"])
    local = _local(run, method.step_size)
    evidence = None
    if question["theorem"] is not None:
        evidence = compare(theorems.load(question["theorem"]), run)
    bound = None if evidence is None or evidence.verdict == VACUOUS else evidence.predicted_rate
    numbers = _numbers(run, observed, local, bound)
    return Finding(
        UNDECIDED if observed is None or limit.over else FOUND,
        f"At which rate does the loss of {_what(run)} vanish, and what do the limit and the bound say?",
        _answer(numbers),
        numbers,
        _witness(question),
        searched=[f"{len(run.steps)} records; the window is the later half of those below a hundredth of the start"],
        not_found=[] if observed else ["a rate: the loss does not fall to a hundredth of its start, or too late"],
        figure=_figure(run, observed, local, bound, evidence),
        notes=[*run.notes, *(["the theorem's hypotheses fail here: no bound"] if evidence and not bound else [])],
    )


def _what(run: Trajectory) -> str:
    label = target_label(run.target)
    widths = ", ".join(str(x) for x in run.problem.network.widths)
    step = "the flow" if run.method.step_size is None else f"descent at step size {run.method.step_size}"
    return f"{step} on {label} with widths {widths}"


def _local(run: Trajectory, step: Fraction | None) -> _Local:
    """Return the local rates at the last weights that were kept."""
    if not run.weights:
        return _Local(None, None)
    with precision(128):
        layers = [flint().arb_mat([[arb(x) for x in row] for row in layer]) for layer in run.weights[-1]]
        if not all(x.is_finite() for layer in layers for x in layer.entries()):
            return _Local(None, None)
        table = linear_hessian(run.problem, layers).tolist()
    hessian = np.array([[float(x.mid()) for x in row] for row in table])
    slowest = float(np.linalg.eigvalsh(hessian)[-_steep(run)])
    return _Local(_of(_along(run, hessian), step), _of(slowest, step))


def _steep(run: Trajectory) -> int:
    """Return in how many directions a minimum is not flat: the dimension of the end-to-end matrices of its rank."""
    widths = run.problem.network.widths
    rank = min(widths)
    return rank * (widths[0] + widths[-1] - rank)


def _along(run: Trajectory, hessian: np.ndarray) -> float | None:
    """Return the curvature along the change of the last weights, where the change shows."""
    if run.weights is None or len(run.weights) < 2:
        return None
    pairs = zip(_entries(run.weights[-1]), _entries(run.weights[-2]), strict=True)
    # Exactly, and scaled up first: a change of 10^-30 beside a weight of 1 is lost in floats.
    exact = [a - b for a, b in pairs]
    largest = max(abs(x) for x in exact)
    if largest == 0:
        return None
    move = np.array([float(x / largest) for x in exact])
    return float(move @ hessian @ move) / float(move @ move)


def _entries(layers: Sequence[Sequence[Sequence[Measured]]]) -> list[Fraction]:
    return [x.value or Fraction(0) for layer in layers for row in layer for x in row]


def _of(curvature: float | None, step: Fraction | None) -> float | None:
    """Return the rate of the loss in a direction of this curvature: of the flow, or of descent at a step size."""
    if curvature is None or curvature <= 0:
        return None
    if step is None:
        return 2 * curvature
    factor = abs(1 - float(step) * curvature)
    return None if factor == 0 else -2 * math.log(factor) / float(step)


def _numbers(
    run: Trajectory, observed: ObservedRate | None, local: _Local, bound: Measured | None
) -> dict[str, Number]:
    found = {}
    if observed is not None:
        first, last = (run.steps[k] for k in observed.window)
        label = f"observed rate, fitted from record {first} to {last}"
        found["observed"] = Number(label, Measured(Fraction(observed.rate), Fraction(observed.band)), "estimate")
    for name, words, value in (
        ("local", "local rate along the last step", local.along),
        ("slowest", "local rate of the slowest direction, excited or not", local.slowest),
    ):
        if value is not None:
            found[name] = Number(words, Measured(Fraction(value), Fraction(abs(value)) / 10**9), "estimate")
    if bound is not None and bound.value is not None:
        found["bound"] = Number("rate of the bound", shortened(bound), "enclosure")
        if observed is not None and bound.value > 0:
            ratio = Measured(Fraction(observed.rate) / bound.value, Fraction(observed.band) / bound.value)
            found["looseness"] = Number("observed rate over that of the bound", ratio, "estimate")
    return found


def _answer(numbers: Mapping[str, Number]) -> str:
    if "observed" not in numbers:
        return "No rate could be fitted."
    told = {name: _short(numbers[name]) for name in ("observed", "local", "bound") if name in numbers}
    words = [f"Observed {told['observed']} per unit of flow time"]
    words += [f"the limit says {told['local']}"] if "local" in told else []
    words += [f"the bound {told['bound']}"] if "bound" in told else []
    return ", ".join(words) + "."


def _short(number: Number) -> str:
    value = number.value.value if isinstance(number.value, Measured) else Fraction(number.value)
    return f"{float(value or 0):.6g}"


def _witness(question: Mapping[str, Any]) -> Witness | None:
    if question["theorem"] is None:
        return None
    return Witness("the run, judged", dict(question), compare_command({**question, "theorem": question["theorem"]}))


def _figure(
    run: Trajectory, observed: ObservedRate | None, local: _Local, bound: Measured | None, evidence: Any
) -> Figure:
    kept = thinned(len(run.steps), 300)
    loss = run.observables["loss"]
    times = [float(run.times[k]) for k in kept]
    lines = [Series("loss", times, [to_float(loss[k].value) or math.nan for k in kept], colour="blue")]
    if evidence is not None and bound is not None:
        judged = next((j for j in evidence.judged if getattr(j.prediction, "relation", "") == "<="), None)
        if judged is not None and len(judged.rhs) == len(run.steps):
            envelope = [to_float(judged.rhs[k].value) or math.nan for k in kept]
            lines.append(Series("bound", times, envelope, "dashed", colour="orange"))
    upper = Panel(Axis("flow time"), Axis("loss", "log"), lines)
    middles, slopes = [], []
    for a, b in itertools.pairwise(kept):
        before, after = loss[a].value, loss[b].value
        if before and after and run.times[b] > run.times[a]:
            middles.append(float(run.times[a] + run.times[b]) / 2)
            slopes.append((logarithm(before) - logarithm(after)) / float(run.times[b] - run.times[a]))
    lower_lines = [Series("between records", middles, slopes, colour="blue")]
    if observed is not None:
        window = [float(run.times[k]) for k in observed.window]
        band = [[observed.rate + s * observed.band] * 2 for s in (-1, 1)]
        fitted = Series("fitted", window, [observed.rate] * 2, colour="green", low=band[0], high=band[1])
        lower_lines.append(fitted)
    rates = {"local": local.along, "bound": None if bound is None else to_float(bound.value)}
    ends = [times[0], times[-1]]
    styles = {"local": ("dotted", "black"), "bound": ("dashed", "orange")}
    lower_lines += [
        Series(name, ends, [value] * 2, styles[name][0], colour=styles[name][1])
        for name, value in rates.items()
        if value is not None
    ]
    # Around the rates that are compared: the first, fast modes would flatten them.
    known = [v for v in (*rates.values(), None if observed is None else observed.rate) if v is not None]
    low, high = (0.7 * min(known), 1.6 * max(known)) if known else (0.0, None)
    lower = Panel(Axis("flow time"), Axis("rate of the loss", low=low, high=high), lower_lines)
    caption = (
        "The loss over flow time; below, its rate between records, as fitted over its window, at the limit by the "
        "curvature along the last step, and of the bound where there is one."
    )
    return Figure((upper, lower), caption, height=2.2, shared=True)
