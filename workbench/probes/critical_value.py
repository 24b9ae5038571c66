"""A critical value of descent on equal numbers, as the certified root of the equations that define it.

Where bisecting runs is hopeless, because runs near a bifurcation take for ever, the value is the root of the map's own
equations: found by Newton's method and proved by Krawczyk's test in balls, to as many digits as asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb, measured, precision
from workbench.errors import InputError, UnknownNameError
from workbench.exact import Measured, decimal_text, rational
from workbench.probes import _chain_map as chain
from workbench.probes import _critical as critical
from workbench.probes._krawczyk import Root, bits_for, enclosed_root
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
    Witness,
    plain,
    shortened,
)

_STEPS = {
    "stability": "a minimum loses its stability",
    "superstable": "a cycle passes through the critical point",
    "doubling": "a cycle loses its stability to one of twice the period",
    "sign_flip": "the attractor touches zero",
    "crisis": "the attractor touches the outermost cycle of period two, beyond which descent escapes",
}
_DECAYS = {
    "decay_exists": "weight decay ends the nonzero minimum",
    "decay_best": "weight decay makes zero the better minimum",
}

OPTIONS = (
    Option("name", f"One of {', '.join([*_STEPS, *_DECAYS])}", required=True, positional=True),
    Option("depths", "Depths L, such as 2,3,4,5,8,16", default="2,3,4,5,8,16"),
    Option("periods", "Periods of the cycles, powers of 2, for superstable and doubling", default="2"),
    Option("target", "The target s, a positive number", default="1"),
    Option("digits", "Decimal digits of every value", int, default=30),
)


def question(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exact question that options stand for."""
    name, digits = given["name"], given["digits"]
    if name not in {**_STEPS, **_DECAYS}:
        raise UnknownNameError("critical value", name, [*_STEPS, *_DECAYS])
    target = rational(given["target"], "the target")
    if target <= 0:
        raise InputError(f"the target is {target}; give a positive number")
    if not 1 <= digits <= 1000:
        raise InputError(f"the digits are {digits}; give between 1 and 1000")
    least = 3 if name in _DECAYS else 2
    depths = _integers(given["depths"], "depths", least, 64)
    periods = _integers(given["periods"], "periods", 1, 1024)
    if any(p & (p - 1) for p in periods):
        raise InputError(f"the periods are {given['periods']}; give powers of 2")
    used = {"periods": periods} if name in ("superstable", "doubling") else {}
    return {"name": name, "depths": depths, "target": str(target), "digits": digits, **used}


