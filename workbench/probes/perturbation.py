r"""Escape time from a symmetric saddle against the size of the perturbation.

A product of L numbers with the target -lambda starts at w_i = 1 + 10^-k xi_i. Equal numbers stay at the saddle for
ever; unequal ones leave it, after a number of steps that is measured for every k and set against the closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.exact import Measured, rational
from workbench.probes import _escape_law as law
from workbench.probes._escape import Chain, Escape, in_balls, in_floats
from workbench.probes.base import (
    FOUND,
    NO_CHANGE,
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
)

OPTIONS = (
    Option("depth", "Number of factors, L", int, default=2),
    Option("target", "The target, a negative number", default="-1"),
    Option("step_size", "Step size", default="1/10"),
    Option("sizes", "Exponents k of the sizes 10^-k, such as 2,6,10 or 10..200:10", default="10..200:10"),
    Option("offsets", "xi_1,...,xi_L, in units of the size; left out, 1,-1 and more between them, all unequal"),
    Option("level", "Share of the floor that the loss falls to at the escape", default="1/2"),
    Option("most_steps", "Steps at which a walk is given up", int, default=10_000_000),
)

# Longer walks than this are taken in float64.
_IN_BALLS = 30_000

# float64 holds no smaller perturbation with all its digits.
_SMALLEST_FLOAT = 300


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    depth = given["depth"]
    if depth < 2:
        raise InputError(f"the depth is {depth}; a saddle takes at least two factors")
    target, step, level = (rational(given[name], name) for name in ("target", "step_size", "level"))
    if target >= 0:
        raise InputError(f"the target is {target}; from a positive start only a negative one has a saddle before it")
    if not 0 < step * (1 - target) < 1:
        raise InputError(f"the step size is {step}; give one between 0 and 1/(1 + lambda) = {1 / (1 - target)}")
    if not 0 < level < 1:
        raise InputError(f"the level is {level}; give a share of the floor, between 0 and 1")
    offsets = _offsets(given["offsets"], depth)
    sizes = _exponents(given["sizes"])
    if any(1 + Fraction(1, 10**k) * x <= 0 for k in sizes for x in offsets):
        raise InputError(f"a start 1 + 10^-{min(sizes)} {min(offsets)} is not positive; give smaller sizes or offsets")
    if given["most_steps"] < 1:
        raise InputError(f"the steps are {given['most_steps']}; give a positive integer")
    return {
        "depth": depth,
        "target": str(target),
        "step_size": str(step),
        "offsets": [str(x) for x in offsets],
        "sizes": sizes,
        "level": str(level),
        "most_steps": given["most_steps"],
    }


def _offsets(text: str | None, depth: int) -> list[Fraction]:
    if text is None:
        return [Fraction(1) - Fraction(2 * i, depth - 1) for i in range(depth)]
    found = [rational(part, "an offset") for part in text.split(",")]
    if len(found) != depth:
        raise InputError(f"{len(found)} offsets for {depth} factors; give one each")
    return found


def _exponents(text: str) -> list[int]:
    """Return the exponents of a text such as `2,6,10` or `10..200:10`."""
    found: set[int] = set()
    for part in text.split(","):
        ends, _, stride = part.partition(":")
        low, dots, high = ends.partition("..")
        numbers = [x.strip() for x in (low, high if dots else low, stride or "1")]
        if not all(x.isdecimal() for x in numbers) or int(numbers[2]) == 0:
            raise InputError(f"the sizes are {text!r}; give exponents such as 2,6,10 or 10..200:10")
        found.update(range(int(numbers[0]), int(numbers[1]) + 1, int(numbers[2])))
    if not found or max(found) > 4000 or len(found) > 1000:
        raise InputError(f"the sizes are {text!r}; give at most 1000 exponents, of at most 4000")
    return sorted(found)


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Measure the escape time for every size, and set it against the closed form."""
    chain = Chain(
        -Fraction(question["target"]),
        Fraction(question["step_size"]),
        tuple(Fraction(x) for x in question["offsets"]),
        Fraction(question["level"]),
    )
    tied = sum(x == min(chain.offsets) for x in chain.offsets) > 1
    known = None if tied else law.constant(chain)
    measured: dict[int, Escape] = {}
    for k in question["sizes"]:
        if limit.over:
            break
        measured[k] = _measure(chain, k, question["most_steps"], limit, known)
    if tied:
        return _no_escape(chain, question, measured, limit)
    return _finding(chain, question, measured, known, limit)


def _measure(chain: Chain, k: int, most: int, limit: TimeLimit, known: Any) -> Escape:
    size = Fraction(1, 10**k)
    expected = most if known is None else law.predicted(chain, size, known)
    if min(expected, most) <= _IN_BALLS or k > _SMALLEST_FLOAT:
        # A ball's radius grows at most as fast as the smallest number falls, to 10^(-k/2), once for each factor.
        return in_balls(chain, size, 128 + 4 * k * chain.depth, most, limit)
    return in_floats(chain, size, most)


