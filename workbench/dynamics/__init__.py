"""Dynamics: how weights move. One dynamics, one module; `run` carries one out at a guaranteed precision.

A module has `LABEL` (how a report names it), `PARAMETERS` (its own exact parameters with defaults, None where one
must be given), `FLOW` (whether time is continuous) and `run(...) -> Trajectory`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench import backends
from workbench.dynamics import _flow_modes
from workbench.dynamics._modes import runner
from workbench.dynamics._recorder import PrecisionShort
from workbench.errors import InputError, UnknownNameError
from workbench.exact import holds_float, rational
from workbench.problem import Problem
from workbench.trajectory import Arithmetic, Method, Trajectory

# Guard bits of the first try, and the working precision at which a run gives up and says so.
_FIRST_GUARD = 64
_MOST_BITS = 400_000

# Tries in a row that may end at the same step before a run gives up on its digits.
_MOST_STUCK = 3

# Names that a user may type for a dynamics.
ALIASES = {"descent": "gradient_descent", "flow": "gradient_flow", "momentum": "heavy_ball"}

MOST_STEPS = 100_000


def catalogue() -> list[str]:
    """Return the names of the dynamics: the modules of this folder."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.name.startswith("_"))


def module(name: str) -> ModuleType:
    """Return the module of a dynamics, by its name or an alias."""
    name = ALIASES.get(name, name)
    if name not in catalogue():
        raise UnknownNameError("dynamics", name, [*catalogue(), *ALIASES])
    return import_module(f"workbench.dynamics.{name}")


def parameters(name: str, given: Mapping[str, Any]) -> dict[str, Fraction]:
    """Return the exact parameters of a dynamics, the defaults filled in.

    Raises
    ------
    InputError
        If one is unknown, missing, negative, or no integer where it counts.
    """
    known: Mapping[str, Fraction | None] = module(name).PARAMETERS
    for key in given:
        if key not in known:
            raise (
                UnknownNameError(f"parameter of {name}", key, known)
                if known
                else InputError(f"the dynamics {name} takes no parameter; {key!r} was given")
            )
    values = dict(known) | {k: rational(v, k) for k, v in given.items()}
    missing = [k for k, v in values.items() if v is None]
    if missing:
        raise InputError(f"the dynamics {name} needs {missing[0]}; give --set {missing[0]}=1/10")
    for key, value in values.items():
        if value is not None and value < 0:
            raise InputError(f"the {key} is {value}; it must not be negative")
        if value is not None and key in getattr(module(name), "INTEGERS", ()) and value.denominator != 1:
            raise InputError(f"the {key} is {value}; give an integer")
    return {k: v for k, v in values.items() if v is not None}


def run(
    problem: Problem,
    method: Method,
    arithmetic: Arithmetic,
    observes: tuple[str, ...] = ("loss",),
    *,
    keep_weights: bool = False,
) -> Trajectory:
    """Carry a dynamics out and record what was asked.

    With `mp` and `ball` every recorded weight has the digits that `arithmetic` asks for, relative to the largest
    entry (or to 1): the working precision is raised until the run's own error says so.

    Parameters
    ----------
    problem : Problem
    method : Method
    arithmetic : Arithmetic
    observes : tuple of str
        Names of observables.
    keep_weights : bool

    Returns
    -------
    Trajectory
        An enclosure where the pair (dynamics, backend) gives one, an estimate elsewhere.
    """
    chosen = module(method.name)
    if not backends.takes_digits(arithmetic.name):
        base = backends.load(arithmetic.name, device=arithmetic.device)
        return _finish(chosen.run(problem, base, method, observes, keep_weights, None), arithmetic, base)
    digits = arithmetic.digits or backends.DEFAULT_DIGITS
    wanted = backends.bits_of(digits)
    guard, reached, stuck = _FIRST_GUARD, -1, 0
    # A run that supposes equal layers is no witness for a statement about the layers: only the loss is read off it.
    about_the_loss = set(observes) <= {"loss"}
    shortcut = arithmetic.name == "ball" and arithmetic.structured and about_the_loss
    structured = (runner(problem, method, keep_weights) or _flow_modes.runner(problem, method)) if shortcut else None
    carry_out = structured or chosen.run
    while True:
        base = backends.load(arithmetic.name, bits=wanted + guard, device=arithmetic.device)
        # More bits that carry the run no further will not: what it loses is not rounding.
        hopeless = wanted + guard >= _MOST_BITS or stuck == _MOST_STUCK
        try:
            result = carry_out(problem, base, method, observes, keep_weights, None if hopeless else digits)
        except PrecisionShort as short:
            stuck = stuck + 1 if short.step <= reached else 0
            guard = min(max(2 * guard, short.bits - wanted), _MOST_BITS - wanted)
            reached = max(reached, short.step)
            continue
        return _finish(result, arithmetic, base, guaranteed=not hopeless)


def _finish(
    trajectory: Trajectory, arithmetic: Arithmetic, base: backends.Backend, *, guaranteed: bool = True
) -> Trajectory:
    """Say in the trajectory what arithmetic was used in the end."""
    from dataclasses import replace

    digits = arithmetic.digits
    if backends.takes_digits(arithmetic.name) and digits is None:
        digits = backends.DEFAULT_DIGITS
    device = arithmetic.device or ("cpu" if arithmetic.name == "torch" else None)
    used = replace(arithmetic, digits=digits, precision_bits=base.precision_bits, device=device)
    notes = trajectory.notes
    if not guaranteed:
        notes = (*notes, f"{base.precision_bits} bits did not suffice: {digits} digits are not guaranteed")
    if base.precision_bits is None or base.precision_bits >= 64:
        notes = (*notes, *_floats_given(trajectory))
    return replace(trajectory, arithmetic=used, notes=notes)


def _floats_given(trajectory: Trajectory) -> list[str]:
    """Say what of the problem and of the method was given as a float."""
    loss, start, method = trajectory.problem.loss, trajectory.problem.start, trajectory.method
    given = {
        "an entry": any(m is not None and m.from_float for m in (trajectory.target, loss.inputs)),
        "the start": start.from_float or holds_float(start.parameters),
        "the step size or a parameter": method.from_float,
    }
    told = "was given as a float and enters as the dyadic it is: only its 53 bits are meant"
    return [f"{what} {told}" for what, inexact in given.items() if inexact]


__all__ = ["ALIASES", "MOST_STEPS", "catalogue", "module", "parameters", "run"]
