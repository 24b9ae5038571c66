"""What a probe asks and what it finds: data that a record keeps and a report draws, nothing of which is recomputed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from workbench.errors import InputError
from workbench.exact import Measured, decimal_text
from workbench.probes._drawing import Axis, Density, Figure, Mark, Panel, Series

# What may come of a probe. A search that was cut short is `undecided`, whatever it holds in its hands.
FOUND, NO_CHANGE, NONE_FOUND, REFUTED, UNDECIDED = "found", "no change", "none found", "refuted", "undecided"
OUTCOMES = (FOUND, NO_CHANGE, NONE_FOUND, REFUTED, UNDECIDED)

# How far a number is to be trusted, the weakest first.
GRADES = ("estimate", "enclosure", "exact")

# Decimals that a record keeps of a number, of an integer and of a fraction without an error.
_MOST_DIGITS, _INTEGER_DIGITS, _FRACTION_DIGITS = 400, 40, 15


@dataclass(frozen=True)
class Option:
    """One thing that a kind of probe is told, on the command line or in a report.

    Parameters
    ----------
    name : str
        Words joined by underscores: `step_size` is `--step-size` on the command line.
    help : str
    type : type
        `str`, `int` or `bool`.
    default : str, int, bool or None
    required : bool
    many : bool
        Whether it may be repeated; the value is then a list.
    positional : bool
        Whether the command takes it without a name.
    metavar : str
        How the help calls its value.
    """

    name: str
    help: str
    type: type = str
    default: Any = None
    required: bool = False
    many: bool = False
    positional: bool = False
    metavar: str = ""

    @property
    def flag(self) -> str:
        """How the command line calls it."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class Number:
    """A number that a probe found, with its error.

    Parameters
    ----------
    label : str
        Words for it, the unit among them.
    value : Measured or Fraction or int
    grade : {"estimate", "enclosure", "exact"}
    predicted : Measured or Fraction or int, optional
        What a closed form says of it.
    closed_form : str
        That closed form, in words or as a formula.
    """

    label: str
    value: Measured | Fraction | int
    grade: str
    predicted: Measured | Fraction | int | None = None
    closed_form: str = ""

    def data(self) -> dict[str, Any]:
        """Return the number as JSON; of its decimals those that its error allows, and two more."""
        return {
            "label": self.label,
            **_decimals(self.value, ""),
            "grade": self.grade,
            **_decimals(self.predicted, "predicted_"),
            "closed_form": self.closed_form,
        }


def _decimals(value: Measured | Fraction | int | None, prefix: str) -> dict[str, Any]:
    name = prefix.rstrip("_") or "value"
    found = value if isinstance(value, Measured) else Measured(None if value is None else Fraction(value))
    if found.value is None or found.error is None:
        return {name: None, f"{prefix}error": None, f"{prefix}digits": 0}
    digits = digits_of(found)
    return {
        name: decimal_text(found.value, digits + 2),
        f"{prefix}error": decimal_text(found.error, 2),
        f"{prefix}digits": digits,
    }


def plain(decimal: str | None) -> str:
    """Return a decimal without an exponent where it is easily read so, a dash where there is none."""
    if decimal is None:
        return "-"
    number = Decimal(decimal)
    return f"{number:f}" if -5 < number.adjusted() < 12 else decimal


def shortened(value: Measured, places: int = 20) -> Measured:
    """Return a value rounded to some decimal places (digits, below 1) and one more, the cut counted as error."""
    if value.value is None or value.error is None:
        return value
    leading = 0 if abs(value.value) >= 1 or not value.value else -Decimal(decimal_text(value.value, 3) or 0).adjusted()
    place = Fraction(1, 10 ** (places + 1 + leading))
    return Measured(round(value.value / place) * place, value.error + place / 2)


def digits_of(number: Measured) -> int:
    """Return the significant digits of a number that its error leaves, at least one."""
    if number.value is None or number.error is None:
        return 0
    if number.value == 0:
        return 1
    if number.error == 0:
        return _INTEGER_DIGITS if number.value.denominator == 1 else _FRACTION_DIGITS
    ratio = abs(number.value) / number.error
    logarithm = math.log10(ratio.numerator) - math.log10(ratio.denominator)
    return min(max(math.floor(logarithm), 1), _MOST_DIGITS)


@dataclass(frozen=True)
class Table:
    """A table of a page: its words, its head and its rows, all texts."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Witness:
    """An exact instance that shows what was found, to be run again.

    Parameters
    ----------
    says : str
        What it shows, in words.
    specification : mapping
        A specification of an experiment, or exact values by name; rationals as texts.
    command : str
        The command line that runs it again; empty where there is none.
    """

    says: str
    specification: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Parameters
    ----------
    outcome : str
        One of `OUTCOMES`.
    asked : str
        The question as asked, in a sentence.
    answer : str
        What was found, in sentences.
    numbers : mapping of str to Number
    witness : Witness or None
    searched, not_found : sequence of str
        What was looked at, and what did not turn up there.
    figure : Figure or None
    tables : sequence of Table
    notes : sequence of str
        What a reader should know.
    """

    outcome: str
    asked: str
    answer: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    witness: Witness | None = None
    searched: Sequence[str] = ()
    not_found: Sequence[str] = ()
    figure: Figure | None = None
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise InputError(f"the outcome of a probe is {self.outcome!r}; it must be one of {', '.join(OUTCOMES)}")

    @property
    def grade(self) -> str | None:
        """The weakest grade among the numbers, None where there are none."""
        return min((number.grade for number in self.numbers.values()), key=GRADES.index, default=None)

    def payload(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return {
            "asked": self.asked,
            "answer": self.answer,
            "numbers": {name: number.data() for name, number in self.numbers.items()},
            # A store sorts the names: this is the order in which they are told.
            "order": list(self.numbers),
            "witness": None if self.witness is None else asdict(self.witness),
            "searched": list(self.searched),
            "not_found": list(self.not_found),
            "figure": None if self.figure is None else self.figure.data(),
            "tables": [asdict(table) for table in self.tables],
            "notes": list(self.notes),
        }


class TimeLimit:
    """The seconds that a probe may take; a probe asks `over` between pieces of work and then returns what it has."""

    def __init__(self, seconds: float | None = None) -> None:
        if seconds is not None and not seconds > 0:
            raise InputError(f"the time limit is {seconds}; give a positive number of seconds")
        self.seconds = seconds
        self._start = time.monotonic()
        self.was_over = False

    @property
    def left(self) -> float:
        """Seconds that are left, infinite where there is no limit."""
        return math.inf if self.seconds is None else self.seconds - (time.monotonic() - self._start)

    @property
    def over(self) -> bool:
        """Say whether the time is up; that it was asked and was up is remembered."""
        self.was_over = self.was_over or self.left <= 0
        return self.was_over


class Kind(Protocol):
    """A module of this folder: its docstring's first sentence is its title."""

    OPTIONS: tuple[Option, ...]

    def question(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the exact question, as canonical JSON, that options stand for; raises where they are wrong."""

    def find(self, question: Mapping[str, Any], limit: TimeLimit) -> Finding:
        """Answer a question."""


__all__ = [
    "FOUND",
    "GRADES",
    "NONE_FOUND",
    "NO_CHANGE",
    "OUTCOMES",
    "REFUTED",
    "UNDECIDED",
    "Axis",
    "Density",
    "Figure",
    "Finding",
    "Kind",
    "Mark",
    "Number",
    "Option",
    "Panel",
    "Series",
    "Table",
    "TimeLimit",
    "Witness",
    "digits_of",
    "plain",
    "shortened",
]