def _asked(chain: Chain, question: Mapping[str, Any]) -> str:
    sizes = question["sizes"]
    return (
        f"After how many steps does descent at step size {chain.step_size} on a product of {chain.depth} numbers with "
        f"the target {-chain.weakness} leave the saddle, from 1 + 10^-k xi with xi = "
        f"{', '.join(question['offsets'])}, for k from {sizes[0]} to {sizes[-1]}?"
    )


def _no_escape(chain: Chain, question: Mapping[str, Any], measured: dict[int, Escape], limit: TimeLimit) -> Finding:
    """Say that a tie of the smallest numbers holds the saddle: their product has a square as a factor."""
    return Finding(
        UNDECIDED if limit.was_over else NO_CHANGE,
        _asked(chain, question),
        "Never: two of the smallest numbers are equal and stay equal, so that their product is a square and the "
        "product of all never falls below zero.",
        searched=[f"10^-{k}: {escape.walked} steps, no escape" for k, escape in measured.items()],
        not_found=["an escape, for a tie of the smallest offsets"],
    )


def _finding(
    chain: Chain, question: Mapping[str, Any], measured: dict[int, Escape], known: Any, limit: TimeLimit
) -> Finding:
    escaped = {k: e for k, e in measured.items() if e.steps is not None}
    predictions = {k: law.predicted(chain, Fraction(1, 10**k), known) for k in measured}
    missing = [k for k in question["sizes"] if k not in escaped]
    numbers = _numbers(chain, escaped, predictions, known)
    answer = "No size escaped."
    if escaped:
        last = max(escaped)
        answer = f"At 10^-{last} after {escaped[last].steps} steps; {_law_in_words(chain)}"
    return Finding(
        UNDECIDED if missing else FOUND,
        _asked(chain, question),
        answer,
        numbers,
        searched=[f"{len(measured)} of {len(question['sizes'])} sizes, at most {question['most_steps']} steps each"],
        not_found=[f"the escape from 10^-{k}" for k in missing],
        figure=_figure(chain, escaped, predictions) if escaped else None,
        tables=[_table(escaped, predictions)] if escaped else [],
    )


def _law_in_words(chain: Chain) -> str:
    if chain.depth == 2:
        return "the closed form is linear in k, each decade of the perturbation costs ln 10 / ln(1 + eta lambda) steps."
    power = Fraction(chain.depth - 2, 2)
    exponent = f"({'' if power.numerator == 1 else power.numerator}k/2)" if power.denominator == 2 else f"({power}k)"
    return f"the closed form grows as 10^{'k' if power == 1 else exponent}, a power of the perturbation."


def _numbers(
    chain: Chain, escaped: Mapping[int, Escape], predictions: Mapping[int, float], known: Any
) -> dict[str, Number]:
    if not escaped:
        return {}
    last = max(escaped)
    steps, proved = escaped[last].steps or 0, escaped[last].proved
    grade = "exact" if proved else "estimate"
    # Roundings of a long walk in float64 change the count by a few parts in 2^51 a step.
    error = Fraction(0) if proved else Fraction(1) + Fraction(steps) ** 2 / 2**51
    near = Fraction(f"{predictions[last]:.2f}")
    law_constant = Fraction(float(known))
    found = {
        "steps": Number(f"steps at 10^-{last}", Measured(Fraction(steps), error), grade, near, "the closed form"),
        "constant": Number(
            "constant of the closed form", Measured(law_constant, abs(law_constant) / 10**9), "estimate"
        ),
    }
    if chain.depth > 2:
        ratio = Measured(steps / near, (error + Fraction(1, 100)) / near)
        found["ratio"] = Number("steps over the closed form", ratio, "estimate", 1)
    return found


def _table(escaped: Mapping[int, Escape], predictions: Mapping[int, float]) -> Table:
    rows = [
        [str(k), str(e.steps), f"{predictions[k]:.2f}", "proved" if e.proved else "float64"] for k, e in escaped.items()
    ]
    if len(rows) > 12:
        rows = [rows[i * (len(rows) - 1) // 11] for i in range(12)]
    return Table("Steps to the escape", ["k", "steps", "closed form", "arithmetic"], rows)


def _figure(chain: Chain, escaped: Mapping[int, Escape], predictions: Mapping[int, float]) -> Figure:
    ks = sorted(escaped)
    steps = [float(escaped[k].steps or 0) for k in ks]
    scale = "linear" if chain.depth == 2 else "log"
    law_line = Series("closed form", [float(k) for k in ks], [predictions[k] for k in ks], "line", colour="orange")
    points = Series("measured", [float(k) for k in ks], steps, "points", colour="blue")
    upper = Panel(Axis("perturbation $10^{-k}$: $k$"), Axis("steps to the escape", scale), (law_line, points))
    gaps = [s - predictions[k] if chain.depth == 2 else s / predictions[k] for k, s in zip(ks, steps, strict=True)]
    name = "measured less closed form" if chain.depth == 2 else "measured / closed form"
    lower = Panel(upper.x, Axis(name), (Series("", [float(k) for k in ks], gaps, "joined", colour="green"),))
    caption = (
        f"Steps that descent takes to leave the saddle of {chain.depth} numbers, against the size of the perturbation, "
        "and what is left of the closed form."
    )
    return Figure((upper, lower), caption, height=2.0, shared=True)
