"""What a run leaves for its judges: times, recorded observables with their errors, method, grade, status.

A theorem sees a run only through this; nothing here knows how it was computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.exact import Measured, rational
from workbench.problem import Problem


class Status(Enum):
    """How a run ended; the value is a sentence for the user."""

    FINISHED = "the run took all its steps"
    CONVERGED = "the loss reached the level that was asked for"
    STALLED = "the iterate stopped moving before the run was done"
    DIVERGED = "the loss passed every bound: the run diverged"


QUANTITIES = ("loss", "determinant", "singular_value:K")


@dataclass(frozen=True)
class Watch:
    """A quantity of a flow and a level whose first crossing is looked for.

    Parameters
    ----------
    quantity : {"loss", "determinant", "singular_value"}
        The last two of the end-to-end matrix.
    level : Fraction
    place : int or None
        Which singular value, the largest being 1.
    """

    quantity: str
    level: Fraction
    place: int | None = None

    @classmethod
    def read(cls, text: str) -> Watch:
        """Return the watch that a text such as `singular_value:2=1/10` or `determinant=0` stands for."""
        name, equals, level = (part.strip() for part in str(text).partition("="))
        quantity, _, place = name.partition(":")
        counted = quantity == "singular_value"
        known = quantity in ("loss", "determinant", "singular_value")
        if not equals or not known or counted != (place.isdecimal() and place != "0") or (place and not counted):
            raise InputError(f"{text!r} is no event; give one of {', '.join(QUANTITIES)} with =LEVEL, K from 1")
        return cls(quantity, rational(level, f"the level of {name}"), int(place) if counted else None)

    @property
    def name(self) -> str:
        """The quantity, with its place."""
        return self.quantity if self.place is None else f"{self.quantity}:{self.place}"

    def __str__(self) -> str:
        return f"{self.name}={self.level}"


@dataclass(frozen=True)
class Event:
    """What was proved of the first crossing of a level.

    Parameters
    ----------
    watch : Watch
    outcome : {"crossed", "not crossed", "undecided"}
        Crossed: the quantity is on different sides at `low` and at `high`. Not crossed: at no time of the run.
    clear : Fraction
        Flow time before which the quantity is nowhere on the level.
    low, high : Fraction or None
        Flow times between which it crosses.
    """

    watch: Watch
    outcome: str
    clear: Fraction
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True)
class Stop:
    """When a run ends: after a number of steps, at a flow time, or once the loss is at most a level.

    Parameters
    ----------
    steps : int or None
    time : Fraction or None
        Flow time.
    until_loss : Fraction or None
        `steps` is then the most that are taken.
    until : Watch or None
        A flow ends where this crosses its level.
    watch : tuple of Watch
        What else to look for along a flow.
    at : tuple of Fraction
        Flow times to record beside the grid.
    """

    steps: int | None = None
    time: Fraction | None = None
    until_loss: Fraction | None = None
    until: Watch | None = None
    watch: tuple[Watch, ...] = ()
    at: tuple[Fraction, ...] = ()

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the rule."""
        items = {"steps": self.steps, "time": self.time, "until_loss": self.until_loss, "until": self.until}
        lists = {"watch": self.watch, "at": self.at}
        found: dict[str, Any] = {k: v if isinstance(v, int) else str(v) for k, v in items.items() if v is not None}
        return found | {k: [str(x) for x in v] for k, v in lists.items() if v}


@dataclass(frozen=True)
class Method:
    """A dynamics by name with its exact parameters, from which hypotheses are decided.

    Parameters
    ----------
    name : str
        A module of `workbench.dynamics`.
    stop : Stop
    step_size : Fraction or None
        eta; None for a flow.
    parameters : mapping of str to Fraction
        penalty, radius, momentum.
    from_float : bool
        Whether the step size or a parameter was given as a float.
    """

    name: str
    stop: Stop
    step_size: Fraction | None = None
    parameters: Mapping[str, Fraction] = field(default_factory=dict)
    from_float: bool = field(default=False, compare=False)

    def parameter(self, name: str) -> Fraction:
        """Return a parameter, zero where the dynamics has none of this name."""
        return self.parameters.get(name, Fraction(0))

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the method."""
        data: dict[str, Any] = {"name": self.name, "stop": self.stop.specification()}
        if self.step_size is not None:
            data["step_size"] = str(self.step_size)
        if self.parameters:
            data["parameters"] = {k: str(v) for k, v in sorted(self.parameters.items())}
        return data


@dataclass(frozen=True)
class Arithmetic:
    """The number system of a run.

    Parameters
    ----------
    name : str
        A backend.
    digits : int or None
        Decimal digits asked for.
    precision_bits : int or None
        Bits used in the end; None for rationals.
    device : str or None
    automatic : bool
        Whether the digits were left to the run: raised until the verdict is decided.
    structured : bool
        Whether balls may run mode by mode where the problem's hypotheses allow it.
    """

    name: str
    digits: int | None = None
    precision_bits: int | None = None
    device: str | None = None
    automatic: bool = False
    structured: bool = True

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the arithmetic: what was asked, not what was needed."""
        digits = "auto" if self.automatic else self.digits
        structure = None if self.structured else False
        items = {"name": self.name, "digits": digits, "device": self.device, "structure": structure}
        return {k: v for k, v in items.items() if v is not None}


@dataclass(frozen=True)
class Trajectory:
    """A recorded run.

    Parameters
    ----------
    problem : Problem
    method : Method
    arithmetic : Arithmetic
    steps : tuple of int
        Step numbers of the records; the first is 0.
    times : tuple of Fraction
        Flow time of each record: eta k for descent.
    observables : mapping of str to tuple of Measured
        One series a name, as long as `steps`.
    grade : {"estimate", "enclosure"}
        What the errors are.
    status : Status
    weights : tuple or None
        Where asked for: for each record the layers as rows of Measured.
    notes : tuple of str
        Sentences that a reader of a verdict should see.
    events : tuple of Event
        What was found of the levels that a flow was to watch.
    dense : callable or None
        Where weights were kept of a certified flow: the layers as rows of Measured at any flow time of the run.
    """

    problem: Problem
    method: Method
    arithmetic: Arithmetic
    steps: tuple[int, ...]
    times: tuple[Fraction, ...]
    observables: Mapping[str, tuple[Measured, ...]]
    grade: str
    status: Status
    weights: tuple[Any, ...] | None = None
    notes: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    dense: Callable[[Fraction], tuple[Any, ...]] | None = field(default=None, compare=False, repr=False)

    @property
    def depth(self) -> int:
        """Number of layers, L."""
        return self.problem.depth

    @property
    def target(self) -> Any:
        """The target matrix Phi."""
        return self.problem.loss.target