def _integers(text: str, what: str, least: int, most: int) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and least <= int(part) <= most for part in parts):
        raise InputError(f"the {what} are {text!r}; give integers from {least} to {most} such as {least},{least + 2}")
    return sorted({int(part) for part in parts})


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Enclose the value for every depth and period."""
    name, digits, target = question["name"], question["digits"], Fraction(question["target"])
    asked = [(depth, period) for depth in question["depths"] for period in question.get("periods", [1])]
    roots: dict[tuple[int, int], Root | None] = {}
    for depth, period in asked:
        if limit.over:
            break
        roots[depth, period] = _root(name, depth, period, target, digits)
    proved = {key: root for key, root in roots.items() if root is not None and root.proved}
    missing = [key for key in asked if key not in proved]
    words = {**_STEPS, **_DECAYS}[name]
    values = _values(question, proved)
    what = "weight decay" if name in _DECAYS else "scaled step h = eta L s^(2-2/L)"
    return Finding(
        UNDECIDED if missing else FOUND,
        f"At which {what} is it that {words}, at the target {target} and the depths "
        f"{', '.join(map(str, question['depths']))}, to {digits} digits?",
        _answer(values, what),
        values,
        _witness(name, proved, digits),
        searched=["Newton's method from a guess in floats, then Krawczyk's test: each root is there and alone"],
        not_found=[f"a proved root for depth {depth}, period {period}" for depth, period in missing],
        figure=_figure(name, proved),
        tables=_ratios(name, question, proved),
    )


def _root(name: str, depth: int, period: int, target: Fraction, digits: int) -> Root | None:
    if name == "stability":
        # The minimum is the cycle of period one.
        return enclosed_root(chain.equations(depth, "doubling", 1), (1.0, 1.9), digits)
    if name == "superstable":
        return critical.superstable(depth, period, digits)
    if name == "doubling":
        return critical.doubling(depth, period, digits)
    if name == "sign_flip":
        return critical.sign_flip(depth, digits)
    if name == "crisis":
        return critical.crisis(depth, digits)
    return critical.decay(depth, target, best=name == "decay_best", digits=digits)


def _values(question: Mapping[str, Any], proved: Mapping[tuple[int, int], Root]) -> dict[str, Number]:
    name, digits, target = question["name"], question["digits"], Fraction(question["target"])
    several = len(question.get("periods", [1])) > 1
    found = {}
    for (depth, period), root in proved.items():
        key = f"depth_{depth}" + (f"_period_{period}" if several else "")
        label = f"L = {depth}" + (f", period {period}" if "periods" in question else "")
        known, words = _closed_form(name, depth, period, target, digits)
        near = shortened(known, digits) if isinstance(known, Measured) else known
        found[key] = Number(label, shortened(root.values[1], digits), "enclosure", near, words)
        if name in _STEPS and target != 1:
            step = _step(root.values[1], depth, target, digits)
            found[f"{key}_step"] = Number(f"{label}, eta", shortened(step, digits), "enclosure")
    return found


def _step(scaled: Measured, depth: int, target: Fraction, digits: int) -> Measured:
    """Return eta of a scaled step."""
    with precision(bits_for(digits)):
        return measured(arb(scaled) / (depth * arb(target) ** arb(2 - Fraction(2, depth))))


def _closed_form(
    name: str, depth: int, period: int, target: Fraction, digits: int
) -> tuple[Measured | Fraction | None, str]:
    """Return what a closed form says of a value, where there is one, and its words."""
    with precision(bits_for(digits)):
        if name == "stability":
            return Fraction(2), "2"
        if name in _DECAYS:
            s, share = arb(target), Fraction(depth - 2, depth)
            if name == "decay_best":
                value = (s * arb(Fraction(depth - 2, depth - 1))) ** arb(share) * s / (depth - 1)
            else:
                value = (s * arb(Fraction(depth - 2, 2 * depth - 2))) ** arb(share) * s * depth / (2 * depth - 2)
            return measured(value), "closed form"
        if depth == 2:
            known = {
                ("superstable", 2): (3 * arb(2).sqrt() - 2, "3 sqrt 2 - 2"),
                ("doubling", 1): (arb(2), "2"),
                ("doubling", 2): (2 * arb(5).sqrt() - 2, "2 sqrt 5 - 2"),
                ("sign_flip", 1): (3 * arb(3).sqrt() - 2, "3 sqrt 3 - 2"),
                ("crisis", 1): (arb(4), "4"),
            }.get((name, period))
            if known is not None:
                return measured(known[0]), known[1]
    return None, ""


def _answer(values: Mapping[str, Number], what: str) -> str:
    if not values:
        return "No root was proved."
    first = next(iter(values.values()))
    value = first.value.value if isinstance(first.value, Measured) else Fraction(first.value)
    return f"{len(values)} values of the {what}, the first {plain(decimal_text(value, 10))} at {first.label}."


def _witness(name: str, proved: Mapping[tuple[int, int], Root], digits: int) -> Witness | None:
    """Return rationals on both sides of every value."""
    sides = {}
    for (depth, period), root in proved.items():
        bounds = root.values[1].bounds()
        if bounds is not None:
            scale = 10**digits
            below, above = Fraction(bounds[0] * scale // 1, scale), Fraction(-(-bounds[1] * scale // 1), scale)
            sides[f"L={depth},p={period}"] = [str(below), str(above)]
    return Witness(f"rationals below and above each value of {name}", sides) if sides else None


def _ratios(name: str, question: Mapping[str, Any], proved: Mapping[tuple[int, int], Root]) -> list[Table]:
    """Return how the distances of the values shrink from period to period, where three or more were asked for."""
    tables = []
    for depth in question["depths"]:
        kept = [(p, root.values[1].value) for (d, p), root in proved.items() if d == depth]
        values = [(p, float(v)) for p, v in kept if v is not None]
        if name not in ("superstable", "doubling") or len(values) < 3:
            continue
        triples = zip(values, values[1:], values[2:], strict=False)
        rows = [[str(p), f"{(b - a) / (c - b):.5f}"] for (_, a), (p, b), (_, c) in triples]
        tables.append(
            Table(f"Ratios of the distances between neighbouring values at depth {depth}", ["p", "ratio"], rows)
        )
    return tables


def _figure(name: str, proved: Mapping[tuple[int, int], Root]) -> Figure | None:
    depths = sorted({depth for depth, _ in proved})
    periods = sorted({period for _, period in proved})
    if len(depths) < 2:
        return None
    series = []
    for period in periods:
        keys = [(depth, period) for depth in depths if (depth, period) in proved]
        y = [float(proved[key].values[1].value or 0) for key in keys]
        label = f"period {period}" if len(periods) > 1 else ""
        series.append(Series(label, [float(depth) for depth, _ in keys], y, "joined"))
    label = r"weight decay $\lambda$" if name in _DECAYS else r"scaled step $\eta L s^{2-2/L}$"
    words = {**_STEPS, **_DECAYS}[name]
    return Figure((Panel(Axis("depth $L$"), Axis(label), series),), f"Where {words}, over the depth.", height=2.4)
